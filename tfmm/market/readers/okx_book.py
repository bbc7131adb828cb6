"""OKX order book files (`*-L2orderbook-400lv-*.data`) and recorded `books` messages: JSON, one a line.

Files: instId, action snapshot or update, ts, bids and asks: [price, size, orders]. Recorded: arg.instId, action and
data, a list of the same with seqId; update prevSeqId follows on seqId, else a message is lost. Size 0 deletes; sizes of
swaps and futures are contracts. Time: ms, UTC.
"""

import msgspec

from tfmm.market import raw
from tfmm.market.readers import book_messages, json_lines, layout

_MS = 10**6


class _Argument(msgspec.Struct, rename={"symbol": "instId"}):
    channel: str = ""
    symbol: str = ""


class _Book(msgspec.Struct, rename={"symbol": "instId", "sequence": "seqId", "previous": "prevSeqId"}):
    ts: int
    bids: list[list[float]]
    asks: list[list[float]]
    action: str = ""
    symbol: str = ""
    sequence: int = raw.NO_SEQUENCE
    previous: int = raw.NO_SEQUENCE


class _Message(msgspec.Struct):
    arg: _Argument
    data: list[_Book]
    action: str = "snapshot"  # books5 and bbo-tbt send whole books


_FILE, _RECORDED = msgspec.json.Decoder(_Book, strict=False), msgspec.json.Decoder(_Message, strict=False)


def _books(text):
    """[(symbol, action, _Book)] of a line; none of other channels."""
    if b'"arg"' not in text:
        one = _FILE.decode(text)
        return [(one.symbol, one.action, one)]
    if b'"asks"' not in text:
        msgspec.json.decode(text)  # raises where it is cut
        return []
    message = _RECORDED.decode(text)
    return [(message.arg.symbol, message.action, one) for one in message.data]


class _Decoder:
    decode = staticmethod(_books)


def _recognise(_, head):
    found = [book for books in json_lines.messages(head, _Decoder) for book in books]
    return any(symbol and action in ("snapshot", "update") for symbol, action, _ in found)


def _stream(source):
    """Yields (symbol, order_book.UPDATE)."""
    last: dict[str, int] = {}

    def read(_, text):
        out = []
        for symbol, action, one in _books(text):
            number, last[symbol] = last.get(symbol, one.previous), one.sequence
            snapshot = action == "snapshot"
            lost = not snapshot and one.previous != number and raw.NO_SEQUENCE not in (number, one.previous)
            time = one.ts * _MS or raw.TIME_UNKNOWN
            bids, asks = ([(level[0], level[1]) for level in side] for side in (one.bids, one.asks))
            out.append(book_messages.Message(symbol, time, one.sequence, bids, asks, snapshot, lost))
        return out

    return book_messages.stream(source, read)


LAYOUTS = (layout.Layout(vendor="okx", table="order book", stream=_stream, recognise=_recognise),)
