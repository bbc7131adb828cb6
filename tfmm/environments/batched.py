"""The one TF-Agents environment of this project: any batched simulator, natively batched or as a single row."""

from collections.abc import Callable
from typing import Any

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

from tfmm import arrays
from tfmm.environments import batched_simulator


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
        simulator: batched_simulator.BatchedSimulator,
        action_spec: array_spec.BoundedArraySpec,
        columns: arrays.Ints | None = None,
        single: bool = False,
        rewards: Callable[[batched_simulator.BatchedSimulator], arrays.Floats32] | None = None,
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
    def simulator(self) -> batched_simulator.BatchedSimulator:
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
