"""What is logged of collection: rewards, actions, inventory and fills, as means between two log lines."""

import numpy as np
from tf_agents.trajectories import time_step as ts

AT_BOUND = 0.99
"""An action component this far out counts as saturated."""
MOST_LOGGED = 16
"""Components of an action whose means are logged; of more, none."""


class Statistics:
    """Observer of a PyDriver; adds up over the steps since the last `take`.

    Args:
        env: its `simulator`, where it has one of market making or of a model, gives inventory and fills.

    Attributes:
        transitions: inside an episode, since the beginning of the run. names: of the sums, in order.
    """

    def __init__(self, env):
        self.transitions = 0
        sim = getattr(env, "simulator", None)
        self._holdings = None
        if hasattr(sim, "books"):
            self._holdings = _Quoted(sim)
        elif "held" in (getattr(getattr(sim, "rows", None), "dtype", np.dtype(int)).names or ()):
            self._holdings = _Held(sim)
        spec = env.action_spec()
        self._continuous = not np.issubdtype(spec.dtype, np.integer)
        width = int(np.prod(spec.shape))
        self._logged = width if width <= MOST_LOGGED else 0
        self._returns = None
        self._clear()
        self.names = tuple(self._drain())

    def _clear(self):
        self._sums = dict.fromkeys(("steps", "reward", "episodes", "episode_return"), 0.0)
        if self._continuous:
            self._sums["action_at_bound"] = 0.0
        self._action, self._square = np.zeros(self._logged), np.zeros(self._logged)
        if self._holdings is not None:
            self._holdings.clear()

    def __call__(self, trajectory):
        inside = np.atleast_1d(trajectory.step_type != ts.StepType.LAST)
        count = int(inside.sum())
        action = np.reshape(trajectory.action, (len(inside), -1))[inside]
        self.transitions += count
        self._sums["steps"] += count
        self._add_rewards(trajectory, inside)
        if self._continuous:
            self._sums["action_at_bound"] += float((np.abs(action) >= AT_BOUND).mean(axis=1).sum())
        if self._logged:
            self._action += action.sum(axis=0, dtype=np.float64)
            self._square += np.square(action, dtype=np.float64).sum(axis=0)
        if self._holdings is not None:
            self._holdings.add(inside)

    def _add_rewards(self, trajectory, inside):
        reward = np.where(inside, trajectory.reward, 0.0)
        self._sums["reward"] += float(reward.sum())
        if self._returns is None:
            self._returns = np.full(len(inside), np.nan)
        # an episode that was under way before the first step seen here has no return: NaN until the next begins
        self._returns[np.atleast_1d(trajectory.step_type == ts.StepType.FIRST)] = 0.0
        self._returns += reward
        ended = inside & np.atleast_1d(trajectory.next_step_type == ts.StepType.LAST) & ~np.isnan(self._returns)
        self._sums["episodes"] += int(ended.sum())
        self._sums["episode_return"] += float(self._returns[ended].sum())

    def _drain(self):
        sums = dict(self._sums)
        for index in range(self._logged):
            sums[f"action_{index}"], sums[f"action_{index}_square"] = self._action[index], self._square[index]
        if self._holdings is not None:
            sums.update(self._holdings.sums())
        self._clear()
        return sums

    def take(self):
        """(len(names),) float64: the sums, which begin anew; those of several processes may be added."""
        return np.array(list(self._drain().values()), np.float64)


def means(names, sums):
    """{name: mean} for the log of what `Statistics.take` gave; empty when nothing was collected.

    Inventories are in the problem's units (orders), over instruments and rows; fills are per step and row; the return
    of an episode is its undiscounted sum of rewards.
    """
    sums = dict(zip(names, sums.tolist(), strict=True))
    steps, episodes = sums.pop("steps"), sums.pop("episodes")
    if not steps:
        return {}
    out = {"collect/reward_mean": sums.pop("reward") / steps, "collect/episodes": int(episodes)}
    returned = sums.pop("episode_return")
    if episodes:
        out["collect/episode_return_mean"] = returned / episodes
    if "action_at_bound" in sums:
        out["collect/action_at_bound_share"] = sums.pop("action_at_bound") / steps
    for name in [one for one in sums if one.endswith("_square")]:
        action = name.removesuffix("_square")
        mean, square = sums.pop(action) / steps, sums.pop(name) / steps
        out[f"collect/{action}_mean"] = mean
        out[f"collect/{action}_stddev"] = max(square - mean**2, 0.0) ** 0.5
    return {**out, **{f"collect/{name}": value / steps for name, value in sums.items()}}


class _Held:
    """Inventory of models (environments.analytic.kernel.Dealer)."""

    def __init__(self, sim):
        self._sim = sim

    def clear(self):
        self._signed, self._size = 0.0, 0.0

    def _inventory(self):
        return self._sim.rows["held"][:, : self._sim._parameters.currencies]

    def add(self, inside):
        held = self._inventory()[inside]
        self._signed += float(held.mean(axis=1).sum())
        self._size += float(np.abs(held).mean(axis=1).sum())

    def sums(self):
        return {"inventory_mean": self._signed, "inventory_abs_mean": self._size}


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
            "fills_per_step": self._counted["n_fills"],
            "refused_per_step": self._counted["n_refused"],
        }
