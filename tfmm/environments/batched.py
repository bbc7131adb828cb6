"""The one TF-Agents environment of this project: any batched simulator, natively batched or as a single row."""

from collections.abc import Callable
from typing import Any, Protocol

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from tfmm import arrays

FILL_OUTCOMES = ("reward", "ask_fill_probability", "bid_fill_probability", "inventory_change")
"""Columns of a reward that comes with the outcomes of its interval, see tape.fill_outcomes; the change is in orders."""


class BatchedSimulator(Protocol):
    """B episodes that advance together; a row whose episode is over starts a new one at the next step.

    Attributes:
        observation: (B, K) float32. reward: (B,) float32.
        discount: (B,) float32: 0 where an episode has terminated, else 1; gamma belongs to the agent.
        step_type: (B,) int32, tf_agents StepType.
        The next step overwrites all of them.
    """

    observation: arrays.Floats32
    reward: arrays.Floats32
    discount: arrays.Floats32
    step_type: arrays.Ints32

    def seed(self, seed: int) -> None:
        """Restarts the random streams of all rows."""

    def reset(self) -> None:
        """Starts a new episode in every row."""

    def stagger(self) -> None:
        """Shortens the episodes just begun by random shares, so that the rows do not all end at once."""

    def step(self, actions: arrays.Array, /) -> None:
        """Advances every row by one step; actions: (B, ...)."""

    def get_state(self) -> Any:
        """A copy of everything that changes."""

    def set_state(self, state: Any, /) -> None:
        """Continues exactly where `get_state` was called."""


class BatchedEnvironment(py_environment.PyEnvironment):
    """A BatchedSimulator as a PyEnvironment: B rows, or with `single` its one row without the batch dimension.

    An episode that is merely over is truncated: its last step has discount 1. Only termination has discount 0.

    Args:
        simulator: whose steps are shown. action_spec: of one row.
        columns: (F,) int64 components of the simulator's observation that are shown; None: all of them.
        single: without the batch dimension; the simulator has one row.
        rewards: of the simulator's last step, (B, K) float32, the reward first; None: (B,) the reward alone.
    """

    def __init__(
        self,
        simulator: BatchedSimulator,
        action_spec: array_spec.BoundedArraySpec,
        columns: arrays.Ints | None = None,
        single: bool = False,
        rewards: Callable[[BatchedSimulator], arrays.Floats32] | None = None,
    ) -> None:
        super().__init__(handle_auto_reset=False)
        count = simulator.observation.shape[1]
        self._simulator, self._action_spec, self._single = simulator, action_spec, single
        self._rewards = rewards
        self._columns = np.arange(count) if columns is None else columns
        self._row = simulator.observation[0]  # a view: to index a vector is faster than to index a matrix
        # a copy of all columns is faster than a choice of them
        self._shows_all = np.array_equal(self._columns, np.arange(count))
        self._observation_spec = array_spec.ArraySpec((len(self._columns),), np.float32, "observation")

    @property
    def batched(self) -> bool:
        return not self._single

    @property
    def batch_size(self) -> int | None:
        return None if self._single else len(self._simulator.step_type)

    @property
    def simulator(self) -> BatchedSimulator:
        return self._simulator

    def observation_spec(self) -> array_spec.ArraySpec:
        return self._observation_spec

    def reward_spec(self) -> array_spec.ArraySpec:
        shape = () if self._rewards is None else self._rewards(self._simulator).shape[1:]
        return array_spec.ArraySpec(shape, np.float32, "reward")

    def action_spec(self) -> array_spec.BoundedArraySpec:
        return self._action_spec

    def seed(self, seed: int) -> None:
        self._simulator.seed(seed)

    def get_state(self) -> Any:
        """A copy of everything that a later `set_state` needs to continue exactly from here."""
        return self._simulator.get_state(), self._current_time_step

    def set_state(self, state: Any) -> None:
        simulated, time_step = state
        self._current_time_step = ts.TimeStep(*time_step)
        self._simulator.set_state(simulated)

    def _reset(self) -> ts.TimeStep:
        self._simulator.reset()
        if len(self._simulator.step_type) > 1:
            self._simulator.stagger()
        return self._time_step()

    def _step(self, action: arrays.Array) -> ts.TimeStep:
        self._simulator.step(action[np.newaxis] if self._single else action)
        return self._time_step()

    def _time_step(self) -> ts.TimeStep:
        # tuples are built directly: ts.transition is 100 times slower
        now = self._simulator
        if self._single:
            return ts.TimeStep(now.step_type[0], now.reward[0], now.discount[0], self._row[self._columns])
        shown = now.observation.copy() if self._shows_all else now.observation[:, self._columns]
        reward = now.reward.copy() if self._rewards is None else self._rewards(now)
        return ts.TimeStep(now.step_type.copy(), reward, now.discount.copy(), shown)
