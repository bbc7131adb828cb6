"""Dynamic programming over the inventory and the market of the moment: its spread, and where its mid is going.

`bellman_spread` knows the spread, `bellman_spread_drift` also the drift of models.drift: models.regimes, with states
cut at quantiles of train and fill probabilities that are known. They exist only where they are.
"""

import dataclasses

import numpy as np

from tfmm.environments import drift as drift_lib
from tfmm.models import drift, regimes
from tfmm.policies import law
from tfmm.simulation import lesson, state

_SPREADS, _DRIFTS = 6, 9
_DISTANCE = np.linspace(0.5, 4.0, 141)


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """Attributes: cuts: between the states of the spread (tick) and of the drift (mean half-spreads).
    coefficients: (6,) of models.drift. ask, bid: (2 L + 1, X) distances in spreads. name, fitted: as
    baselines.Baseline."""

    name: str
    cuts: tuple
    coefficients: np.ndarray
    order_lot: int
    ask: np.ndarray
    bid: np.ndarray
    fitted: dict

    def __call__(self, sim):
        """(B, 1, 2) float64 ask and bid distance, ticks, for a simulator in `distances` mode."""
        spread = np.maximum(sim.books["ask_tick"] - sim.books["bid_tick"], state.LOCKED_TICK)
        limit = len(self.ask) // 2
        held = np.clip(np.rint(sim.books["inventory_lot"] / self.order_lot), -limit, limit).astype(np.int64) + limit
        now = _states(self.cuts, spread[:, 0], sim.observation[:, drift.COLUMNS] @ self.coefficients)[:, np.newaxis]
        return np.stack([self.ask[held, now] * spread, self.bid[held, now] * spread], axis=-1)


def rules(problem):
    """(bellman_spread, bellman_spread_drift) fitted on train; () where fills have no known probability."""
    if not law.possible(problem):
        return ()
    coefficients = np.array(drift_lib.known(problem)[0].drift)
    watched = law.watch(problem, "train")
    spreads, drifts, moves = zip(*(_seen(one, coefficients) for one in watched), strict=True)
    spread_cuts = np.unique(np.quantile(np.concatenate(spreads), np.linspace(0.0, 1.0, _SPREADS + 1)[1:-1]))
    sizes = np.quantile(np.abs(np.concatenate(drifts)), np.linspace(0.0, 1.0, _DRIFTS // 2 + 2)[1:-1])
    drift_cuts = np.unique(np.concatenate([-sizes, sizes]))
    both = (("bellman_spread", np.zeros(0)), ("bellman_spread_drift", drift_cuts))
    return tuple(_rule(problem, name, (spread_cuts, cuts), coefficients, spreads, drifts, moves) for name, cuts in both)


def _rule(problem, name, cuts, coefficients, spreads, drifts, moves):
    now = [_states(cuts, *one) for one in zip(spreads, drifts, strict=True)]
    mirrored = [_states(cuts, s, -d) for s, d in zip(spreads, drifts, strict=True)]
    count = (len(cuts[0]) + 1) * (len(cuts[1]) + 1)
    chain = regimes.estimate(spreads, moves, now, mirrored, count)
    interval_s = problem.config.environment.interval_s
    chance = np.array([lesson.chance(d - 0.5, 1.0, interval_s, problem.parameters[0]) for d in _DISTANCE])
    solved = regimes.solve(chain, _DISTANCE, chance, problem.holding_cost(0))
    fitted = {
        "spread_cuts_tick": cuts[0].tolist(),
        "drift_cuts_half_spread": cuts[1].tolist(),
        "drift": coefficients.tolist(),
        "move_tick": chain.move.tolist(),
    }
    order_lot = int(problem.parameters["order_lot"][0])
    return Rule(name, cuts, coefficients, order_lot, solved.ask, solved.bid, fitted)


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
