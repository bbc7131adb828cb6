"""Joins the changes of an order book to a snapshot that was asked for beside them, as Binance prescribes.

The first message that ends after the snapshot joins it, though it may have come before the snapshot did; each later
one must follow on the one before. Where one is missing the book is unknown until a new snapshot is joined.
"""

import collections
from typing import Protocol

from tfmm.market import raw
from tfmm.market.readers import book_messages

_KEPT = 4096  # messages kept for a snapshot that comes after them


class Change(Protocol):
    """A message of the venue. first, last: ids of its updates. number: the id that a snapshot holds."""

    symbol: str
    first: int
    last: int
    number: int

    def follows(self, last: int) -> bool:
        """Whether no update is missing after update id `last`."""

    def message(self, symbol: str = "", *, snapshot: bool = False, lost: bool = False) -> book_messages.Message:
        """For the book. symbol: where the message does not say it."""


class Books:
    """The books of all symbols of a file."""

    def __init__(self) -> None:
        self._books: dict[str, _Book] = {}
        self._early: list[Change] = []

    def take(self, change: Change) -> list[book_messages.Message]:
        """What can be said after a change."""
        if change.symbol not in self._books:
            self._books[change.symbol] = _Book(change.symbol)
            for snapshot in self._early:
                self._books[change.symbol].take_snapshot(snapshot)
        return self._books[change.symbol].take(change)

    def take_snapshot(self, snapshot: Change) -> list[book_messages.Message]:
        """The same after a snapshot. It does not say its symbol, but the ids of symbols lie far apart."""
        if not self._books:
            self._early.append(snapshot)
            return []
        near = min(self._books.values(), key=lambda book: abs(book.reached - snapshot.number))
        return near.take_snapshot(snapshot)

    def rest(self) -> list[book_messages.Message]:
        """Changes that no snapshot was joined to."""
        return [change.message() for book in self._books.values() for change in book.waiting]


class _Book:
    """last: update id up to which the book is known, 0: it is not. reached: of the last change."""

    def __init__(self, symbol: str) -> None:
        self._symbol, self.last, self.reached = symbol, 0, 0
        self._snapshot: Change | None = None
        self.waiting: collections.deque[Change] = collections.deque(maxlen=_KEPT)

    def take(self, change):
        self.reached = change.last
        if not self.last:
            self.waiting.append(change)
            return self._join()
        if change.follows(self.last):
            self.last = change.last
            return [change.message()]
        if change.last <= self.last:
            return []  # sent again
        self.last = 0
        self.waiting.append(change)
        return [change.message(lost=True)]

    def take_snapshot(self, snapshot):
        """A snapshot of a book that is known says nothing new."""
        if not self.last:
            self._snapshot = snapshot
        return self._join()

    def _join(self):
        if self._snapshot is None:
            return []
        while self.waiting and self.waiting[0].last <= self._snapshot.number:
            self.waiting.popleft()
        if not self.waiting:
            return []
        snapshot, self._snapshot = self._snapshot, None
        first, *rest = self.waiting
        if first.first > snapshot.number + 1 and not first.follows(snapshot.number):
            return []  # older than all that is there
        self.waiting.clear()
        self.last = first.last
        begin = snapshot.message(self._symbol, snapshot=True)
        joined = first.message()
        if begin.ts == raw.TIME_UNKNOWN:
            # both are one state of the book
            begin, joined = begin._replace(ts=joined.ts), joined._replace(goes_on=True)
        return [begin, joined, *(message for change in rest for message in self.take(change))]
