"""Dynamic programming over the inventory and the market of the moment: its spread, and where its mid is going.

`bellman_spread` knows the spread, `bellman_spread_drift` also the drift of calibration.drift: models.markov_market,
with states cut at quantiles of train and fill probabilities that are known. They exist only where they are. Both know
what a limit hedges; where the action may hedge, `bellman_spread_drift_hedge` does when it is best. What a fill is worth
is the state's; the price is the whole tick that earns most at the spread of the moment.
"""

import dataclasses

import numpy as np

from tfmm.backtest import expected_objective
from tfmm.calibration import drift
from tfmm.models import markov_market
from tfmm.policies.baselines import inventory_tables, optimal_tick
from tfmm.simulation import state
from tfmm.simulation.rewards import expected_fills

_SPREADS, _DRIFTS = 6, 9
_DISTANCE = np.linspace(0.5, 4.0, 71)
_HEDGES = "_hedge"


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """Attributes: cuts: between the states of the spread (tick) and of the drift (mean half-spreads).
    coefficients: (6,) of calibration.drift. chance: (J,) fills at _DISTANCE.
    worth: (2 L + 1, X, 2) of models.markov_market.Solution. share: (2 L + 1, X) of the inventory that is hedged, or
    None.
    name, fitted: as baselines.Baseline."""

    name: str
    cuts: tuple
    coefficients: np.ndarray
    order_lot: int
    chance: np.ndarray
    worth: np.ndarray
    share: np.ndarray | None
    fitted: dict

    def __call__(self, sim):
        """(B, 1, 2 or 3) float64 ask and bid distance, ticks, and hedge, for a simulator in `distances` mode."""
        spread = np.maximum(sim.books["ask_tick"] - sim.books["bid_tick"], state.LOCKED_TICK)
        limit = len(self.worth) // 2
        held = np.clip(np.rint(sim.books["inventory_lot"] / self.order_lot), -limit, limit).astype(np.int64) + limit
        now = _states(self.cuts, spread[:, 0], sim.observation[:, drift.COLUMNS] @ self.coefficients)[:, np.newaxis]
        mid, worth = 0.5 * (sim.books["ask_tick"] + sim.books["bid_tick"])[:, 0], self.worth[held[:, 0], now[:, 0]]
        out = [
            optimal_tick.best(sign * mid, spread[:, 0], _DISTANCE, self.chance, worth[:, k])[:, np.newaxis]
            for k, sign in enumerate((1.0, -1.0))
        ]
        return np.stack(out if self.share is None else [*out, self.share[held, now]], axis=-1)


def rules(task):
    """(bellman_spread, bellman_spread_drift and, where it may, one that hedges) fitted on train; () where fills have no
    known probability."""
    if not expected_objective.is_known(task):
        return ()
    coefficients = np.array(drift.known(task)[0].drift)
    watched = expected_objective.market_paths(task, "train")
    spreads, drifts, moves = zip(*(_seen(one, coefficients) for one in watched), strict=True)
    spread_cuts = np.unique(np.quantile(np.concatenate(spreads), np.linspace(0.0, 1.0, _SPREADS + 1)[1:-1]))
    sizes = np.quantile(np.abs(np.concatenate(drifts)), np.linspace(0.0, 1.0, _DRIFTS // 2 + 2)[1:-1])
    drift_cuts = np.unique(np.concatenate([-sizes, sizes]))
    wanted = [("bellman_spread", np.zeros(0)), ("bellman_spread_drift", drift_cuts)]
    if task.config.rules.hedge == "action":
        wanted.append((f"bellman_spread_drift{_HEDGES}", drift_cuts))
    return tuple(_rule(task, name, (spread_cuts, cuts), coefficients, spreads, drifts, moves) for name, cuts in wanted)


def _rule(task, name, cuts, coefficients, spreads, drifts, moves):
    now = [_states(cuts, *one) for one in zip(spreads, drifts, strict=True)]
    mirrored = [_states(cuts, s, -d) for s, d in zip(spreads, drifts, strict=True)]
    count = (len(cuts[0]) + 1) * (len(cuts[1]) + 1)
    chain = markov_market.estimate(spreads, moves, now, mirrored, count)
    interval_s = task.config.environment.interval_s
    chance = np.array([expected_fills.chance(d - 0.5, 1.0, interval_s, task.parameters[0]) for d in _DISTANCE])
    cost, hedges = task.holding_cost(0), name.endswith(_HEDGES)
    hedge = task.hedge(0, 0.5 * chain.spread_tick) if hedges or task.config.rules.hedge == "limit" else None
    solved = markov_market.solve(chain, _DISTANCE, chance, cost, hedge=hedge)
    fitted = {
        "spread_cuts_tick": cuts[0].tolist(),
        "drift_cuts_half_spread": cuts[1].tolist(),
        "drift": coefficients.tolist(),
        "move_tick": chain.move_tick.tolist(),
    }
    order_lot = int(task.parameters["order_lot"][0])
    share = None
    if hedges:
        orders = np.arange(len(cost))[:, np.newaxis] - len(cost) // 2
        share = inventory_tables.hedged_share(orders, solved.inventory_after_hedge)
        fitted["kept_orders"] = np.stack(
            [solved.inventory_after_hedge.min(axis=0), solved.inventory_after_hedge.max(axis=0)], axis=1
        ).tolist()
    return Rule(name, cuts, coefficients, order_lot, chance, solved.marginal_value, share, fitted)


def _seen(one, coefficients):
    """(spread, drift, move) of a Watched, (T,) each."""
    spread = np.maximum(one.market["ask_tick"] - one.market["bid_tick"], state.LOCKED_TICK)[:-1]
    mid = 0.5 * (one.market["ask_tick"] + one.market["bid_tick"])
    return spread, one.observation[:, drift.COLUMNS] @ coefficients, np.diff(mid)


def _states(cuts, spread, drift_):
    """(B,) int64: the state of the market."""
    place = np.searchsorted(cuts[0], spread) * (len(cuts[1]) + 1)
    # a drift of 0 is in the middle state from both sides, so that mirror images are
    return place + np.where(drift_ < 0, np.searchsorted(cuts[1], drift_), np.searchsorted(cuts[1], drift_, "right"))
