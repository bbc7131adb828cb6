"""IMC Prosperity: prices_round_R_day_D.csv, trades_round_R_day_D.csv, separated by semicolons, without dates and sides.

Day D becomes 1 January 2000 + D days, a timestamp t the t-th millisecond of it. Prices: day, timestamp, product,
bid_price_1, bid_volume_1, ask_price_1, ask_volume_1, ...; trades: timestamp, buyer, seller, symbol, currency, price,
quantity, the day in the file's name.
"""

import csv
import re

import numpy as np
import pandas as pd

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import containers, layout

_FIRST_NS, _DAY_NS, _MS = 946_684_800 * 10**9, 86_400 * 10**9, 10**6
_MOST_DAYS = 1000
_PRICES, _TRADES = ("day;timestamp;product;bid_price_1;bid_volume_1;", "timestamp;buyer;seller;symbol;currency;price;")
_NOTE = "IMC Prosperity has no dates: day D is taken as 2000-01-01 + D days, a timestamp as milliseconds; no sides"


def _ts(day, timestamp):
    """ns of a day and its timestamps; raw.TIME_UNKNOWN where one is missing or no day of the game."""
    known = (timestamp >= 0) & (timestamp < _DAY_NS // _MS) & (np.abs(day) < _MOST_DAYS)
    return np.where(known, _FIRST_NS + np.where(known, day, 0) * _DAY_NS + timestamp * _MS, raw.TIME_UNKNOWN)


def _prices(source):
    best = ("bid_price_1", "bid_volume_1", "ask_price_1", "ask_volume_1")
    frame = _table(source, *best, "day", "timestamp", "product")
    for product, part in frame.groupby("product"):
        columns = (_numbers(part, name) for name in best)
        yield str(product), raw.quotes(_ts(_whole(part, "day"), _whole(part, "timestamp")), *columns)


def _trades(source):
    day = re.search(r"day_(-?\d{1,3})(?!\d)", source.path.name)
    if day is None:
        raise errors.DataError(f"{source.path}: its name says no day, wanted trades_round_R_day_D.csv")
    frame = _table(source, "price", "quantity", "timestamp", "symbol")
    for symbol, part in frame.groupby("symbol"):
        price, size = (_numbers(part, name) for name in ("price", "quantity"))
        yield str(symbol), raw.trades(_ts(int(day[1]), _whole(part, "timestamp")), price, size, schema.UNKNOWN)


def _table(source, *names):
    width = source.head[0].count(";") + 1
    with containers.open_text(source.path) as stream:
        frame = pd.read_csv(
            stream, sep=";", dtype=str, quoting=csv.QUOTE_NONE, encoding_errors="replace", engine="python",
            on_bad_lines=lambda cells: cells[:width],
        )  # fmt: skip
    if missing := [name for name in names if name not in frame]:
        raise errors.DataError(f"{source.path}: no column {missing[0]}, got {', '.join(map(str, frame.columns))}")
    return frame


def _numbers(frame, name):
    return pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64)


def _whole(frame, name):
    values = _numbers(frame, name)
    return np.where(np.abs(values) < _DAY_NS, values, -_DAY_NS).astype(np.int64)


LAYOUTS = (
    layout.Layout(
        vendor="imc-prosperity", table="prices", stream=_prices, note=_NOTE,
        recognise=lambda _path, head: head[0].startswith(_PRICES),
    ),
    layout.Layout(
        vendor="imc-prosperity", table="trades", stream=_trades, note=_NOTE,
        recognise=lambda _path, head: head[0].startswith(_TRADES),
    ),
)  # fmt: skip
