"""What became of the clients' volume: internalised, hedged, or still held (Butz and Oomen 2019, "Internalisation by
electronic FX spot dealers")."""

import collections
from typing import NamedTuple

import numpy as np

from tfmm.evaluation.metrics import currency, path as path_lib

CLIENT, HEDGE = "CLIENT", "HEDGE"
LAG_S = 1.0


class Offsets(NamedTuple):
    """Volume matched first in, first out. opened, closed: (M,) rules of both legs. qty: (M,). seconds: (M,) between."""

    opened: np.ndarray
    closed: np.ndarray
    qty: np.ndarray
    seconds: np.ndarray


def offsets(fills):
    """Offsets of one instrument's fills in one segment, (F,) schedule.FILLS in order of time."""
    held, out = collections.deque(), []
    for fill in fills:
        side, left, rule, ts = int(fill["side"]), float(fill["qty"]), str(fill["rule"]), int(fill["ts_ns"])
        while left > 0 and held and held[0][0] != side:
            _, qty, opened, since = held[0]
            matched = min(left, qty)
            out.append((opened, rule, matched, (ts - since) * 1e-9))
            left -= matched
            if matched == qty:
                held.popleft()
            else:
                held[0] = (-side, qty - matched, opened, since)
        if left > 0:
            held.append((side, left, rule, ts))
    opened, closed, qty, seconds = zip(*out, strict=True) if out else ((), (), (), ())
    return Offsets(np.array(opened, "U6"), np.array(closed, "U6"), np.array(qty, float), np.array(seconds, float))


def summary(backtests, numbers):
    """The metrics definitions.CLIENTS of one policy, all segments together; NaN where there is no data.

    Args:
        backtests: list of assess.Backtest. numbers: instruments.
    """
    volume, internal, weighted, cost, squares, products = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for one in backtests:
        for n in numbers:
            own = one.fills[one.fills["instrument"] == n]
            volume += float(own["qty"][own["rule"] == CLIENT].sum())
            matched = offsets(own)
            both = (matched.opened == CLIENT) & (matched.closed == CLIENT)
            internal += float(matched.qty[both].sum())
            weighted += float(matched.qty[both] @ matched.seconds[both])
            hedges = own[own["rule"] == HEDGE]
            rate = currency.Rate(one.tape, n)(hedges["ts_ns"])
            cost += float((rate * (hedges["fee"] - path_lib.captured(one.tape, hedges, n))).sum())
            held = _sampled(one, n)
            squares += float(held @ held)
            products += float(held[1:] @ held[:-1]) * len(held) / max(len(held) - 1, 1)
    rho = path_lib.ratio(products, squares)
    return {
        "client_qty": volume,
        "internalisation_ratio": path_lib.ratio(2.0 * internal, volume),
        "internalisation_horizon_s": path_lib.ratio(weighted, internal),
        "hedging_cost": cost,
        "inventory_half_life_s": LAG_S * np.log(2.0) / -np.log(rho) if 0.0 < rho < 1.0 else float("nan"),
    }


def _sampled(one, n):
    """(K,) inventory every LAG_S, minus its mean."""
    path = path_lib.path(one.tape, one.fills, one.span, n)
    held = path.at(np.arange(one.span[0], one.span[1], round(LAG_S * 1e9)), path.inventory)
    return held - held.mean()
