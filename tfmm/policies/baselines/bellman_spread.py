"""Dynamic programming over the inventory and the state of the market: its spread and its predicted drift.

models.markov_market, its states cut at quantiles of train, with known fill probabilities; where they are unknown there
is no such baseline. The states of `bellman_spread` are of the spread, those of `bellman_spread_drift` also of the drift
predicted by calibration.drift. Both take into account that a limit hedges; where the action may hedge,
`bellman_spread_drift_hedge` does so where that is optimal. The marginal value of a fill depends on the state; the quote
is the optimal whole tick at the present spread.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.backtest import expected_objective
from tfmm.calibration import drift
from tfmm.environments.tape.task import TapeTask
from tfmm.models import markov_market
from tfmm.policies.baselines import inventory_tables, optimal_tick
from tfmm.policies.baselines.baseline import MarketState
from tfmm.simulation import state
from tfmm.simulation.rewards import expected_fills

_SPREADS, _DRIFTS = 6, 9
_DISTANCE = np.linspace(0.5, 4.0, 71)  # spreads
_HEDGE = "_hedge"


class Cuts(NamedTuple):
    """Between the states of the market.

    Attributes:
        spread: (I,) float64, ticks. drift: (J,) float64, mean half-spreads. There are X = (I + 1) (J + 1) states.
    """

    spread: Floats
    drift: Floats

    @property
    def n_states(self) -> int:
        """X."""
        return (len(self.spread) + 1) * (len(self.drift) + 1)

    def states(self, spread: Floats, drift: Floats) -> Ints:
        """(B,) int64 states, the drift varying fastest, of spreads (B,) and drifts (B,)."""
        index = np.searchsorted(self.spread, spread) * (len(self.drift) + 1)
        # a drift of 0 is in the middle state from both sides, so that a state and its reflection correspond
        below, above = np.searchsorted(self.drift, drift), np.searchsorted(self.drift, drift, "right")
        return index + np.where(drift < 0, below, above)


@dataclasses.dataclass(frozen=True, eq=False)
class BellmanSpreadPolicy:
    """A policy of one instrument by inventory and state of the market.

    Attributes:
        name, fitted: see baseline.Baseline.
        cuts: between the states. coefficients: (6,) of calibration.drift. order_lot: lots of an order.
        fill_probability: (J,) at _DISTANCE. marginal_value: (2 L + 1, X, 2) of models.markov_market.Solution, ticks.
        hedged_share: (2 L + 1, X) share of the inventory that is hedged, or None.
    """

    name: str
    cuts: Cuts
    coefficients: Floats
    order_lot: int
    fill_probability: Floats
    marginal_value: Floats
    hedged_share: Floats | None
    fitted: dict[str, Any]

    def __call__(self, sim: MarketState) -> Floats:
        """(B, 1, 2 or 3) float64 ask and bid distance, ticks, and hedged share."""
        bid, ask = sim.instruments["bid_tick"], sim.instruments["ask_tick"]
        spread, mid = np.maximum(ask - bid, state.LOCKED_TICK)[:, 0], 0.5 * (ask + bid)[:, 0]
        limit = len(self.marginal_value) // 2
        orders = np.clip(np.rint(sim.instruments["inventory_lot"] / self.order_lot), -limit, limit).astype(np.int64)[
            :, 0
        ]
        states = self.cuts.states(spread, sim.observation[:, drift.COLUMNS] @ self.coefficients)
        marginal_value = self.marginal_value[orders + limit, states]
        out = [
            optimal_tick.best(sign * mid, spread, _DISTANCE, self.fill_probability, marginal_value[:, side])
            for side, sign in enumerate((1.0, -1.0))
        ]
        if self.hedged_share is not None:
            out.append(self.hedged_share[orders + limit, states])
        return np.stack(out, axis=-1)[:, np.newaxis]


class _Paths(NamedTuple):
    """The market of train, a (T,) array of each segment: spread, ticks; drift, mean half-spreads; move of the mid until
    the next decision, ticks."""

    spread: list[Floats]
    drift: list[Floats]
    move: list[Floats]


def fit(task: TapeTask) -> tuple[BellmanSpreadPolicy, ...]:
    """(bellman_spread, bellman_spread_drift and, where the action may hedge, bellman_spread_drift_hedge), fitted on
    train; () where the inventory distribution is unknown (backtest.expected_objective.is_known)."""
    if not expected_objective.is_known(task):
        return ()
    coefficients = np.array(drift.fit_once(task)[0].drift)
    paths = _paths(task, coefficients)
    spread_cuts = np.unique(np.quantile(np.concatenate(paths.spread), np.linspace(0.0, 1.0, _SPREADS + 1)[1:-1]))
    sizes = np.quantile(np.abs(np.concatenate(paths.drift)), np.linspace(0.0, 1.0, _DRIFTS // 2 + 2)[1:-1])
    drift_cuts = np.unique(np.concatenate([-sizes, sizes]))
    wanted = [("bellman_spread", np.zeros(0)), ("bellman_spread_drift", drift_cuts)]
    if task.config.rules.hedge == "action":
        wanted.append((f"bellman_spread_drift{_HEDGE}", drift_cuts))
    return tuple(_fit_one(task, name, Cuts(spread_cuts, cuts), coefficients, paths) for name, cuts in wanted)


def _fit_one(task, name, cuts, coefficients, paths):
    states = [cuts.states(spread, drift_) for spread, drift_ in zip(paths.spread, paths.drift, strict=True)]
    reflected = [cuts.states(spread, -drift_) for spread, drift_ in zip(paths.spread, paths.drift, strict=True)]
    chain = markov_market.estimate(paths.spread, paths.move, states, reflected, cuts.n_states)
    interval_s, rules = task.config.environment.interval_s, task.parameters[0]
    fill_probability = np.array([expected_fills.fill_probability(d - 0.5, 1.0, interval_s, rules) for d in _DISTANCE])
    holding_cost, with_hedge = task.costs.holding_cost(0), name.endswith(_HEDGE)
    hedge = task.costs.hedge(0, 0.5 * chain.spread_tick) if with_hedge or task.config.rules.hedge == "limit" else None
    solution = markov_market.solve(chain, _DISTANCE, fill_probability, holding_cost, hedge=hedge)
    fitted = {
        "spread_cuts_tick": cuts.spread.tolist(),
        "drift_cuts_half_spread": cuts.drift.tolist(),
        "drift": coefficients.tolist(),
        "move_tick": chain.move_tick.tolist(),
    }
    hedged_share = None
    if with_hedge:
        orders = np.arange(len(holding_cost))[:, np.newaxis] - len(holding_cost) // 2
        after = solution.inventory_after_hedge
        hedged_share = inventory_tables.hedged_share(orders, after)
        fitted["kept_orders"] = np.stack([after.min(axis=0), after.max(axis=0)], axis=1).tolist()
    return BellmanSpreadPolicy(
        name=name,
        cuts=cuts,
        coefficients=coefficients,
        order_lot=int(task.parameters["order_lot"][0]),
        fill_probability=fill_probability,
        marginal_value=solution.marginal_value,
        hedged_share=hedged_share,
        fitted=fitted,
    )


def _paths(task, coefficients):
    out = _Paths([], [], [])
    for path in expected_objective.market_paths(task, "train"):
        bid, ask = path.market["bid_tick"], path.market["ask_tick"]
        out.spread.append(np.maximum(ask - bid, state.LOCKED_TICK)[:-1])
        out.drift.append(path.observation[:, drift.COLUMNS] @ coefficients)
        out.move.append(np.diff(0.5 * (ask + bid)))
    return out
