"""Hyperliquid websocket lines, with or without the time of receipt before them: l2Book, bbo and trades.

Columns: coin; levels [[bids], [asks]] best first, or bbo [bid, ask], px and sz as text. Time: ms of the block, UTC.
Side of a trade: the aggressor's, B buys, A sells. A new subscription repeats the last trades; as `tid` is a hash, a
trade is numbered in the order in which its `tid` is first seen, so that what is repeated is dropped as a duplicate.
"""

import msgspec

from tfmm.market import raw, schema
from tfmm.market.readers import json_lines, layout

_MS = 10**6
_REMEMBERED = 1 << 17  # trades whose tid is known
_SIDES = {"B": schema.BUY, "A": schema.SELL}


class _Level(msgspec.Struct):
    px: str
    sz: str


class _Book(msgspec.Struct):
    coin: str
    time: int
    levels: list[list[_Level]] = []
    bbo: list[_Level | None] = []


class _Trade(msgspec.Struct):
    coin: str
    side: str
    px: str
    sz: str
    time: int
    tid: int = raw.NO_SEQUENCE


class _Message(msgspec.Struct):
    channel: str
    data: msgspec.Raw = msgspec.Raw(b"null")


_MESSAGE, _BOOK, _TRADES = (
    msgspec.json.Decoder(_Message), msgspec.json.Decoder(_Book), msgspec.json.Decoder(list[_Trade])
)  # fmt: skip


def _recognise(_, head):
    channels = {one.channel for one in json_lines.messages(head, _MESSAGE)}
    return bool(channels & {"l2Book", "bbo", "trades"}) and any('"coin"' in line for line in head)


def _stream(source):
    """Yields (symbol, rows)."""
    numbers: dict[int, int] = {}
    count = 0

    def number(tid):
        nonlocal count
        if tid not in numbers:
            count += 1
            numbers[tid] = count
            if len(numbers) > _REMEMBERED:
                del numbers[next(iter(numbers))]
        return numbers[tid]

    def read(_, text):
        one = _MESSAGE.decode(text)
        if one.channel in ("l2Book", "bbo"):
            book = _BOOK.decode(one.data)
            best = [side[0] if side else None for side in book.levels] if book.levels else book.bbo
            bid, ask = (float(side.px) if side else float("nan") for side in best)
            sizes = (float(side.sz) if side else float("nan") for side in best)
            return [(book.coin, (book.time * _MS, raw.NO_SEQUENCE, bid, ask, *sizes, schema.QUOTE, 0, 0))]
        trades = _TRADES.decode(one.data) if one.channel == "trades" else []
        return [_trade(trade, number(trade.tid)) for trade in trades]

    return json_lines.rows(source, read)


def _trade(one, number):
    price, size = float(one.px), float(one.sz)
    side = _SIDES.get(one.side, raw.WRONG_SIDE)
    return one.coin, (one.time * _MS, number, price, price, size, size, schema.TRADE, side, 0)


LAYOUTS = (layout.Layout(vendor="hyperliquid", table="recorder", stream=_stream, recognise=_recognise),)
