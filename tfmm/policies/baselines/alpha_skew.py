"""Linear skew that widens with the market's spread and follows the predicted drift of the mid.

With S the present market spread, S0 its mean on train, x the weighted inventory (see inventory_tables.linear_skew) and
d the drift predicted by calibration.drift:
    ask, bid = M + alpha d +/- (h -/+ s x / L) S / S0,
h, s and alpha the best of a grid on train. `alpha_skew_floor` never quotes inside the touch, `alpha_skew` may.
"""

import dataclasses
from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Array, Floats
from tfmm.calibration import drift
from tfmm.environments.tape.task import TapeTask
from tfmm.policies.baselines import grid_search, inventory_tables
from tfmm.policies.baselines.baseline import MarketState
from tfmm.simulation import state
from tfmm.simulation.dealer import features

_ALPHAS = (0.0, 0.35, 0.7, 1.0, 1.5, 2.2)
_HALF_SPREADS = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
_SKEWS = (0.6, 0.8, 1.0, 1.3, 1.7)


@dataclasses.dataclass(frozen=True, eq=False)
class AlphaSkewPolicy:
    """A linear skew with drift.

    Attributes:
        name, fitted: see baseline.Baseline.
        table: linear skew at the mean spread. coefficients: (N, 6) of calibration.drift.
        half_spread_tick: (N,) mean of the market on train, the unit of the drift too.
        alpha: share of the drift that quotes follow; (B, 1) where each row has one.
        floor: whether quotes are never inside the touch.
    """

    name: str
    table: inventory_tables.InventoryTablePolicy | inventory_tables.CandidateTables
    coefficients: Floats
    half_spread_tick: Floats
    alpha: Array
    floor: bool
    fitted: dict[str, Any]

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2) float64 ask and bid distance, ticks."""
        half_spread = 0.5 * np.maximum(sim.instruments["ask_tick"] - sim.instruments["bid_tick"], state.LOCKED_TICK)
        predictors = sim.observation.reshape(*half_spread.shape, len(features.NAMES))[..., drift.COLUMNS]
        drift_tick = np.einsum("bnk,nk->bn", predictors, self.coefficients) * self.half_spread_tick
        out = self.table(sim) * (half_spread / self.half_spread_tick)[..., np.newaxis]
        shift = self.alpha * drift_tick
        out = np.stack([out[..., 0] + shift, out[..., 1] - shift], axis=-1)
        return np.maximum(out, half_spread[..., np.newaxis]) if self.floor else out


class _Factors(NamedTuple):
    """A candidate: factors of the start's half-spread and skew, and alpha."""

    half_spread: float
    skew: float
    alpha: float


_GRIDS = (("alpha", _ALPHAS), ("half_spread", _HALF_SPREADS), ("skew", _SKEWS))


def fit(task: TapeTask, start: inventory_tables.InventoryTablePolicy) -> tuple[AlphaSkewPolicy, AlphaSkewPolicy]:
    """(alpha_skew, alpha_skew_floor), fitted on train.

    Args:
        start: inventory_tables.linear_skew of the task, around which h and s are searched.
    """
    scales = drift.fit_once(task)
    market_half_spread = np.array([scale.half_spread_tick for scale in scales])
    coefficients = np.array([scale.drift for scale in scales])
    half_spread, skew = (np.array(start.fitted[name]) for name in ("half_spread_tick", "skew_at_limit_tick"))
    skew = np.where(skew > 0, skew, 0.2 * half_spread)

    def tables_of(candidates):
        half_spreads = np.array([one.half_spread * half_spread for one in candidates])
        return inventory_tables.linear_tables(task, half_spreads, np.array([one.skew * skew for one in candidates]))

    def best_of(candidates, floor):
        tables, alphas = tables_of(candidates), np.array([one.alpha for one in candidates])

        def create(repeat):
            table = inventory_tables.CandidateTables(repeat(tables), start.risk_weights, start.order_lot)
            return AlphaSkewPolicy(
                "", table, coefficients, market_half_spread, repeat(alphas)[:, np.newaxis], floor, {}
            )

        return candidates[int(np.argmax(grid_search.scores(task, len(candidates), create)))]

    out, best = [], _Factors(1.0, 1.0, 1.0)
    for name, floor in (("alpha_skew", False), ("alpha_skew_floor", True)):
        # one parameter after the other: the grid of all three together costs much more and finds nothing better
        for parameter, values in _GRIDS:
            best = best_of([best._replace(**{parameter: value}) for value in values], floor)
        fitted = {
            "half_spread_tick": (best.half_spread * half_spread).tolist(),
            "skew_at_limit_tick": (best.skew * skew).tolist(),
            "alpha": float(best.alpha),
            "drift": coefficients.tolist(),
        }
        table = dataclasses.replace(start, tables=tables_of([best])[0])
        alpha = np.array(best.alpha)
        out.append(AlphaSkewPolicy(name, table, coefficients, market_half_spread, alpha, floor, fitted))
    return out[0], out[1]
