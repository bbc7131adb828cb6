"""Lines of a Binance recorder of depth and trades, without bookTicker: the book from depthUpdate and a REST snapshot.

depthUpdate: b and a, [price, size] of levels, size 0 deletes; U first and u last update id; futures say in pu the u of
the message before, spot's U follows on it. Snapshot: a line with lastUpdateId, bids and asks. Time: T (E for spot), ms.
By Binance's rule the first message that ends after the snapshot joins it, though it may have come before; then each
follows on the last, else one is lost and the market unknown until a new snapshot. `@depth5`, 10 and 20 are whole books.
"""

import re

import msgspec

from tfmm.market import binance_messages, raw
from tfmm.market.readers import book_messages, book_sync, json_lines, layout, recorder

_MS = 10**6
_WHOLE = re.compile(r"(\w+)@depth(?:5|10|20)(?:@|\"|$)")


class _Depth(msgspec.Struct, rename={"symbol": "s", "event_time": "E", "time": "T", "first": "U", "last": "u",
                                     "previous": "pu", "bids": "b", "asks": "a", "number": "lastUpdateId",
                                     "all_bids": "bids", "all_asks": "asks"}):  # fmt: skip
    symbol: str = ""
    bids: list[tuple[float, float]] = []
    asks: list[tuple[float, float]] = []
    first: int = 0
    last: int = 0
    event_time: int = 0
    time: int = 0
    previous: int = raw.NO_SEQUENCE
    number: int = 0
    all_bids: list[tuple[float, float]] = []
    all_asks: list[tuple[float, float]] = []

    def follows(self, last):
        """Whether no update is missing after update id `last`."""
        return self.previous == last if self.previous != raw.NO_SEQUENCE else self.first == last + 1

    def message(self, symbol="", *, ns=raw.TIME_UNKNOWN, snapshot=False, lost=False):
        ns = (self.time or self.event_time) * _MS or ns
        bids, asks = (self.all_bids, self.all_asks) if self.number else (self.bids, self.asks)
        return book_messages.Message(symbol or self.symbol, ns, self.last or self.number, bids, asks, snapshot, lost)


class _Message(msgspec.Struct):
    stream: str = ""
    data: _Depth = msgspec.field(default_factory=_Depth)


_WRAPPED, _PLAIN = (msgspec.json.Decoder(one, strict=False) for one in (_Message, _Depth))


def _recognise(futures):
    def recognise(_, head):
        depth = [line for line in head if '"depthUpdate"' in line or _WHOLE.search(line)]
        said = any('"pu"' in line for line in depth)
        is_json = any(json_lines.split(line.encode())[1] for line in depth)
        return is_json and said == futures and "bookTicker" not in recorder.seen(head)

    return recognise


def _stream(source):
    """Yields (symbol, order_book.UPDATE or raw.RAW)."""
    books = book_sync.Books()
    # whole books of spot have no time but that of receipt: all rows are on that clock then
    received = any(_WHOLE.search(line) and '"E"' not in line for line in source.head)
    traded = "aggTrade" if {"trade", "aggTrade"} & recorder.seen(source.head) == {"aggTrade"} else "trade"

    def read(ns, text):
        if b'"lastUpdateId"' not in text and b'"depthUpdate"' not in text:
            one = binance_messages.decode(text)
            row = binance_messages.row(one, traded, ns if received else one.time * _MS) if one.kind == traded else None
            return [] if row is None else [(one.symbol, row)]
        message = _WRAPPED.decode(text)
        one = message.data if message.data.last or message.data.number else _PLAIN.decode(text)
        if whole := _WHOLE.match(message.stream):
            return [one.message(whole[1].upper(), ns=ns, snapshot=True)]
        return books.take_snapshot(one) if one.number else books.take(one)

    return book_messages.stream(source, read, books.rest)


LAYOUTS = (
    layout.Layout(
        vendor="binance_stream", table="depth recorder", venue="binance-futures", stream=_stream,
        recognise=_recognise(True),
    ),
    layout.Layout(
        vendor="binance_stream", table="spot depth recorder", venue="binance", stream=_stream,
        recognise=_recognise(False),
    ),
)  # fmt: skip
