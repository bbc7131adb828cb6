"""Collection through PyDrivers: an environment, the policies that explore it, and the observers of its steps."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.drivers import py_driver
from tf_agents.environments import batched_py_environment, py_environment, tf_py_environment
from tf_agents.policies import py_policy, py_tf_eager_policy, random_py_policy
from tf_agents.specs import array_spec
from tf_agents.trajectories import policy_step, time_step as ts, trajectory

from tfmm.arrays import Array, Floats32
from tfmm.config import experiment as experiment_lib
from tfmm.training import exploration, metrics


class BatchPolicy(py_policy.PyPolicy):
    """The agent's greedy policy in one graph call for all rows, perturbed, clipped to the bounds.

    Args:
        rows: B. explore: perturbs the actions; None: they are not.
        sampled: actions are drawn from the agent's own collect policy instead.
    """

    def __init__(
        self,
        agent: tf_agent.TFAgent,
        time_step_spec: ts.TimeStep,
        action_spec: array_spec.BoundedArraySpec,
        rows: int,
        explore: exploration.Exploration | None,
        sampled: bool = False,
    ) -> None:
        super().__init__(time_step_spec, action_spec)
        self._explore = explore
        self._graph = _graph(agent.collect_policy if sampled else agent.policy, time_step_spec, rows)

    def _action(self, time_step, policy_state, seed=None):
        spec = self.action_spec
        action = self._graph(time_step.observation).numpy()
        if self._explore is not None:
            action = self._explore(action, time_step.step_type == ts.StepType.FIRST)
        action = np.clip(action, spec.minimum, spec.maximum).astype(spec.dtype)
        return policy_step.PolicyStep(action, policy_state, ())


def _graph(policy, time_step_spec, rows):
    """Observation (rows, F) -> action of a TFPolicy as a tf.function; rows None: any number."""
    width = time_step_spec.observation.shape[0]

    # nothing to convert: a policy has no Python control flow on tensors, and looking for it takes five seconds
    @tf.function(input_signature=[tf.TensorSpec((rows, width), tf.float32)], autograph=False)
    def act(observation):
        return policy.action(ts.restart(observation, batch_size=rows)).action

    return act


def greedy(agent: tf_agent.TFAgent) -> Callable[[Floats32], Array]:
    """Observation (B, F) -> action (B, d) of the agent's greedy policy, for any B, with its weights of the moment."""
    graph = _graph(agent.policy, agent.time_step_spec, None)
    return lambda observation: graph(observation).numpy()


def random_policy(env: py_environment.PyEnvironment, seed: int) -> random_py_policy.RandomPyPolicy:
    """Uniform actions inside the bounds."""
    return random_py_policy.RandomPyPolicy(env.time_step_spec(), env.action_spec(), seed=seed)


def single_policy(agent: tf_agent.TFAgent) -> py_tf_eager_policy.PyTFEagerPolicy:
    """The stock collect policy (one shared OU process) for a single environment."""
    return py_tf_eager_policy.PyTFEagerPolicy(agent.collect_policy, use_tf_function=True)


def tf_environment(env: py_environment.PyEnvironment) -> tf_py_environment.TFPyEnvironment:
    """The environment as TF-Agents' agents and episodes in TensorFlow take it: batched, its specs of tensors."""
    if not env.batched:
        env = batched_py_environment.BatchedPyEnvironment([env], multithreading=False)  # or a thread stays behind
    return tf_py_environment.TFPyEnvironment(env)


def collect_policy(
    agent: tf_agent.TFAgent, env: py_environment.PyEnvironment, noise: exploration.Exploration | None
) -> py_policy.PyPolicy:
    """The policy that explores an environment: the greedy one of the agent with noise in every row of a batch, its
    own collect policy where there is no noise, or the stock one for a single environment."""
    if not env.batched:
        return single_policy(agent)
    sampled = noise is None
    return BatchPolicy(agent, env.time_step_spec(), env.action_spec(), env.batch_size, noise, sampled)


class Observations:
    """Observer: keeps the observations that the normaliser is fitted on."""

    def __init__(self) -> None:
        self._kept: list[Floats32] = []

    def __call__(self, step: trajectory.Trajectory) -> None:
        """Keeps those of a step, of a batch or of a single environment."""
        self._kept.append(np.atleast_2d(step.observation))

    def stacked(self) -> Floats32:
        """(K, F)."""
        return np.concatenate(self._kept)


class Collector:
    """Drives an environment from where it stands.

    Args:
        config: the whole configuration. env: natively batched or single. policy: see collect_policy.
        noise: of the policy, or None. writer: observer that fills the replay.
        collected: observer of all steps, those of the warm-up included.
    """

    def __init__(
        self,
        config: experiment_lib.Config,
        env: py_environment.PyEnvironment,
        policy: py_policy.PyPolicy,
        noise: exploration.Exploration | None,
        writer: Any,
        collected: metrics.Collected,
    ) -> None:
        self._config, self._env, self._policy, self._noise = config, env, policy, noise
        self._writer, self._collected = writer, collected
        self._time_step: ts.TimeStep | None = None
        self._driver = self._driver_of(policy, [writer], config.collect.steps_per_iteration)

    def _driver_of(self, policy, observers, steps):
        return py_driver.PyDriver(
            self._env,
            policy,
            [*observers, self._collected],
            max_steps=steps * (self._env.batch_size or 1),
            end_episode_on_boundary=True,
        )

    def run(self) -> None:
        """Plays the collect steps of an iteration into the replay."""
        self._run(self._driver, self._policy)

    def refill(self) -> None:
        """Plays the steps of a warm-up into the replay, with the exploring policy."""
        self._run(self._driver_of(self._policy, [self._writer], self._config.collect.initial_steps), self._policy)

    def warm_up(self, seed: int, into_replay: bool = True) -> Floats32:
        """Plays the first steps with uniform actions; returns the observations (K, F).

        Args:
            into_replay: false for an agent that may not learn from them.
        """
        seen, policy = Observations(), random_policy(self._env, seed)
        observers = [self._writer, seen] if into_replay else [seen]
        self._run(self._driver_of(policy, observers, self._config.collect.initial_steps), policy)
        return seen.stacked()

    def _run(self, driver, policy):
        if self._time_step is None:
            self._time_step = self._env.reset()
        self._time_step, _ = driver.run(self._time_step, policy.get_initial_state(self._env.batch_size or 1))
        self._writer.flush()

    def get_state(self) -> dict[str, Any]:
        """State as plain_state.encode takes it; `set_state` goes on exactly from here."""
        return {
            "environment": self._env.get_state(),
            "time_step": self._time_step,
            "noise": None if self._noise is None else self._noise.get_state(),
            "transitions": self._collected.transitions,
        }

    def set_state(self, state: dict[str, Any]) -> None:
        self._env.set_state(state["environment"])
        self._time_step = ts.TimeStep(*state["time_step"])
        if self._noise is not None:
            self._noise.set_state(state["noise"])
        self._collected.transitions = state["transitions"]
