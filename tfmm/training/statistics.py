"""What is logged of collection: rewards, actions, inventory and fills, as means between two log lines."""

import numpy as np
from tf_agents.trajectories import time_step as ts

AT_BOUND = 0.99
"""An action component this far out counts as saturated."""
MOST_LOGGED = 16
"""Components of an action whose means are logged; of more, none."""


class Statistics:
    """Observer of a PyDriver; the means are over the steps since the last `take`.

    Args:
        env: its `simulator`, where it has one of market making or of a model, gives inventory and fills.

    Attributes:
        transitions: inside an episode, since the beginning of the run.
    """

    def __init__(self, env):
        self.transitions = 0
        sim = getattr(env, "simulator", None)
        self._holdings = None
        if hasattr(sim, "books"):
            self._holdings = _Quoted(sim)
        elif hasattr(sim, "held"):
            self._holdings = _Held(sim)
        self._clear()

    def _clear(self):
        self._count, self._reward, self._bound, self._action, self._square = 0, 0.0, None, 0.0, 0.0
        if self._holdings is not None:
            self._holdings.clear()

    def __call__(self, trajectory):
        inside = np.atleast_1d(trajectory.step_type != ts.StepType.LAST)
        count = int(inside.sum())
        action = np.reshape(trajectory.action, (len(inside), -1))[inside]
        self.transitions += count
        self._count += count
        self._reward += float(np.atleast_1d(trajectory.reward)[inside].sum())
        if not np.issubdtype(action.dtype, np.integer):
            self._bound = (self._bound or 0.0) + float((np.abs(action) >= AT_BOUND).mean(axis=1).sum())
        self._action = self._action + action.sum(axis=0, dtype=np.float64)
        self._square = self._square + np.square(action, dtype=np.float64).sum(axis=0)
        if self._holdings is not None:
            self._holdings.add(inside)

    def take(self):
        """Dict of means; empty when nothing was collected.

        Inventories are in the problem's units (orders), over instruments and rows; fills are per step and row.
        """
        if not self._count:
            return {}
        out = {"collect/reward_mean": self._reward / self._count}
        if self._bound is not None:
            out["collect/action_at_bound_share"] = self._bound / self._count
        mean = np.atleast_1d(self._action) / self._count
        stddev = np.sqrt(np.maximum(np.atleast_1d(self._square) / self._count - mean**2, 0.0))
        for index in range(len(mean) if len(mean) <= MOST_LOGGED else 0):
            out[f"collect/action_{index}_mean"] = float(mean[index])
            out[f"collect/action_{index}_stddev"] = float(stddev[index])
        if self._holdings is not None:
            out.update({name: value / self._count for name, value in self._holdings.sums().items()})
        self._clear()
        return out


class _Held:
    """Inventory of models (environments.dealer.Dealer)."""

    def __init__(self, sim):
        self._sim = sim

    def clear(self):
        self._signed, self._size = 0.0, 0.0

    def _inventory(self):
        return self._sim.held

    def add(self, inside):
        held = self._inventory()[inside]
        self._signed += float(held.mean(axis=1).sum())
        self._size += float(np.abs(held).mean(axis=1).sum())

    def sums(self):
        return {"collect/inventory_mean": self._signed, "collect/inventory_abs_mean": self._size}


class _Quoted(_Held):
    """Inventory, fills and sides refused for a limit, of market making (simulation.simulator.Simulator)."""

    _COUNTS = ("n_fills", "n_refused")

    def __init__(self, sim):
        super().__init__(sim)
        self._order = sim.rules["order_lot"].astype(np.float64)
        self._before = {name: sim.books[name].copy() for name in self._COUNTS}

    def clear(self):
        super().clear()
        self._counted = dict.fromkeys(self._COUNTS, 0)

    def _inventory(self):
        return self._sim.books["inventory_lot"] / self._order

    def add(self, inside):
        super().add(inside)
        for name in self._COUNTS:
            now = self._sim.books[name].copy()
            # inside a window counts only grow
            self._counted[name] += int((now - self._before[name])[inside].sum())
            self._before[name] = now

    def sums(self):
        return {
            **super().sums(),
            "collect/fills_per_step": self._counted["n_fills"],
            "collect/refused_per_step": self._counted["n_refused"],
        }
