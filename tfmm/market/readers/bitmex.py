"""BitMEX. The public dumps: quote_DATE and trade_DATE, time as text in UTC (2019-04-19D00:00:05.759343000), side of the
aggressor, size in contracts. Dumps of a recorder without header: ten ask and ten bid levels, best first; trades with
NUL-padded words."""

import re

from tfmm.market import raw, schema
from tfmm.market.readers import exchanges, layout

_SECOND = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:\d{2}:\d{2}")
_MS = 10**6
_SIDES = {"buy": schema.BUY, "sell": schema.SELL}
_LEVELS = 10


def _book_names():
    sides = [f"{side}_{what}_{k}" for side in ("ask", "bid") for what in ("px", "size") for k in range(_LEVELS)]
    return ("second", "millisecond", "symbol", *sides)


def _quotes(columns):
    ts = _time(columns)
    return raw.quotes(ts, columns["bid_px_0"], columns["bid_size_0"], columns["ask_px_0"], columns["ask_size_0"])


def _trades(columns):
    """`partial` rows repeat what was traded before the recording began."""
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    rows = raw.trades(_time(columns), columns["price"], columns["size"], side)
    index = (columns["action"].translate({"partial": 0}, 1) == 1).nonzero()[0]
    return rows[index], index


def _time(columns):
    return columns["second"] + (columns["second"] != raw.TIME_UNKNOWN) * columns["millisecond"] * _MS


def _public_quotes(columns):
    return raw.quotes(
        columns["timestamp"], columns["bidPrice"], columns["bidSize"], columns["askPrice"], columns["askSize"]
    )


def _public_trades(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["timestamp"], columns["price"], columns["size"], side)


LAYOUTS = (
    layout.Layout(
        vendor="bitmex", table="public quotes", symbol="symbol", convert=_public_quotes,
        columns={"timestamp": layout.TIME, "symbol": layout.TEXT, "bidSize": layout.NUMBER, "bidPrice": layout.NUMBER,
                 "askPrice": layout.NUMBER, "askSize": layout.NUMBER},
    ),
    layout.Layout(
        vendor="bitmex", table="public trades", symbol="symbol", convert=_public_trades,
        contract=exchanges.notional_contract, fits=lambda first: "-" in first.get("timestamp", ""),
        columns={"timestamp": layout.TIME, "symbol": layout.TEXT, "side": layout.TEXT, "size": layout.NUMBER,
                 "price": layout.NUMBER, "trdMatchID": layout.TEXT},
        optional={"homeNotional": layout.NUMBER, "foreignNotional": layout.NUMBER},
    ),
    layout.Layout(
        vendor="bitmex", table="order books", symbol="symbol", names=_book_names(), convert=_quotes,
        columns={"second": layout.TIME, "millisecond": layout.INTEGER, "symbol": layout.TEXT,
                 "ask_px_0": layout.NUMBER, "ask_size_0": layout.NUMBER, "bid_px_0": layout.NUMBER,
                 "bid_size_0": layout.NUMBER},
        plain=lambda fields: len(fields) == 3 + 4 * _LEVELS and bool(_SECOND.fullmatch(fields[0])),
    ),
    layout.Layout(
        vendor="bitmex", table="trades", symbol="symbol", convert=_trades,
        names=("symbol", "second", "millisecond", "price", "size", "action", "side"),
        columns={"second": layout.TIME, "millisecond": layout.INTEGER, "symbol": layout.TEXT, "price": layout.NUMBER,
                 "size": layout.NUMBER, "action": layout.TEXT, "side": layout.TEXT},
        plain=lambda fields: len(fields) == 7 and bool(_SECOND.fullmatch(fields[1])),
    ),
)  # fmt: skip
