"""How a batch explores: noise on continuous actions, epsilon-greedy on discrete ones, with a process per row."""

from typing import Any, Protocol

import numpy as np
from tf_agents.specs import array_spec

from tfmm.arrays import Array, Bools
from tfmm.config import agent as agent_lib, agent_base
from tfmm.training import metrics


class Exploration(Protocol):
    """Perturbs greedy actions of a batch."""

    def __call__(self, action: Array, is_first: Bools) -> Array:
        """The greedy action (B, d) or (B,) perturbed, unclipped. is_first: (B,) rows at the start of an episode."""

    def metric(self) -> metrics.Reading:
        """The strength, for the log."""

    def get_state(self) -> dict[str, Any]:
        """Picklable state for `set_state`."""

    def set_state(self, state: dict[str, Any]) -> None:
        """Goes on exactly from a state."""


def create(settings: agent_lib.AnyAgent, action_spec: array_spec.BoundedArraySpec, rows: int, seed: int) -> Exploration:
    """The exploration of an agent whose greedy policy is perturbed while collecting.

    Args:
        settings: section [agent]. action_spec: of one row. rows: B.
    """
    if isinstance(settings, agent_lib.Dqn):
        return EpsilonGreedy(settings, int(action_spec.maximum) + 1, seed)
    if isinstance(settings, agent_lib.Reinforce):
        raise ValueError("reinforce draws its actions from its own policy")
    return RowNoise(settings, (rows, action_spec.shape[0]), seed)


class RowNoise:
    """Exploration noise with a process per row, started anew with every episode.

    `ou`: x' = (1 - damping) x + N(0, stddev) (Lillicrap et al. 2016; the form of TF-Agents' OUProcess).
    `gaussian`: N(0, stddev).

    Attributes:
        stddev: in action units.
    """

    def __init__(self, settings: agent_base.ActorCritic, shape: tuple[int, int], seed: int) -> None:
        self._settings = settings
        self.stddev = settings.noise_stddev
        self._random = np.random.default_rng(seed)
        self._x = np.zeros(shape)

    def __call__(self, action: Array, is_first: Bools) -> Array:
        """The greedy action (B, d) with noise, unclipped. is_first: (B,) bool, rows at the start of an episode."""
        draw = self._random.normal(0.0, self.stddev, self._x.shape)
        if self._settings.noise == "gaussian":
            return action + draw
        self._x[is_first] = 0.0
        self._x = (1.0 - self._settings.noise_damping) * self._x + draw
        return action + self._x

    def metric(self) -> metrics.Reading:
        """stddev, for the log."""
        return metrics.Reading("noise_stddev", "collect", lambda: self.stddev)

    def get_state(self) -> dict[str, Any]:
        return {"generator": self._random.bit_generator.state, "x": self._x.copy()}

    def set_state(self, state: dict[str, Any]) -> None:
        self._random.bit_generator.state = state["generator"]
        self._x = state["x"].copy()


class EpsilonGreedy:
    """A uniform action instead of the greedy one with probability epsilon, which falls with every batched step."""

    def __init__(self, settings: agent_lib.Dqn, actions: int, seed: int) -> None:
        self._settings, self._actions = settings, actions
        self._random = np.random.default_rng(seed)
        self._steps = 0

    @property
    def epsilon(self) -> float:
        """Probability of a uniform action now."""
        settings = self._settings
        gone = np.exp(-self._steps / settings.epsilon_decay_steps)
        return settings.epsilon_end + (settings.epsilon_start - settings.epsilon_end) * gone

    def __call__(self, action: Array, is_first: Bools) -> Array:
        """The greedy action (B,), some of them replaced."""
        explores = self._random.random(len(action)) < self.epsilon
        self._steps += 1
        return np.where(explores, self._random.integers(self._actions, size=len(action)), action)

    def metric(self) -> metrics.Reading:
        """epsilon, for the log."""
        return metrics.Reading("epsilon", "collect", lambda: self.epsilon)

    def get_state(self) -> dict[str, Any]:
        return {"generator": self._random.bit_generator.state, "steps": self._steps}

    def set_state(self, state: dict[str, Any]) -> None:
        self._random.bit_generator.state = state["generator"]
        self._steps = state["steps"]
