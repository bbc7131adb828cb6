"""JSON messages of an order book, one a line, to order_book.UPDATE."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec
import numpy as np

from tfmm import arrays
from tfmm.market import raw
from tfmm.market.readers import containers, json_lines, layout, naming, order_book

_BATCH = 1 << 16
_NO_LEVEL = (np.nan, np.nan)
_TOO_LARGE = 2**63


class Message(NamedTuple):
    """symbol: "" for the file's. ts: ns UTC. sequence: the venue's number. bids, asks: price and size of levels; size 0
    deletes. snapshot: these are all levels. lost: a message before this one is missing. goes_on: it is part of
    the one before."""

    symbol: str | naming.Name
    ts: int
    sequence: int
    bids: Sequence[tuple[float, float]]
    asks: Sequence[tuple[float, float]]
    snapshot: bool = False
    lost: bool = False
    goes_on: bool = False


def stream(
    source: layout.Source, read: Callable[[int, bytes], list[Any]], rest: Callable[[], list[Message]] = list
) -> Iterator[tuple[str | naming.Name, arrays.Records]]:
    """Yields (symbol, (K,) order_book.UPDATE or raw.RAW) of all lines.

    Args:
        read: function of (ns of receipt, message) -> messages of the book, and (symbol, tuple in the order of raw.RAW)
            of trades; may raise ValueError or msgspec.DecodeError. A line that cannot be read leaves every book of the
            file unknown until its next snapshot. rest: gives what is left after the last line.
    """
    books: dict[str | naming.Name, _Batch] = {}
    trades: dict[str, list[tuple[Any, ...]]] = {}
    for found in _found(source, read, rest):
        if found is None:
            for book in books.values():
                book.add_unreadable()
            found = [(source.symbol, json_lines.NO_ROW)]
        for one in found:
            if isinstance(one, Message):
                symbol = one.symbol or source.symbol
                book = books.setdefault(symbol, _Batch())
                book.add(one)
                if book.levels >= _BATCH:
                    yield symbol, book.take()
            else:
                symbol = one[0] or source.symbol
                trades.setdefault(symbol, []).append(one[1])
                if len(trades[symbol]) == _BATCH:
                    yield symbol, np.array(trades.pop(symbol), raw.RAW)
    for symbol, book in books.items():
        yield symbol, book.take()
    for symbol, rows in trades.items():
        yield symbol, np.array(rows, raw.RAW)


def _found(source, read, rest):
    """Yields what `read` finds in each line, None where it cannot be read; then what is left."""
    for line in containers.lines(source.path):
        if not line.strip():
            continue
        ns, text = json_lines.split(line)
        try:
            yield _of_whole_numbers(read(ns, text)) if text else None
        except (msgspec.DecodeError, ValueError, OverflowError, TypeError, IndexError):
            yield None
    yield rest()


def _of_whole_numbers(found):
    """What was found; OverflowError where a time or number has more than 64 bits."""
    for one in found or ():
        numbers = (one.ts, one.sequence) if isinstance(one, Message) else one[1][:2]
        if any(not -_TOO_LARGE <= number < _TOO_LARGE for number in numbers):
            raise OverflowError
    return found


class _Batch:
    """Messages of one book that were not yet taken. levels: how many these have."""

    def __init__(self) -> None:
        self._number = 0
        self._flat: list[float] = []
        self._groups: list[tuple[int, int, int, int, int, int]] = []

    @property
    def levels(self):
        return len(self._flat) // 2

    def add(self, message: Message) -> None:
        """message: Message."""
        self._number += not message.goes_on
        if message.lost:
            self._add(message.ts, message.sequence, order_book.LOST, 0, [_NO_LEVEL])
        if message.snapshot and not (message.bids or message.asks):
            self._add(message.ts, message.sequence, order_book.RESET, 0, [_NO_LEVEL])
        what = order_book.SNAPSHOT if message.snapshot else order_book.LEVEL
        for side, levels in ((1, message.bids), (-1, message.asks)):
            self._add(message.ts, message.sequence, what, side, levels)

    def add_unreadable(self) -> None:
        """A line that cannot be read."""
        self._number += 1
        self._add(raw.TIME_UNKNOWN, raw.NO_SEQUENCE, order_book.LEVEL, 0, [_NO_LEVEL])

    def _add(self, ts, sequence, what, side, levels):
        self._flat.extend(itertools.chain.from_iterable(levels))
        self._groups.append((self._number, ts, sequence, what, side, len(levels)))

    def take(self):
        """(K,) order_book.UPDATE."""
        groups, levels = np.array(self._groups, np.int64).reshape(-1, 6), np.array(self._flat).reshape(-1, 2)
        self._groups, self._flat = [], []
        message, ts, sequence, what, side = np.repeat(groups[:, :5], groups[:, 5], axis=0).T
        return order_book.updates(ts, message, levels[:, 0], levels[:, 1], what, side, sequence)
