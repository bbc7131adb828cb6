"""Market making on a tape as TF-Agents environments: natively batched, and a batch of one."""

import numpy as np
from tf_agents.environments import py_environment
from tf_agents.specs import array_spec
from tf_agents.trajectories import time_step as ts

_ZERO, _ONE = np.float32(0.0), np.float32(1.0)


class MarketMakingEnvironment(py_environment.PyEnvironment):
    """B dealers at once; a row whose window is over restarts by itself at the next step.

    Observation (B, F) float32: the chosen features. Action (B, N A) float32 in [-1, 1]:
    task.action_names, see quoting.quote_prices. Reward (B,) float32: (dPnL - r |Q| dt) / (mean half-spread x
    order size).
    The discount is 1: a window that is over is truncated, gamma belongs to the agent. Only liquidation at its end
    (environment.liquidate) makes it 0.
    """

    def __init__(self, task, sim):
        """Args: task.TapeTask, simulator.Simulator of it (B rows)."""
        super().__init__(handle_auto_reset=False)
        self._task = task
        self._sim = sim
        self._discount = np.ones(len(sim.rows), np.float32)
        self._ends = task.ends
        self._observation_spec = array_spec.ArraySpec((len(task.columns),), np.float32, "observation")
        self._action_spec = array_spec.BoundedArraySpec((len(task.action_names),), np.float32, -1.0, 1.0, "action")

    @property
    def batched(self):
        return True

    @property
    def batch_size(self):
        return len(self._sim.rows)

    @property
    def simulator(self):
        return self._sim

    def observation_spec(self):
        return self._observation_spec

    def action_spec(self):
        return self._action_spec

    def seed(self, seed):
        self._sim.seed(seed)

    def get_state(self):
        """A copy of everything that a later `set_state` needs to go on exactly from here."""
        return self._sim.get_state(), self._current_time_step

    def set_state(self, state):
        arrays, self._current_time_step = state
        self._sim.set_state(arrays)

    def _reset(self):
        self._sim.reset()
        if self.batch_size > 1:
            self._sim.stagger()
        return self._time_step()

    def _step(self, action):
        self._sim.step(action)
        return self._time_step()

    def _time_step(self):
        sim = self._sim
        discount = self._discount.copy()
        if self._ends:
            discount[sim.step_type == ts.StepType.LAST] = 0.0
        return ts.TimeStep(sim.step_type.copy(), sim.reward.copy(), discount, self._task.observe(sim))


class SingleMarketMakingEnvironment(py_environment.PyEnvironment):
    """One dealer: row 0 of a batch of one, without the batch dimension."""

    def __init__(self, task, sim):
        super().__init__(handle_auto_reset=False)
        self._batch = MarketMakingEnvironment(task, sim)
        self._sim, self._columns = sim, task.columns
        self._ends = task.ends

    @property
    def simulator(self):
        return self._sim

    def observation_spec(self):
        return self._batch.observation_spec()

    def action_spec(self):
        return self._batch.action_spec()

    def seed(self, seed):
        self._batch.seed(seed)

    def get_state(self):
        return self._sim.get_state(), self._current_time_step

    def set_state(self, state):
        arrays, self._current_time_step = state
        self._sim.set_state(arrays)

    def _reset(self):
        self._sim.reset()
        return self._time_step()

    def _step(self, action):
        # after a window that is over, the simulator starts the next one by itself
        self._sim.step(action)
        return self._time_step()

    def _time_step(self):
        sim = self._sim
        kind = sim.step_type[0]
        discount = _ZERO if self._ends and kind == ts.StepType.LAST else _ONE
        return ts.TimeStep(kind, sim.reward[0], discount, sim.observation[0, self._columns])
