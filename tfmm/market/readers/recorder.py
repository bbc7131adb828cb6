"""Lines of a Binance stream recorder: `<local ns, us or ms> <json>`, or the JSON alone.

bookTicker (b B a A), and trade (p q t; only X = MARKET) or, where no trade is recorded, aggTrade (p q a). m true: the
buyer rested, the aggressor sells. Futures carry exchange time T, ms. The bookTicker of spot carries no time at all:
all rows of a spot recorder get the time of receipt, so that quotes and trades are on one clock.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import json_lines, layout

_MS = 10**6
_EVENTS = ("bookTicker", "trade", "aggTrade", "depthUpdate", "markPriceUpdate", "kline", "forceOrder")


class _Data(msgspec.Struct, rename={"event": "e", "symbol": "s", "bid": "b", "bid_size": "B", "ask": "a",
                                    "ask_size": "A", "time": "T", "update": "u", "price": "p", "size": "q",
                                    "trade": "t", "taker": "X", "maker_buys": "m"}):  # fmt: skip
    event: str = ""
    symbol: str = ""
    bid: str | list = ""
    bid_size: str = ""
    ask: str | list | int = ""  # of an aggTrade: its id
    ask_size: str = ""
    time: int = 0
    update: int = raw.NO_SEQUENCE
    price: str = ""
    size: str = ""
    trade: int = raw.NO_SEQUENCE
    taker: str = ""
    maker_buys: bool | None = None

    @property
    def kind(self):
        """Spot's bookTicker does not say its event."""
        return self.event or ("bookTicker" if self.bid_size and self.ask_size else "")


class _Message(msgspec.Struct):
    stream: str = ""
    data: _Data = msgspec.field(default_factory=_Data)


_WRAPPED, _PLAIN = msgspec.json.Decoder(_Message), msgspec.json.Decoder(_Data)


def decode(text: bytes) -> Any:
    """_Data of a message, in a stream's wrapping or not."""
    one = _WRAPPED.decode(text)
    return one.data if one.stream or one.data.kind else _PLAIN.decode(text)


class _Decoder:
    decode = staticmethod(decode)


def seen(head: Sequence[str]) -> set[str]:
    """Kinds of the messages in the first lines, and "spot" where they are the spot market's."""
    out = set()
    for one in json_lines.messages(head, _Decoder):
        if one.kind in _EVENTS:
            out.add(one.kind)
            if one.symbol and not one.time and one.kind == "bookTicker":
                out.add("spot")
    return out


def _stream(spot):
    def stream(source):
        """Yields (symbol, rows); a line that is no such message is a row without a time."""
        if spot and not any(json_lines.split(line.encode())[0] != raw.TIME_UNKNOWN for line in source.head):
            raise errors.DataError(
                f"{source.path}: the bookTicker of Binance spot holds no time, and no line begins with the time of "
                "receipt, wanted lines `<ns> <json>`"
            )
        aggregated = {"trade", "aggTrade"} & seen(source.head) == {"aggTrade"}

        def read(ns, text):
            one = decode(text)
            found = row(one, "aggTrade" if aggregated else "trade", ns if spot else one.time * _MS)
            return [] if found is None else [(one.symbol, found)]

        return json_lines.rows(source, read)

    return stream


def row(one: Any, traded: str, ns: int) -> tuple[Any, ...] | None:
    """A tuple in the order of raw.RAW; None for messages that are neither top of book nor market trades."""
    if one.kind == "bookTicker":
        bid, ask = float(one.bid or "nan"), float(one.ask or "nan")
        sizes = float(one.bid_size or "nan"), float(one.ask_size or "nan")
        return (ns or raw.TIME_UNKNOWN, one.update, bid, ask, *sizes, schema.QUOTE, 0, 0)
    if one.kind == traded and one.taker in ("", "MARKET"):
        price, size = float(one.price), float(one.size)
        number = one.ask if traded == "aggTrade" else one.trade
        side = raw.WRONG_SIDE if one.maker_buys is None else schema.SELL if one.maker_buys else schema.BUY
        return (ns or raw.TIME_UNKNOWN, number, price, price, size, size, schema.TRADE, side, 0)
    return None


LAYOUTS = (
    layout.Layout(
        vendor="binance_stream", table="spot recorder", stream=_stream(True), venue="binance",
        recognise=lambda _, head: "spot" in seen(head),
        note="Binance spot's bookTicker holds no exchange time: quotes and trades have the time of receipt",
    ),
    layout.Layout(
        vendor="binance_stream", table="recorder", stream=_stream(False), recognise=lambda _, head: bool(seen(head)),
        venue="binance-futures",
    ),
)  # fmt: skip
