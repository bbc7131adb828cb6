"""Collection through PyDriver: the exploring policy of a batch, and what is logged of it."""

import numpy as np
import tensorflow as tf
from tf_agents.policies import py_policy, py_tf_eager_policy, random_py_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

AT_BOUND = 0.99
MOST_LOGGED = 16
"""Components of an action whose means are logged; of more, none."""


class BatchPolicy(py_policy.PyPolicy):
    """The agent's greedy policy in one graph call for all rows, perturbed, clipped to the bounds.

    Args:
        explore: exploration.RowNoise or EpsilonGreedy; None: not perturbed.
        sampled: actions are drawn from the agent's own collect policy instead.
    """

    def __init__(self, agent, time_step_spec, action_spec, rows, explore, sampled=False):
        super().__init__(time_step_spec, action_spec)
        self._explore = explore
        policy = agent.collect_policy if sampled else agent.policy
        width = time_step_spec.observation.shape[0]

        @tf.function(input_signature=[tf.TensorSpec((rows, width), tf.float32)])
        def greedy(observation):
            return policy.action(ts.restart(observation, batch_size=rows)).action

        self.greedy = greedy

    def _action(self, time_step, policy_state, seed=None):
        spec = self.action_spec
        action = self.greedy(time_step.observation).numpy()
        if self._explore is not None:
            action = self._explore(action, time_step.step_type == ts.StepType.FIRST)
        action = np.clip(action, spec.minimum, spec.maximum).astype(spec.dtype)
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
        self._count, self._reward, self._bound, self._action = 0, 0.0, None, 0.0

    def __call__(self, trajectory):
        inside = np.atleast_1d(trajectory.step_type != ts.StepType.LAST)
        count = int(inside.sum())
        action = np.reshape(trajectory.action, (len(inside), -1))[inside]
        self.transitions += count
        self._count += count
        self._reward += float(np.atleast_1d(trajectory.reward)[inside].sum())
        if not np.issubdtype(action.dtype, np.integer):
            self._bound = (self._bound or 0.0) + float((np.abs(action) >= AT_BOUND).mean(axis=1).sum())
        self._action = self._action + action.sum(axis=0)

    def take(self):
        """Dict of means; empty when nothing was collected."""
        if not self._count:
            return {}
        out = {"collect/reward_mean": self._reward / self._count}
        if self._bound is not None:
            out["collect/action_at_bound_share"] = self._bound / self._count
        means = np.atleast_1d(self._action)
        for index, total in enumerate(means if len(means) <= MOST_LOGGED else ()):
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
