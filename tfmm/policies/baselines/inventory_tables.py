"""Baselines whose quotes depend on the inventory alone: a table of distances from the mid by inventory.

Since a policy is a table, many candidates are simulated side by side. All are fitted on train.
"""

import dataclasses
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats, Ints
from tfmm.calibration import fill_probes
from tfmm.environments.tape.task import TapeTask
from tfmm.models import glft as glft_model, inventory
from tfmm.policies.baselines import grid_search
from tfmm.policies.baselines.baseline import MarketState

CANDIDATES = 14
"""Half-spreads tried for fixed_spread."""
_SKEWS = (0.0, 0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.5, 2.5)
_RISK_AVERSIONS = np.geomspace(1e-6, 1.0, 13)
_HORIZON_S = 600.0


@dataclasses.dataclass(frozen=True, eq=False)
class InventoryTablePolicy:
    """A named table of quotes.

    Attributes:
        name, fitted: see baseline.Baseline.
        tables: (N, 2 L + 1, 2) float64 ask and bid distance from the mid by inventory -L, ..., L orders, ticks; NaN:
            no quote; or (N, 2 L + 1, 3) with the share of the inventory that is hedged.
        risk_weights: (N, N) float64; the table of instrument n is read at the inventory sum_m risk_weights[n, m] Q_m.
        order_lot: (N,) int64, lots of an order.
    """

    name: str
    tables: Floats
    risk_weights: Floats
    order_lot: Ints
    fitted: dict[str, Any]

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2 or 3) float64 ask and bid distance, ticks, and hedged share."""
        return _quotes(self.tables[np.newaxis], self.risk_weights, self.order_lot, sim)


class CandidateTables(NamedTuple):
    """A table for each row of a batch. tables: (B, N, 2 L + 1, 2); the rest as in InventoryTablePolicy."""

    tables: Floats
    risk_weights: Floats
    order_lot: Ints

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2) float64 ask and bid distance, ticks."""
        return _quotes(self.tables, self.risk_weights, self.order_lot, sim)


def none(task: TapeTask) -> InventoryTablePolicy:
    """Does not quote."""
    return _policy(task, "none", np.full(_shape(task), np.nan), {})


def fixed_spread(task: TapeTask) -> InventoryTablePolicy:
    """Quotes mid +/- h, h the candidate with the best score on train."""
    half_spreads = fill_probes.distance_grid(task, CANDIDATES)
    tables = linear_tables(task, half_spreads, np.zeros_like(half_spreads))
    best = int(np.argmax(_scores(task, tables)))
    return _policy(task, "fixed_spread", tables[best], {"half_spread_tick": half_spreads[best].tolist()})


def linear_skew(task: TapeTask, per_instrument: bool = False) -> InventoryTablePolicy:
    """Quotes mid - s x / L +/- h, with the h and s of the best score on train.

    x is the inventory in orders, or where instruments have a common price of risk (Omega Q)_n / Omega_nn: the risk that
    another order of n adds, in orders of n. s is a share of h; a coarse grid of both is tried, then the neighbours of
    its best.

    Args:
        per_instrument: x is the instrument's own inventory in any case, as in all functions below.
    """
    half_spreads = fill_probes.distance_grid(task, CANDIDATES)
    scores: dict[tuple[int, int], float] = {}

    def table(h, s):
        return linear_tables(task, half_spreads[[h]], _SKEWS[s] * half_spreads[[h]])[0]

    def best_of(pairs):
        new = [pair for pair in pairs if pair not in scores]
        tables = np.array([table(*pair) for pair in new])
        scores.update(zip(new, _scores(task, tables, per_instrument), strict=True))
        return max(scores, key=lambda pair: scores[pair])

    h, s = best_of([(h, s) for h in range(0, CANDIDATES, 2) for s in range(0, len(_SKEWS), 2)])
    near = [(h + i, s + j) for i in (-1, 0, 1) for j in (-1, 0, 1)]
    h, s = best_of([(h, s) for h, s in near if 0 <= h < CANDIDATES and 0 <= s < len(_SKEWS)])
    fitted = {
        "half_spread_tick": half_spreads[h].tolist(),
        "skew_at_limit_tick": (half_spreads[h] * _SKEWS[s]).tolist(),
    }
    return _policy(task, "linear_skew", table(h, s), fitted, per_instrument)


def avellaneda_stoikov(
    task: TapeTask, probed: tuple[fill_probes.ProbedFills, ...], per_instrument: bool = False
) -> InventoryTablePolicy:
    """Avellaneda and Stoikov 2008, equations 29 and 30, with A, k and sigma of train and a horizon that is always ten
    minutes away; gamma / k is the best of a grid on train.

    Args:
        probed: result of fill_probes.probe, as in all functions below.
    """

    def quotes(intensity, sigma_tick, aversion):
        gamma = aversion * intensity.k
        half_spread = 0.5 * gamma * sigma_tick**2 * _HORIZON_S + np.log1p(aversion) / gamma
        shift = gamma * sigma_tick**2 * _HORIZON_S * _inventories(task)
        return np.column_stack([half_spread - shift, half_spread + shift])

    return _best_risk_aversion(task, probed, "avellaneda_stoikov", quotes, per_instrument)


def glft(
    task: TapeTask, probed: tuple[fill_probes.ProbedFills, ...], per_instrument: bool = False
) -> InventoryTablePolicy:
    """Stationary quotes of models.glft with A, k and sigma of train; gamma / k is the best of a grid on train."""

    def quotes(intensity, sigma_tick, aversion):
        gamma = aversion * intensity.k
        model = glft_model.Model(A=intensity.A, k=intensity.k, sigma=sigma_tick, gamma=gamma, Q=_limit(task))
        return glft_model.stationary(model)

    return _best_risk_aversion(task, probed, "glft", quotes, per_instrument)


def bellman(
    task: TapeTask,
    probed: tuple[fill_probes.ProbedFills, ...],
    with_hedge: bool = False,
    per_instrument: bool = False,
) -> InventoryTablePolicy:
    """Dynamic programming of models.inventory on the fills that quotes at each distance had on train.

    It takes into account that a limit hedges (rules.hedge = "limit"). Where the action may hedge, `bellman_hedge`
    (with_hedge) does so where that is optimal.
    """
    tables = np.full((*_shape(task)[:2], 2 + with_hedge), np.nan)
    for n, fills in enumerate(probed):
        hedge = task.costs.hedge(n) if with_hedge or task.config.rules.hedge == "limit" else None
        solution = fill_probes.solve(task, n, fills, hedge)
        tables[n, :, :2] = solution.quotes(fills.distance_tick)
        if with_hedge:
            tables[n, :, 2] = hedged_share(_inventories(task), solution.inventory_after_hedge)
    fitted: dict[str, Any] = {
        "beta": inventory.BETA,
        "distance_tick": [fills.distance_tick.tolist() for fills in probed],
        "chance": [fills.fill_probability.tolist() for fills in probed],
        "gain_tick": [fills.gain.tolist() for fills in probed],
    }
    if with_hedge:
        fitted["hedged_share"] = tables[:, :, 2].tolist()
    return _policy(task, "bellman_hedge" if with_hedge else "bellman", tables, fitted, per_instrument)


def hedged_share(before: Ints, after: Ints) -> Floats:
    """Share of the inventory that a hedge closes, from the inventories before and after it, orders."""
    return np.abs(before - after) / np.maximum(np.abs(before), 1)


def linear_tables(task: TapeTask, half_spreads: Floats, skews: Floats) -> Floats:
    """(C, N, 2 L + 1, 2) tables h -/+ s x / L of half-spreads h and skews s at the limit, both (C, N) ticks."""
    shift = skews[:, :, np.newaxis] * _inventories(task) / _limit(task)
    half_spreads = half_spreads[:, :, np.newaxis]
    return np.stack([half_spreads - shift, half_spreads + shift], axis=-1)


def _best_risk_aversion(
    task: TapeTask,
    probed: tuple[fill_probes.ProbedFills, ...],
    name: str,
    quotes: Callable[[Any, float, float], Floats],
    per_instrument: bool,
) -> InventoryTablePolicy:
    """The policy with the gamma / k of the best score on train; it does not quote an instrument without a fitted
    intensity."""
    tables = np.full((len(_RISK_AVERSIONS), *_shape(task)), np.nan)
    for n, (fills, scale) in enumerate(zip(probed, task.scales, strict=True)):
        if fills.intensity is not None:
            tables[:, n] = [quotes(fills.intensity, scale.sigma_tick, aversion) for aversion in _RISK_AVERSIONS]
    best = int(np.argmax(_scores(task, tables, per_instrument)))
    fitted = {
        "gamma_over_decay": float(_RISK_AVERSIONS[best]),
        "sigma_tick": [scale.sigma_tick for scale in task.scales],
        "intensity": [fills.facts() for fills in probed],
    }
    return _policy(task, name, tables[best], fitted, per_instrument)


def _scores(task, tables, per_instrument=False):
    """(C,) score on train of C tables (C, N, 2 L + 1, 2)."""
    risk_weights, order_lot = _risk_weights(task, per_instrument), task.parameters["order_lot"]
    return grid_search.scores(
        task, len(tables), lambda repeat: CandidateTables(repeat(tables), risk_weights, order_lot)
    )


def _quotes(tables, risk_weights, order_lot, sim):
    """(B, N, A) from tables (B or 1, N, 2 L + 1, A)."""
    out = np.empty((*sim.instruments.shape, tables.shape[-1]))
    _read_tables(tables, risk_weights, order_lot, sim.instruments["inventory_lot"], out)
    return out


@jit.kernel
def _read_tables(tables, risk_weights, order_lot, inventory_lot, out):
    """Writes the entry of each row's table, or of the only table, at its weighted inventory into out (B, N, A)."""
    limit = tables.shape[2] // 2
    for b in range(out.shape[0]):
        table = tables[b if tables.shape[0] > 1 else 0]
        for n in range(out.shape[1]):
            weighted = 0.0
            for m in range(out.shape[1]):
                weighted += risk_weights[n, m] * inventory_lot[b, m] / order_lot[m]
            index = min(max(np.int64(np.rint(weighted)), -limit), limit) + limit
            out[b, n] = table[n, index]


def _policy(task, name, tables, fitted, per_instrument=False):
    name = f"{name}_each" if per_instrument else name
    weights = _risk_weights(task, per_instrument)
    return InventoryTablePolicy(name, tables, weights, task.parameters["order_lot"], fitted)


def _risk_weights(task, per_instrument):
    """(N, N): the identity, or where instruments have a common price of risk Omega_nm / Omega_nn."""
    if not task.risk.is_joint or per_instrument:
        return np.eye(len(task.scales))
    omega = task.risk.omega
    return omega / np.diag(omega)[:, np.newaxis]


def _limit(task):
    return task.config.rules.inventory_limit_orders


def _inventories(task):
    return np.arange(-_limit(task), _limit(task) + 1)


def _shape(task):
    return len(task.scales), 2 * _limit(task) + 1, 2
