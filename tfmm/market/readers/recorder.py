"""Lines of a Binance stream recorder: `<local ns or us> <json>`; bookTicker and market trades, exchange time."""

import re

import msgspec
import numpy as np

from tfmm.market import raw, schema
from tfmm.market.readers import containers, layout

_LINE = re.compile(r"\d{16,19} \{")
_BATCH = 1 << 16
_MS = 10**6


class _Data(msgspec.Struct, rename={"event": "e", "symbol": "s", "bid": "b", "bid_size": "B", "ask": "a",
                                    "ask_size": "A", "time": "T", "update": "u", "price": "p", "size": "q",
                                    "trade": "t", "taker": "X", "maker_buys": "m"}):  # fmt: skip
    event: str = ""
    symbol: str = ""
    bid: str | list = ""
    bid_size: str = ""
    ask: str | list = ""
    ask_size: str = ""
    time: int = 0
    update: int = raw.NO_SEQUENCE
    price: str = ""
    size: str = ""
    trade: int = raw.NO_SEQUENCE
    taker: str = "MARKET"
    maker_buys: bool | None = None


class _Message(msgspec.Struct):
    data: _Data = msgspec.field(default_factory=_Data)


def _recognise(path, head):
    return bool(_LINE.match(head[0]))


def _stream(source):
    """Yields (symbol, rows); a line that is no such message is a row without a time."""
    decoder = msgspec.json.Decoder(_Message)
    plain = msgspec.json.Decoder(_Data)
    batches = {}
    for line in containers.lines(source.path):
        _, _, text = line.strip().partition(b" ")
        if not text:
            continue
        try:
            one = decoder.decode(text).data
            one = one if one.event else plain.decode(text)
            row = _row(one)
        except (msgspec.DecodeError, ValueError, OverflowError):
            one, row = None, (raw.TIME_UNKNOWN, raw.NO_SEQUENCE, 0.0, 0.0, 0.0, 0.0, schema.QUOTE, 0, 0)
        if row is None:
            continue
        symbol = one.symbol if one is not None and one.symbol else source.symbol
        rows = batches.setdefault((symbol, row[6]), [])
        rows.append(row)
        if len(rows) == _BATCH:
            yield symbol, np.array(batches.pop((symbol, row[6])), raw.RAW)
    for (symbol, _), rows in batches.items():
        yield symbol, np.array(rows, raw.RAW)


def _row(one):
    """A tuple in the order of raw.RAW; None for messages that are neither top of book nor market trades."""
    if one.event == "bookTicker":
        bid, ask = float(one.bid or "nan"), float(one.ask or "nan")
        sizes = float(one.bid_size or "nan"), float(one.ask_size or "nan")
        return (one.time * _MS, one.update, bid, ask, *sizes, schema.QUOTE, 0, 0)
    if one.event == "trade" and one.taker == "MARKET":
        price, size = float(one.price), float(one.size)
        side = raw.WRONG_SIDE if one.maker_buys is None else schema.SELL if one.maker_buys else schema.BUY
        return (one.time * _MS, one.trade, price, price, size, size, schema.TRADE, side, 0)
    return None


LAYOUTS = (layout.Layout(vendor="binance_stream", table="recorder", stream=_stream, recognise=_recognise),)
