"""How a policy behaves, as tables: markouts by side and rule, quotes by inventory, fills by distance."""

import numpy as np
from scipy import optimize

from tfmm.evaluation.metrics import path as path_lib

CURVE_S = (0, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300)
_LEAST = 5  # observations that a point needs
_BINS = 16


def markout_curve(backtests):
    """Mean markout after CURVE_S by side and by rule, all instruments together.

    Returns:
        list of {"group", "horizon_s", "mean_bps", "low_bps", "high_bps", "n"}; low and high: 95 %, fills taken as
        independent.
    """
    values = {horizon: [] for horizon in CURVE_S}
    side, rule = [], []
    for one in backtests:
        for n in range(len(one.tape.instruments)):
            own = one.fills[one.fills["instrument"] == n]
            side.append(own["side"])
            rule.append(own["rule"])
            for horizon, part in path_lib.markouts(one.tape, one.fills, n, CURVE_S).items():
                values[horizon].append(part)
    side, rule = np.concatenate(side), np.concatenate(rule)
    groups = {"all": np.ones(len(side), bool), "buys": side > 0, "sells": side < 0}
    groups |= {str(name): rule == name for name in np.unique(rule)}
    out = []
    for horizon, parts in values.items():
        bps = np.concatenate(parts)
        for name, chosen in groups.items():
            own = bps[chosen & np.isfinite(bps)]
            if len(own) >= _LEAST:
                error = 1.96 * own.std(ddof=1) / np.sqrt(len(own))
                mean = own.mean()
                out.append({"group": name, "horizon_s": horizon, "mean_bps": mean, "low_bps": mean - error,
                            "high_bps": mean + error, "n": len(own)})  # fmt: skip
    return out


def by_inventory(runs, order_size, instrument=0):
    """Mean skew and half-spread of every policy by inventory, where both sides were quoted.

    Args:
        runs: {policy: list of Backtest}. order_size: size unit of an order.

    Returns:
        list of {"instrument", "policy", "inventory_orders", "skew_tick", "skew_low", "skew_high", "half_spread_tick",
        "half_spread_low", "half_spread_high", "n"}; skew: our mid minus the market's; low and high: 10 and 90 %.
    """
    out, symbol = [], _symbol(runs, instrument)
    for policy, backtests in runs.items():
        parts = [_quoted(one, instrument) for one in backtests]
        held, skew, half = (np.concatenate([part[k] for part in parts]) for k in range(3))
        orders = np.rint(held / order_size)
        for level in np.unique(orders):
            own = orders == level
            if own.sum() >= _LEAST:
                row = {"instrument": symbol, "policy": policy, "inventory_orders": level}
                for name, values in (("skew", skew[own]), ("half_spread", half[own])):
                    low, high = np.percentile(values, (10, 90))
                    row |= {f"{name}_tick": values.mean(), f"{name}_low": low, f"{name}_high": high}
                out.append(row | {"n": int(own.sum())})
    return out


def _symbol(runs, instrument):
    return next(iter(runs.values()))[0].tape.instruments[instrument].symbol


def _quoted(one, instrument):
    """(inventory, skew, half-spread) at every decision that quoted both sides; ticks."""
    sent = one.schedule[one.schedule["instrument"] == instrument]
    sent = sent[np.isfinite(sent["bid_px"]) & np.isfinite(sent["ask_px"])]
    path = path_lib.path(one.tape, one.fills, one.span, instrument)
    held, mid = (path.at(sent["ts_ns"], values) for values in (path.inventory, path.mid))
    tick = one.tape.instruments[instrument].tick_size
    return held, (0.5 * (sent["bid_px"] + sent["ask_px"]) - mid) / tick, 0.5 * (sent["ask_px"] - sent["bid_px"]) / tick


def fill_probability(runs, instrument=0):
    """Share of quotes that were filled before the next one, by distance from the mid, and its fit.

    Fit: fills come at the rate A exp(-k d), d in ticks (Avellaneda and Stoikov 2008, equation 12), so that a quote that
    rests for dt is filled with probability 1 - exp(-A dt exp(-k d)); maximum likelihood, taking quotes as independent.

    Returns:
        (list of {"instrument", "distance_tick", "share", "low", "high", "fitted", "n"}; low, high: 95 %, Wilson 1927),
        {"rate_per_s", "k_per_tick"}, NaN with fewer than ten fills.
    """
    parts = [_met(one, instrument) for backtests in runs.values() for one in backtests]
    distance, seconds, filled = (np.concatenate([part[k] for part in parts]) for k in range(3))
    fit = _fit(distance, seconds, filled)
    out, symbol = [], _symbol(runs, instrument)
    if len(distance):
        edges = np.unique(np.quantile(distance, np.linspace(0, 1, _BINS + 1)))
        place = np.clip(np.searchsorted(edges, distance, side="right") - 1, 0, max(len(edges) - 2, 0))
        for bin_number in np.unique(place):
            own = place == bin_number
            share, count = filled[own].mean(), int(own.sum())
            low, high = _wilson(share, count)
            fitted = _probability(fit["rate_per_s"], fit["k_per_tick"], distance[own], seconds[own]).mean()
            out.append({"instrument": symbol, "distance_tick": distance[own].mean(), "share": share, "low": low,
                        "high": high, "fitted": fitted, "n": count})  # fmt: skip
    return out, fit


def _met(one, instrument):
    """(distance in ticks, seconds until the next quote, whether filled) of every side of every quote."""
    rows = np.flatnonzero(one.schedule["instrument"] == instrument)
    sent = one.schedule[rows]
    path = path_lib.path(one.tape, one.fills, one.span, instrument)
    mid, tick = path.at(sent["ts_ns"], path.mid), one.tape.instruments[instrument].tick_size
    seconds = np.diff(np.append(sent["ts_ns"], one.span[1])) * 1e-9
    active = sent["ts_ns"] + np.broadcast_to(one.rules.latency_ns, len(one.tape.instruments))[instrument]
    fills = one.fills[(one.fills["instrument"] == instrument) & (one.fills["rule"] != "HEDGE")]
    place = np.searchsorted(active, fills["ts_ns"] + path_lib.happened_after(fills), side="left") - 1
    out = []
    for side, name in ((1, "bid_px"), (-1, "ask_px")):
        filled = np.zeros(len(sent), bool)
        filled[place[(fills["side"] == side) & (place >= 0)]] = True
        known = np.isfinite(sent[name]) & (seconds > 0)
        out.append(((side * (mid - sent[name]) / tick)[known], seconds[known], filled[known]))
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
