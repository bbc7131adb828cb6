"""Our own layout: files `tob_SYMBOL_LABEL` (ts, bid, bid_size, ask, ask_size), `trade_SYMBOL_LABEL` (ts, price, size,
side)."""

import pathlib
import re

import numpy as np

from tfmm.market import raw
from tfmm.market.readers import layout

_NAME = re.compile(r"(tob|trade)[-_.]", re.IGNORECASE)
_SIDES = {**dict.fromkeys(("1", "+1", "1.0", "buy", "b"), 1), **dict.fromkeys(("-1", "-1.0", "sell", "s"), -1),
          **dict.fromkeys(("0", "0.0", "", "unknown"), 0)}  # fmt: skip


def _quotes(columns):
    sizes = [
        columns[one] if one in columns else np.full(len(columns["ts"]), np.nan) for one in ("bid_size", "ask_size")
    ]
    return raw.quotes(columns["ts"], columns["bid"], sizes[0], columns["ask"], sizes[1])


def _trades(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["ts"], columns["price"], columns["size"], side)


LAYOUTS = (
    layout.Layout(
        vendor="tfmm", table="quotes", convert=_quotes,
        columns={"ts": layout.TIME, "bid": layout.NUMBER, "ask": layout.NUMBER},
        optional={"bid_size": layout.NUMBER, "ask_size": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tfmm", table="trades", convert=_trades,
        columns={"ts": layout.TIME, "price": layout.NUMBER, "size": layout.NUMBER, "side": layout.TEXT},
    ),
)  # fmt: skip


def layouts(path: pathlib.Path) -> list[layout.Layout]:
    """The layout that a file of ours must have, by its name; [] of another name."""
    match = _NAME.match(path.name)
    return [LAYOUTS[0 if match[1].lower() == "tob" else 1]] if match else []
