"""How a policy behaves, as tables: markouts by side and rule, quotes by inventory, fills by distance."""

from typing import Any

import numpy as np
from scipy import optimize

from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import path as path_lib

CURVE_S = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_LEAST = 5  # observations of a point
_BINS = 16


def markout_curve(backtests: list[Backtest]) -> list[dict[str, Any]]:
    """Mean markout after CURVE_S by side and by rule, all instruments together.

    Returns:
        rows of {"group", "horizon_s", "mean_bps", "low_bps", "high_bps", "n"}; low and high: 95 %, fills taken as
        independent.
    """
    values: dict[float, list] = {horizon: [] for horizon in CURVE_S}
    sides, rules = [], []
    for run in backtests:
        for n in range(len(run.tape.instruments)):
            fills = run.fills[run.fills["instrument"] == n]
            sides.append(fills["side"])
            rules.append(fills["rule"])
            for horizon, part in path_lib.markouts(run.tape, run.fills, n, CURVE_S).items():
                values[horizon].append(part)
    side, rule = np.concatenate(sides), np.concatenate(rules)
    groups = {"all": np.ones(len(side), bool), "buys": side > 0, "sells": side < 0}
    groups |= {str(name): rule == name for name in np.unique(rule)}
    out = []
    for horizon, parts in values.items():
        bps = np.concatenate(parts)
        for name, chosen in groups.items():
            known = bps[chosen & np.isfinite(bps)]
            if len(known) >= _LEAST:
                error = 1.96 * known.std(ddof=1) / np.sqrt(len(known))
                mean = known.mean()
                out.append({"group": name, "horizon_s": horizon, "mean_bps": mean, "low_bps": mean - error,
                            "high_bps": mean + error, "n": len(known)})  # fmt: skip
    return out


def by_inventory(runs: dict[str, list[Backtest]], order_size: float, instrument: int = 0) -> list[dict[str, Any]]:
    """Mean skew and half-spread of every policy by inventory, over the decisions that quoted both sides.

    Args:
        runs: {policy: its backtests}. order_size: size units of an order. instrument: its index.

    Returns:
        rows of {"instrument", "policy", "inventory_orders", "skew_tick", "skew_low", "skew_high", "half_spread_tick",
        "half_spread_low", "half_spread_high", "n"}; skew: our mid minus the market's; low and high: 10 and 90 %.
    """
    out, symbol = [], _symbol(runs, instrument)
    for policy, backtests in runs.items():
        parts = [_quoted(run, instrument) for run in backtests]
        inventory, skew, half = (np.concatenate([part[k] for part in parts]) for k in range(3))
        orders = np.rint(inventory / order_size)
        for level in np.unique(orders):
            chosen = orders == level
            if chosen.sum() >= _LEAST:
                row = {"instrument": symbol, "policy": policy, "inventory_orders": level}
                for name, values in (("skew", skew[chosen]), ("half_spread", half[chosen])):
                    low, high = np.percentile(values, (10, 90))
                    row |= {f"{name}_tick": values.mean(), f"{name}_low": low, f"{name}_high": high}
                out.append(row | {"n": int(chosen.sum())})
    return out


def _symbol(runs, instrument):
    return next(iter(runs.values()))[0].tape.instruments[instrument].symbol


def _quoted(run, instrument):
    """(inventory, skew, half-spread) at every decision that quoted both sides; ticks."""
    sent = run.schedule[run.schedule["instrument"] == instrument]
    sent = sent[np.isfinite(sent["bid_px"]) & np.isfinite(sent["ask_px"])]
    path = path_lib.of_backtest(run, instrument)
    inventory, mid = (path.at(sent["ts_ns"], values) for values in (path.inventory, path.mid))
    tick = run.tape.instruments[instrument].tick_size
    skew = (0.5 * (sent["bid_px"] + sent["ask_px"]) - mid) / tick
    return inventory, skew, 0.5 * (sent["ask_px"] - sent["bid_px"]) / tick


def fill_probability(
    runs: dict[str, list[Backtest]], instrument: int = 0
) -> tuple[list[dict[str, Any]], dict[str, float]]:
    """Share of quotes that were filled before the next one, by distance from the mid, and its fit.

    Fit: a quote at distance d ticks is filled with intensity A exp(-k d) (Avellaneda and Stoikov 2008, equation 12), so
    one that rests for dt is filled with probability 1 - exp(-A dt exp(-k d)); maximum likelihood, taking quotes as
    independent.

    Args:
        runs: {policy: its backtests}. instrument: its index.

    Returns:
        (rows of {"instrument", "distance_tick", "share", "low", "high", "fitted", "n"}; low, high: 95 %, Wilson 1927),
        {"rate_per_s", "k_per_tick"}, NaN with fewer than ten fills.
    """
    parts = [_quote_sides(run, instrument) for backtests in runs.values() for run in backtests]
    distance, seconds, filled = (np.concatenate([part[k] for part in parts]) for k in range(3))
    fit = _fit(distance, seconds, filled)
    out, symbol = [], _symbol(runs, instrument)
    if len(distance):
        edges = np.unique(np.quantile(distance, np.linspace(0, 1, _BINS + 1)))
        bin_index = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, max(len(edges) - 2, 0))
        for index in np.unique(bin_index):
            inside = bin_index == index
            share, count = filled[inside].mean(), int(inside.sum())
            low, high = _wilson(share, count)
            fitted = _probability(fit["rate_per_s"], fit["k_per_tick"], distance[inside], seconds[inside]).mean()
            out.append({"instrument": symbol, "distance_tick": distance[inside].mean(), "share": share, "low": low,
                        "high": high, "fitted": fitted, "n": count})  # fmt: skip
    return out, fit


def _quote_sides(run, instrument):
    """(distance in ticks, seconds until the next quote, whether filled) of every side of every quote."""
    sent = run.schedule[run.schedule["instrument"] == instrument]
    path = path_lib.of_backtest(run, instrument)
    mid, tick = path.at(sent["ts_ns"], path.mid), run.tape.instruments[instrument].tick_size
    seconds = np.diff(np.append(sent["ts_ns"], run.span[1])) * 1e-9
    active = sent["ts_ns"] + np.broadcast_to(run.rules.latency_ns, len(run.tape.instruments))[instrument]
    fills = run.fills[(run.fills["instrument"] == instrument) & (run.fills["rule"] != "HEDGE")]
    row = np.searchsorted(active, fills["ts_ns"] + path_lib.happened_after(fills), side="left") - 1
    out = []
    for side, name in ((1, "bid_px"), (-1, "ask_px")):
        filled = np.zeros(len(sent), bool)
        filled[row[(fills["side"] == side) & (row >= 0)]] = True
        quoted = np.isfinite(sent[name]) & (seconds > 0)
        out.append(((side * (mid - sent[name]) / tick)[quoted], seconds[quoted], filled[quoted]))
    return [np.concatenate(columns) for columns in zip(*out, strict=True)]


def _probability(rate, k, distance, seconds):
    return -np.expm1(-rate * seconds * np.exp(-k * distance))


def _fit(distance, seconds, filled):
    if filled.sum() < 10 or np.ptp(distance) == 0:
        return {"rate_per_s": float("nan"), "k_per_tick": float("nan")}
    scale = float(distance.std())

    def loss(x):
        hazard = seconds * np.exp(np.clip(x[0] - x[1] * distance / scale, -50, 20))
        return float(hazard[~filled].sum() - np.log(-np.expm1(-hazard[filled])).sum()) / len(distance)

    start = np.array([np.log(filled.sum() / seconds.sum()), 0.1])
    best = optimize.minimize(loss, start, method="Nelder-Mead", options={"xatol": 1e-6, "fatol": 1e-10}).x
    return {"rate_per_s": float(np.exp(best[0])), "k_per_tick": float(best[1] / scale)}


def _wilson(share, count, z=1.96):
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z * np.sqrt(share * (1 - share) / count + z * z / (4 * count * count)) / (1 + z * z / count)
    return middle - half, middle + half
