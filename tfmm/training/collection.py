"""Collection through PyDriver: the exploring policy of a batch, and what is logged of it."""

import numpy as np
import tensorflow as tf
from tf_agents.policies import py_policy, py_tf_eager_policy, random_py_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

AT_BOUND = 0.99


class RowNoise:
    """Exploration noise with a process per row, started anew with every episode.

    `ou`: x' = (1 - damping) x + N(0, stddev) (Lillicrap et al. 2016; the form of TF-Agents' OUProcess).
    `gaussian`: N(0, stddev).
    """

    def __init__(self, settings, shape, seed):
        self._settings = settings
        self._random = np.random.default_rng(seed)
        self._x = np.zeros(shape)

    def __call__(self, is_first):
        draw = self._random.normal(0.0, self._settings.noise_stddev, self._x.shape)
        if self._settings.noise == "gaussian":
            return draw
        self._x[is_first] = 0.0
        self._x = (1.0 - self._settings.noise_damping) * self._x + draw
        return self._x

    def get_state(self):
        return {"generator": self._random.bit_generator.state, "x": self._x.copy()}

    def set_state(self, state):
        self._random.bit_generator.state = state["generator"]
        self._x = state["x"].copy()


class BatchPolicy(py_policy.PyPolicy):
    """The agent's greedy policy in one graph call for all rows, plus noise, clipped to the bounds."""

    def __init__(self, agent, time_step_spec, action_spec, rows, noise):
        super().__init__(time_step_spec, action_spec)
        self.noise = noise
        width = time_step_spec.observation.shape[0]

        @tf.function(input_signature=[tf.TensorSpec((rows, width), tf.float32)])
        def greedy(observation):
            return agent.policy.action(ts.restart(observation, batch_size=rows)).action

        self.greedy = greedy

    def _action(self, time_step, policy_state, seed=None):
        spec = self.action_spec
        action = self.greedy(time_step.observation).numpy()
        if self.noise is not None:
            action = action + self.noise(time_step.step_type == ts.StepType.FIRST)
        action = np.clip(action, spec.minimum, spec.maximum).astype(np.float32)
        return policy_step.PolicyStep(action, policy_state, ())


def random_policy(env, seed):
    """Uniform actions inside the bounds."""
    return random_py_policy.RandomPyPolicy(env.time_step_spec(), env.action_spec(), seed=seed)


def single_policy(agent):
    """The stock collect policy (one shared OU process) for a single environment."""
    return py_tf_eager_policy.PyTFEagerPolicy(agent.collect_policy, use_tf_function=True)


class Statistics:
    """Observer: means over the trajectories since the last `take`."""

    def __init__(self):
        self.transitions = 0
        self._clear()

    def _clear(self):
        self._count, self._reward, self._bound, self._action = 0, 0.0, 0.0, 0.0

    def __call__(self, trajectory):
        inside = np.atleast_1d(trajectory.step_type != ts.StepType.LAST)
        count = int(inside.sum())
        action = np.atleast_2d(trajectory.action)[inside]
        self.transitions += count
        self._count += count
        self._reward += float(np.atleast_1d(trajectory.reward)[inside].sum())
        self._bound += float((np.abs(action) >= AT_BOUND).mean(axis=1).sum())
        self._action = self._action + action.sum(axis=0)

    def take(self):
        """Dict of means; empty when nothing was collected."""
        if not self._count:
            return {}
        out = {
            "collect/reward_mean": self._reward / self._count,
            "collect/action_at_bound_share": self._bound / self._count,
        }
        for index, total in enumerate(np.atleast_1d(self._action)):
            out[f"collect/action_{index}_mean"] = float(total) / self._count
        self._clear()
        return out


class Observations:
    """Observer: keeps the observations that the normaliser is fitted on."""

    def __init__(self):
        self._kept = []

    def __call__(self, trajectory):
        self._kept.append(np.atleast_2d(trajectory.observation))

    def stacked(self):
        return np.concatenate(self._kept)
