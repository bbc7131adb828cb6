"""What became of the clients' volume: internalised, hedged, or still held (Butz and Oomen 2019, "Internalisation by
electronic FX spot dealers")."""

import collections
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Array, Floats, Records
from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import currency, path as path_lib

CLIENT, HEDGE = "CLIENT", "HEDGE"
LAG_S = 1.0


class Offsets(NamedTuple):
    """Volume matched first in, first out.

    opened, closed: (M,) str, fill rules of both legs. qty: (M,) size units. seconds: (M,) between the legs.
    """

    opened: Array
    closed: Array
    qty: Floats
    seconds: Floats


def offsets(fills: Records) -> Offsets:
    """Offsets of one instrument's fills in one segment; fills: (F,) replay.FILLS in order of time."""
    lots: collections.deque[tuple[int, float, str, int]] = collections.deque()
    out: list[tuple[str, str, float, float]] = []
    for fill in fills:
        side, left, rule, ts = int(fill["side"]), float(fill["qty"]), str(fill["rule"]), int(fill["ts_ns"])
        while left > 0 and lots and lots[0][0] != side:
            _, qty, opened_by, since = lots[0]
            matched = min(left, qty)
            out.append((opened_by, rule, matched, (ts - since) * 1e-9))
            left -= matched
            if matched == qty:
                lots.popleft()
            else:
                lots[0] = (-side, qty - matched, opened_by, since)
        if left > 0:
            lots.append((side, left, rule, ts))
    opened, closed, quantities, seconds = zip(*out, strict=True) if out else ((), (), (), ())
    return Offsets(
        np.array(opened, "U6"), np.array(closed, "U6"), np.array(quantities, float), np.array(seconds, float)
    )


def summary(backtests: list[Backtest], numbers: Sequence[int]) -> dict[str, Any]:
    """The metrics definitions.CLIENTS of one policy, all segments together; NaN where there is no data.

    Args:
        backtests: one for each segment. numbers: indices of the instruments to count.
    """
    volume, internal, weighted, cost, squares, products = 0.0, 0.0, 0.0, 0.0, 0.0, 0.0
    for run in backtests:
        for n in numbers:
            fills = run.fills[run.fills["instrument"] == n]
            volume += float(fills["qty"][fills["rule"] == CLIENT].sum())
            matched = offsets(fills)
            both = (matched.opened == CLIENT) & (matched.closed == CLIENT)
            internal += float(matched.qty[both].sum())
            weighted += float(matched.qty[both] @ matched.seconds[both])
            hedges = fills[fills["rule"] == HEDGE]
            rate = currency.Rate(run.tape, n)(hedges["ts_ns"])
            cost += float((rate * (hedges["fee"] - path_lib.captured(run.tape, hedges, n))).sum())
            inventory = _sampled(run, n)
            squares += float(inventory @ inventory)
            products += float(inventory[1:] @ inventory[:-1]) * len(inventory) / max(len(inventory) - 1, 1)
    rho = path_lib.ratio(products, squares)
    return {
        "client_qty": volume,
        "internalisation_ratio": path_lib.ratio(2.0 * internal, volume),
        "internalisation_horizon_s": path_lib.ratio(weighted, internal),
        "hedging_cost": cost,
        "inventory_half_life_s": LAG_S * np.log(2.0) / -np.log(rho) if 0.0 < rho < 1.0 else float("nan"),
    }


def _sampled(run, n):
    """(K,) inventory every LAG_S, minus its mean."""
    path = path_lib.of_backtest(run, n)
    inventory = path.at(np.arange(run.span[0], run.span[1], round(LAG_S * 1e9)), path.inventory)
    return inventory - inventory.mean()
