"""Collection through PyDriver: an environment with the policies that explore it, and what is logged of it."""

import math

import numpy as np
import tensorflow as tf
from tf_agents.drivers import py_driver
from tf_agents.policies import py_policy, py_tf_eager_policy, random_py_policy
from tf_agents.trajectories import policy_step
from tf_agents.trajectories import time_step as ts

from tfmm.training import statistics


class RowNoise:
    """Exploration noise with a process per row, started anew with every episode.

    `ou`: x' = (1 - damping) x + N(0, stddev) (Lillicrap et al. 2016; the form of TF-Agents' OUProcess).
    `gaussian`: N(0, stddev).

    Attributes:
        stddev: in action units, now.
    """

    def __init__(self, settings, shape, seed):
        self._settings = settings
        self.stddev = settings.noise_stddev
        self._random = np.random.default_rng(seed)
        self._x = np.zeros(shape)

    def __call__(self, is_first):
        draw = self._random.normal(0.0, self.stddev, self._x.shape)
        if self._settings.noise == "gaussian":
            return draw
        self._x[is_first] = 0.0
        self._x = (1.0 - self._settings.noise_damping) * self._x + draw
        return self._x

    def decay(self, share):
        """Sets stddev to that of a share of the run in [0, 1]."""
        first, last = self._settings.noise_stddev, self._settings.noise_stddev_final
        if self._settings.noise_decay == "linear":
            self.stddev = first + (last - first) * share
        elif self._settings.noise_decay == "cosine":
            self.stddev = last + (first - last) * 0.5 * (1.0 + math.cos(math.pi * share))

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


class Observations:
    """Observer: keeps the observations that the normaliser is fitted on."""

    def __init__(self):
        self._kept = []

    def __call__(self, trajectory):
        self._kept.append(np.atleast_2d(trajectory.observation))

    def stacked(self):
        return np.concatenate(self._kept)


class Collector:
    """An environment, the agent's exploring policy and their statistics.

    Args:
        problem: see environments.factory. env: of it, natively batched or single. rows: B, or None where it is single.
        agent: whose policy explores. seeds: of the noise and of random actions.

    Attributes:
        statistics: statistics.Statistics of all steps so far.
    """

    def __init__(self, problem, env, rows, agent, seeds):
        settings = problem.config
        self._env, self._rows, self._agent = env, rows, agent
        self._steps = settings.train.steps
        noise_seed, self._random_seed = (int(seed) for seed in seeds)
        self._noise = None
        if rows is None:
            self._policy = single_policy(agent)
        else:
            self._noise = RowNoise(settings.agent, (rows, env.action_spec().shape[0]), noise_seed)
            self._policy = self._batch_policy(self._noise, rows)
        self.statistics = statistics.Statistics(env)
        self._time_step = None

    def _batch_policy(self, noise, rows):
        return BatchPolicy(self._agent, self._env.time_step_spec(), self._env.action_spec(), rows, noise)

    def greedy(self):
        """Observation (B, F) -> action (B, d) of the agent's greedy policy, for any B."""
        graph = self._batch_policy(None, None).greedy
        return lambda observation: graph(observation).numpy()

    @property
    def noise_stddev(self):
        return None if self._noise is None else self._noise.stddev

    def explore(self, writer, steps, train_step):
        """Plays `steps` steps with the policy and the noise of a train step into a writer of the replay."""
        if self._noise is not None:
            self._noise.decay(min(1.0, train_step / self._steps))
        self._drive(self._policy, steps, [writer])
        writer.flush()

    def play_randomly(self, writer, steps):
        """Plays `steps` steps of uniform actions into a writer; returns the observations (K, F)."""
        seen = Observations()
        self._drive(random_policy(self._env, self._random_seed), steps, [writer, seen])
        writer.flush()
        return seen.stacked()

    def _drive(self, policy, steps, observers):
        if self._time_step is None:
            self._time_step = self._env.reset()
        rows = self._rows or 1
        driver = py_driver.PyDriver(
            self._env,
            policy,
            [*observers, self.statistics],
            max_steps=steps * rows,
            end_episode_on_boundary=True,
        )
        self._time_step, _ = driver.run(self._time_step, policy.get_initial_state(rows))

    def get_state(self):
        """Picklable state; `set_state` goes on exactly from here."""
        return {
            "environment": self._env.get_state(),
            "time_step": self._time_step,
            "noise": None if self._noise is None else self._noise.get_state(),
            "transitions": self.statistics.transitions,
        }

    def set_state(self, state):
        self._env.set_state(state["environment"])
        self._time_step = state["time_step"]
        if self._noise is not None:
            self._noise.set_state(state["noise"])
        self.statistics.transitions = state["transitions"]
