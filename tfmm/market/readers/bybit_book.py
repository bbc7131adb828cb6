"""Bybit order book files (`*_ob500.data`, ob200, as recorded from the websocket): a JSON message a line.

topic orderbook.DEPTH.SYMBOL, type snapshot or delta, data b and a: [price, size] of levels, size 0 deletes. Time: cts,
ms of the matching engine; ts of the message where there is none. Delta u follows on u - 1; else a message is lost.
"""

import msgspec

from tfmm.market import raw
from tfmm.market.readers import book_messages, json_lines, layout, naming

_MS = 10**6


class _Data(msgspec.Struct):
    s: str
    b: list[tuple[float, float]] = []
    a: list[tuple[float, float]] = []
    u: int = raw.NO_SEQUENCE


class _Message(msgspec.Struct):
    topic: str
    type: str
    data: _Data
    ts: int = 0
    cts: int = 0


class _Topic(msgspec.Struct):
    topic: str
    data: msgspec.Raw


_BOOK, _ANY = msgspec.json.Decoder(_Message, strict=False), msgspec.json.Decoder(_Topic)


def _recognise(_, head):
    return any(one.topic.startswith("orderbook.") for one in json_lines.messages(head, _ANY))


def _stream(source):
    """Yields (symbol, order_book.UPDATE)."""
    last: dict[str, int] = {}

    def read(_, text):
        if b'"orderbook.' not in text:
            msgspec.json.decode(text)  # raises where it is cut
            return []
        one = _BOOK.decode(text)
        data = one.data
        number, last[data.s] = last.get(data.s, data.u), data.u
        snapshot = one.type == "snapshot"
        lost = not snapshot and raw.NO_SEQUENCE not in (number, data.u) and data.u - number not in (0, 1)
        time = (one.cts or one.ts) * _MS or raw.TIME_UNKNOWN
        # of spot and contracts alike, but 500 levels are recorded of contracts alone
        name = naming.Name(data.s, "bybit" if one.topic.startswith("orderbook.500.") else "")
        return [book_messages.Message(name, time, data.u, data.b, data.a, snapshot, lost)]

    return book_messages.stream(source, read)


LAYOUTS = (layout.Layout(vendor="bybit", table="order book", stream=_stream, recognise=_recognise),)
