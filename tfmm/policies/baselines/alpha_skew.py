"""A desk's rule with a view: linear skew that breathes with the spread, moved by where the mid is expected to go.

With S the market's spread now, S0 its mean on train, x the inventory (see baselines) and d the drift of
calibration.drift:
    ask, bid = M + alpha d +/- (h -/+ s x / L) S / S0,
h, s and alpha the best of a grid on train. `alpha_skew_floor` never quotes inside the touch, `alpha_skew` may.
"""

import dataclasses

import numpy as np

from tfmm.calibration import drift
from tfmm.policies.baselines import grid_search, inventory_tables
from tfmm.simulation import state
from tfmm.simulation.dealer import features

_ALPHAS = (0.0, 0.35, 0.7, 1.0, 1.5, 2.2)
_HALVES = (0.6, 0.75, 0.9, 1.0, 1.15, 1.35, 1.6)
_SKEWS = (0.6, 0.8, 1.0, 1.3, 1.7)


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """Attributes: table: a baselines.Baseline at the mean spread. coefficients: (N, 6) of calibration.drift.
    half_spread_tick: (N,) mean on train, the unit of the drift too. alpha: share of the drift. floor: whether quotes
    stay at or behind the touch. name, fitted: as baselines.Baseline."""

    name: str
    table: inventory_tables.Baseline
    coefficients: np.ndarray
    half_spread_tick: np.ndarray
    alpha: np.ndarray
    floor: bool
    fitted: dict

    def __call__(self, sim):
        """(B, N, 2) float64 ask and bid distance, ticks, for a simulator in `distances` mode."""
        half = 0.5 * np.maximum(sim.books["ask_tick"] - sim.books["bid_tick"], state.LOCKED_TICK)
        seen = sim.observation.reshape(*half.shape, len(features.NAMES))[..., drift.COLUMNS]
        expected = np.einsum("bnk,nk->bn", seen, self.coefficients) * self.half_spread_tick
        out = self.table(sim) * (half / self.half_spread_tick)[..., np.newaxis]
        shift = self.alpha * expected
        out = np.stack([out[..., 0] + shift, out[..., 1] - shift], axis=-1)
        return np.maximum(out, half[..., np.newaxis]) if self.floor else out


def rules(task, start):
    """(alpha_skew, alpha_skew_floor), fitted on train.

    Args:
        start: baselines.linear_skew of the task, around which h and s are looked for.
    """
    scales = drift.known(task)
    units = np.array([one.half_spread_tick for one in scales])
    coefficients = np.array([one.drift for one in scales])
    half, skew = (np.array(start.fitted[name]) for name in ("half_spread_tick", "skew_at_limit_tick"))
    skew = np.where(skew > 0, skew, 0.2 * half)
    out, best = [], (1.0, 1.0, 1.0)
    for name, floor in (("alpha_skew", False), ("alpha_skew_floor", True)):
        # one after the other: the grid of all three together costs much more and finds no more
        for place, values in ((2, _ALPHAS), (0, _HALVES), (1, _SKEWS)):
            tried = [(*best[:place], value, *best[place + 1 :]) for value in values]
            tables = inventory_tables.linear_tables(
                task, np.array([h * half for h, _, _ in tried]), np.array([s * skew for _, s, _ in tried])
            )
            alphas = np.array([alpha for _, _, alpha in tried])

            def rule(repeated, tables=tables, alphas=alphas, floor=floor):
                many = inventory_tables.Many(repeated(tables), start.pressure, start.order_lot)
                return Rule("", many, coefficients, units, repeated(alphas)[:, np.newaxis], floor, {})

            best = tried[int(np.argmax(grid_search.scores(task, len(tried), rule)))]
        h, s, alpha = best
        fitted = {
            "half_spread_tick": (h * half).tolist(),
            "skew_at_limit_tick": (s * skew).tolist(),
            "alpha": float(alpha),
            "drift": coefficients.tolist(),
        }
        table = dataclasses.replace(
            start, tables=inventory_tables.linear_tables(task, h * half[np.newaxis], s * skew[np.newaxis])[0]
        )
        out.append(Rule(name, table, coefficients, units, np.array(alpha), floor, fitted))
    return tuple(out)
