"""Messages of Binance's public streams, spot and USD-M: one place knows their fields.

bookTicker (b B a A), and trade (p q t; only X = MARKET) or, where no trade is recorded, aggTrade (p q a). m true: the
buyer rested, the aggressor sells. Futures carry exchange time T, ms.
"""

from typing import Any

import msgspec

from tfmm.market import raw, schema


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


def decode(text: bytes | str) -> Any:
    """_Data of a message, in a stream's wrapping or not."""
    one = _WRAPPED.decode(text)
    return one.data if one.stream or one.data.kind else _PLAIN.decode(text)


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
