"""Collection through PyDriver: an environment with the policies that explore it, and what is logged of it."""

import numpy as np
import tensorflow as tf
from tf_agents.drivers import py_driver
from tf_agents.policies import py_policy, py_tf_eager_policy, random_py_policy
from tf_agents.trajectories import policy_step, time_step as ts

from tfmm.training import exploration, metrics


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

        # nothing to convert: a policy has no Python control flow on tensors, and looking for it takes five seconds
        @tf.function(input_signature=[tf.TensorSpec((rows, width), tf.float32)], autograph=False)
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
        task: see environments.factory. env: of it, natively batched or single. rows: B, or None where it is single.
        agent: whose policy explores. seeds: of the noise and of random actions.
        sampled: the agent learns from its own policy alone, so actions are drawn from that and not perturbed.

    Attributes:
        statistics: statistics.Statistics of all steps so far.
    """

    def __init__(self, task, env, rows, agent, seeds, sampled=False):
        settings = task.config
        self._env, self._rows, self._agent = env, rows, agent
        self._steps = settings.train.steps
        noise_seed, self._random_seed = (int(seed) for seed in seeds)
        self._noise = None
        if rows is None:
            self._policy = single_policy(agent)
        else:
            if not sampled:
                self._noise = exploration.create(settings.agent, env.action_spec(), rows, noise_seed)
            self._policy = self._batch_policy(self._noise, rows, sampled)
        self.statistics = metrics.Statistics(env)
        self._time_step = None

    def _batch_policy(self, noise, rows, sampled=False):
        return BatchPolicy(self._agent, self._env.time_step_spec(), self._env.action_spec(), rows, noise, sampled)

    def greedy(self):
        """Observation (B, F) -> action (B, d) of the agent's greedy policy, for any B."""
        graph = self._batch_policy(None, None).greedy
        return lambda observation: graph(observation).numpy()

    def record(self):
        """What is logged of the exploration and of the steps since the last record."""
        explored = {} if self._noise is None else self._noise.record()
        collected = metrics.means(self.statistics.names, self.statistics.take())
        return {"collect/transitions": self.statistics.transitions, **collected, **explored}

    def explore(self, writer, steps, train_step):
        """Plays `steps` steps with the policy and the noise of a train step into a writer of the replay."""
        if self._noise is not None:
            self._noise.decay(min(1.0, train_step / self._steps))
        self._drive(self._policy, steps, [writer])
        writer.flush()

    def play_randomly(self, writer, steps):
        """Plays `steps` steps of uniform actions into a writer, or None; returns the observations (K, F)."""
        seen = Observations()
        observers = [seen] if writer is None else [writer, seen]
        self._drive(random_policy(self._env, self._random_seed), steps, observers)
        if writer is not None:
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
