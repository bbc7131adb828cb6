"""Dynamic programming over the inventory and the places of both quotes in their queues (rules.touch = "queue").

models.queue_inventory, fitted on quotes that rested on train (calibration.queue_probes): a quote keeps its price while
its place is worth more than another one, and is cancelled when the state of the market makes its fills lose. Quotes are
inside a wide spread, at the best price or a step behind it. Trends outlast what the model knows of the market, so that
inventory is harder to get rid of than it assumes: what its holding cost is multiplied by, and whether it ever quotes
inside, are those of the best score on train.
"""

import dataclasses
from typing import Any

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.calibration import queue_probes
from tfmm.environments.tape.task import TapeTask
from tfmm.models import queue_inventory
from tfmm.policies.baselines import grid_search
from tfmm.policies.baselines.baseline import MarketState
from tfmm.simulation import sizes

_CANDIDATES = tuple((factor, inside) for factor in (1.0, 3.0, 10.0) for inside in (True, False))
"""Factors of the holding cost, and whether quotes inside the spread are allowed."""
_HORIZON = 300
_SIGN = np.array([-1.0, 1.0])  # of ask and bid


@dataclasses.dataclass(frozen=True, eq=False)
class BellmanQueuePolicy:
    """A policy of N instruments, each by its own inventory, places and market.

    Attributes:
        name, fitted: see baseline.Baseline.
        cuts: between places and markets, of each instrument. order_lot: (N,) int64.
        place: (C, M, 2 L + 1, Y, Y, 2) of C queue_inventory.Solutions, of each instrument. candidate: (B,) int64, the
            solution of each row; a number where all have the same one.
    """

    name: str
    cuts: tuple[queue_probes.Cuts, ...]
    order_lot: Ints
    place: tuple[Ints, ...]
    candidate: Any
    fitted: dict[str, Any]

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2) float64 ask and bid distance, ticks; NaN: no quote."""
        return np.stack([self._quotes(sim.instruments[:, n], n) for n in range(len(self.place))], axis=1)

    def _quotes(self, instruments, n):
        cuts, table, sides = self.cuts[n], self.place[n], queue_probes.sides(instruments)
        limit = table.shape[2] // 2
        orders = np.clip(np.rint(instruments["inventory_lot"] / self.order_lot[n]), -limit, limit).astype(np.int64)
        before = queue_probes.places(sides.level, np.zeros(sides.level.shape, bool), sides.ahead, cuts)
        market = queue_probes.markets(instruments, cuts)
        chosen = table[self.candidate, market, orders + limit, before[:, 0], before[:, 1]]
        step = np.maximum(instruments["price_step"], 1)[:, np.newaxis]
        behind = np.select([chosen == queue_probes.INSIDE, chosen == queue_probes.BEHIND], [-1, 1], 0)
        stays = (chosen == before) & (chosen != queue_probes.NONE)
        price = np.where(stays, sides.live_tick, sides.best_tick - _SIGN * behind * step)
        mid = 0.5 * (instruments["bid_tick"] + instruments["ask_tick"])
        return np.where(chosen == queue_probes.NONE, np.nan, (mid[:, np.newaxis] - price) * _SIGN)


def fit(task: TapeTask) -> tuple[BellmanQueuePolicy, ...]:
    """(bellman_queue,), fitted on train; () where no queue fills, or inventory is hedged or priced jointly."""
    rules = task.config.rules
    if not rules.tape_fills or rules.touch != "queue" or rules.hedge != "none" or task.risk.is_joint:
        return ()
    fits = queue_probes.fit(task)
    cuts, order_lot = tuple(one for one, _ in fits), task.parameters["order_lot"]
    place = tuple(
        np.stack([_solve(queue, factor * task.costs.holding_cost(n), inside) for factor, inside in _CANDIDATES])
        for n, (_, queue) in enumerate(fits)
    )
    candidates = np.arange(len(_CANDIDATES))

    def create(repeat):
        return BellmanQueuePolicy("", cuts, order_lot, place, repeat(candidates), {})

    best = int(np.argmax(grid_search.scores(task, len(candidates), create)))
    fitted = {
        "ahead_lot": [(one.ahead / sizes.LOT).tolist() for one in cuts],
        "imbalance": [one.imbalance.tolist() for one in cuts],
        "gain_tick": [queue.gain.tolist() for _, queue in fits],
        "holding_cost_factor": _CANDIDATES[best][0],
        "inside": _CANDIDATES[best][1],
    }
    return (BellmanQueuePolicy("bellman_queue", cuts, order_lot, place, best, fitted),)


def _solve(queue, holding_cost, inside):
    reachable = queue.reachable.copy()
    reachable[:, :, queue_probes.INSIDE] &= inside
    return queue_inventory.solve(queue._replace(reachable=reachable), holding_cost, max_iterations=_HORIZON).place
