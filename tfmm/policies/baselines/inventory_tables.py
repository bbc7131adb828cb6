"""The strategies a desk would run instead, fitted on train only.

Each quotes distances from the mid that depend on its inventory: a table, so that many are tried at once.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from tfmm import jit
from tfmm.calibration import fill_probes
from tfmm.models import glft as glft_model, inventory
from tfmm.policies.baselines import grid_search

CANDIDATES = 14
"""Half-spreads tried for fixed_spread."""
_SKEWS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5)
_AVERSIONS = np.geomspace(1e-6, 1.0, 13)
_HORIZON_S = 600.0


@dataclasses.dataclass(frozen=True, eq=False)
class Baseline:
    """A named strategy.

    Attributes:
        name: str. fitted: its parameters, JSON-able.
        tables: (N, 2 L + 1, 2) float64 ask and bid distance from the mid by inventory -L, ..., L orders, ticks; NaN:
            does not quote; or (N, 2 L + 1, 3) with the share of the inventory that is hedged.
        pressure: (N, N) orders of each instrument -> what takes the place of the inventory.
    """

    name: str
    tables: np.ndarray
    pressure: np.ndarray
    order_lot: np.ndarray
    fitted: dict

    def __call__(self, sim):
        """(B, N, 2 or 3) float64 ask and bid distance, ticks, and hedge, for a simulator in `distances` mode."""
        return _quote(self.tables[np.newaxis], self.pressure, self.order_lot, sim)


class Many(NamedTuple):
    """A table for each row of a batch. tables: (B, N, 2 L + 1, 2); the rest as Baseline."""

    tables: np.ndarray
    pressure: np.ndarray
    order_lot: np.ndarray

    def __call__(self, sim):
        """(B, N, 2), see Baseline."""
        return _quote(self.tables, self.pressure, self.order_lot, sim)


def none(task):
    """Does not quote."""
    return _baseline(task, "none", np.full(_shape(task), np.nan), {})


def fixed_spread(task):
    """Quotes mid +/- h, h the candidate with the best objective on train."""
    tried = fill_probes.grid(task, CANDIDATES)
    tables = linear_tables(task, tried, np.zeros_like(tried))
    best = int(np.argmax(_scores(task, tables)))
    return _baseline(task, "fixed_spread", tables[best], {"half_spread_tick": tried[best].tolist()})


def linear_skew(task, each=False):
    """Quotes mid - s x / L +/- h: x the inventory in orders, or with a risk of several instruments (Omega Q)_n, what
    another order of n adds to the risk, in orders of n. h and s are the best of a grid on train, s a share of h,
    coarse first, then its neighbours. each: as all below, every instrument looks at its own inventory alone."""
    halves = fill_probes.grid(task, CANDIDATES)
    scores = {}

    def table(h, s):
        return linear_tables(task, halves[[h]], _SKEWS[s] * halves[[h]])[0]

    def best_of(pairs):
        new = [one for one in pairs if one not in scores]
        scores.update(zip(new, _scores(task, np.array([table(*one) for one in new]), each), strict=True))
        return max(scores, key=scores.get)

    h, s = best_of([(h, s) for h in range(0, CANDIDATES, 2) for s in range(0, len(_SKEWS), 2)])
    near = [(h + i, s + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    h, s = best_of([(h, s) for h, s in near if 0 <= h < CANDIDATES and 0 <= s < len(_SKEWS)])
    fitted = {"half_spread_tick": halves[h].tolist(), "skew_at_limit_tick": (halves[h] * _SKEWS[s]).tolist()}
    return _baseline(task, "linear_skew", table(h, s), fitted, each)


def avellaneda_stoikov(task, measured, each=False):
    """Avellaneda and Stoikov 2008, equations 29 and 30, with A, k and sigma of train and a horizon that stays ten
    minutes away; gamma / k is the best of a grid on train."""

    def quotes(one, scale, aversion):
        gamma = aversion * one.law.decay
        half = 0.5 * gamma * scale.sigma_tick**2 * _HORIZON_S + np.log1p(aversion) / gamma
        shift = gamma * scale.sigma_tick**2 * _HORIZON_S * _held(task)
        return np.column_stack([half - shift, half + shift])

    return _by_aversion(task, measured, "avellaneda_stoikov", quotes, each)


def glft(task, measured, each=False):
    """Stationary quotes of models.glft with A, k and sigma of train; gamma / k is the best of a grid on train."""

    def quotes(one, scale, aversion):
        model = glft_model.Model(
            one.law.rate, one.law.decay, scale.sigma_tick, aversion * one.law.decay, Q=_limit(task)
        )
        return glft_model.stationary(model)

    return _by_aversion(task, measured, "glft", quotes, each)


def bellman(task, measured, hedges=False, each=False):
    """models.inventory on what quotes at each distance did on train; nothing is left to choose.

    Where a limit hedges it knows; where the action may hedge, `bellman_hedge` (hedges=True) does when it is best.
    """
    tables = np.full((*_shape(task)[:2], 2 + hedges), np.nan)
    for n, one in enumerate(measured):
        hedge = task.hedge(n) if hedges or task.config.rules.hedge == "limit" else None
        solved = fill_probes.solve(task, n, one, hedge)
        tables[n, :, :2] = solved.quotes(one.distance_tick)
        if hedges:
            tables[n, :, 2] = hedged_share(_held(task), solved.inventory_after_hedge)
    fitted = {
        "beta": inventory.BETA,
        "distance_tick": [one.distance_tick.tolist() for one in measured],
        "chance": [one.chance.tolist() for one in measured],
        "gain_tick": [one.gain.tolist() for one in measured],
    }
    if hedges:
        fitted["hedged_share"] = tables[:, :, 2].tolist()
    return _baseline(task, "bellman_hedge" if hedges else "bellman", tables, fitted, each)


def hedged_share(before, after):
    """Share of an inventory that is closed where less is held after than before, both in orders."""
    return np.abs(before - after) / np.maximum(np.abs(before), 1)


def _by_aversion(task, measured, name, quotes, each):
    """The best of a grid of gamma / k; an instrument whose fills do not tell A and k is not quoted."""
    tables = np.full((len(_AVERSIONS), *_shape(task)), np.nan)
    for n, (one, scale) in enumerate(zip(measured, task.scales, strict=True)):
        if one.law is not None:
            tables[:, n] = [quotes(one, scale, aversion) for aversion in _AVERSIONS]
    best = int(np.argmax(_scores(task, tables, each)))
    fitted = {
        "gamma_over_decay": float(_AVERSIONS[best]),
        "sigma_tick": [one.sigma_tick for one in task.scales],
        "intensity": [one.facts() for one in measured],
    }
    return _baseline(task, name, tables[best], fitted, each)


def _scores(task, tables, each=False):
    """(C,) reward on train of C tables (C, N, 2 L + 1, 2)."""
    pressure, order_lot = _pressure(task, each), task.parameters["order_lot"]
    return grid_search.scores(task, len(tables), lambda repeated: Many(repeated(tables), pressure, order_lot))


def _quote(tables, pressure, order_lot, sim):
    """(B, N, A) from tables (B or 1, N, 2 L + 1, A)."""
    out = np.empty((*sim.books.shape, tables.shape[-1]))
    _look_up(tables, pressure, order_lot, sim.books["inventory_lot"], out)
    return out


@jit.kernel
def _look_up(tables, pressure, order_lot, inventory_lot, out):
    """Writes what stands in each row's table, or in the only one, at its inventory into out (B, N, A)."""
    limit = tables.shape[2] // 2
    for b in range(out.shape[0]):
        own = tables[b if tables.shape[0] > 1 else 0]
        for n in range(out.shape[1]):
            pressed = 0.0
            for m in range(out.shape[1]):
                pressed += pressure[n, m] * inventory_lot[b, m] / order_lot[m]
            place = min(max(np.int64(np.rint(pressed)), -limit), limit) + limit
            out[b, n] = own[n, place]


def linear_tables(task, halves, skews):
    """(C, N, 2 L + 1, 2) tables of half-spreads and skews at the limit, both (C, N) ticks."""
    shift = skews[:, :, np.newaxis] * _held(task) / _limit(task)
    return np.stack([halves[:, :, np.newaxis] - shift, halves[:, :, np.newaxis] + shift], axis=-1)


def _baseline(task, name, tables, fitted, each=False):
    return Baseline(
        f"{name}_each" if each else name, tables, _pressure(task, each), task.parameters["order_lot"], fitted
    )


def _pressure(task, each):
    """(N, N): each instrument's own inventory, or with a covariance (Omega Q)_n / Omega_nn."""
    if task.risk is None or each:
        return np.eye(len(task.scales))
    omega = task.risk[0]
    return omega / np.diag(omega)[:, np.newaxis]


def _limit(task):
    return task.config.rules.inventory_limit_orders


def _held(task):
    return np.arange(-_limit(task), _limit(task) + 1)


def _shape(task):
    return len(task.scales), 2 * _limit(task) + 1, 2
