"""The order book: updates of price levels in, rows of the best bid and ask out.

A book is known after a snapshot (or a reset) and unknown before it and after a lost update: then every side is
missing in its row, so that nobody quotes or fills on a market that no longer stands. A crossed book is shown as it
is; `clean` counts it. Sizes replace each other (ADDED ones of single orders are whole numbers), so no float is summed.
"""

from typing import NamedTuple

import numpy as np

from tfmm import arrays, jit
from tfmm.market import raw, schema
from tfmm.market.readers import levels as levels_lib

LEVEL, SNAPSHOT, ADDED, RESET, LOST, BEST = range(6)
"""What an update says: the size of a level (0 deletes it); the same in a snapshot, of which the first starts the book
anew; a change of a level's size; levels are gone (of `side`, from the best to `px`; 0 and NaN: all); an update before
this one is lost; the best level of a side, nothing is better."""

UPDATE = np.dtype(
    [
        ("ts", np.int64),  # ns UTC
        ("sequence", np.int64),  # of the row that it leads to, see raw.RAW
        ("message", np.int64),  # updates of one message, one after the other, give one row
        ("px", np.float64),
        ("size", np.float64),
        ("what", np.int8),
        ("side", np.int8),  # of the orders: schema.BUY or SELL
    ],
    align=True,
)


def updates(
    ts: arrays.Ints,
    message: arrays.Ints,
    px: arrays.Floats,
    size: arrays.Floats,
    what: arrays.Array | int,
    side: arrays.Array,
    sequence: arrays.Ints | int = raw.NO_SEQUENCE,
) -> arrays.Records:
    """(K,) UPDATE from columns of length K."""
    out = np.empty(len(ts), UPDATE)
    for name, column in zip(UPDATE.names or (), (ts, sequence, message, px, size, what, side), strict=True):
        out[name] = column
    return out


COUNTS = ("book_updates", "book_rows", "updates_before_snapshot", "updates_not_understood", "lost_updates", "snapshots")
_UPDATES, _ROWS, _EARLY, _WRONG, _LOST, _SNAPSHOTS = range(len(COUNTS))
_KNOWN, _PENDING, _MESSAGE, _IN_SNAPSHOT, _STARTED = range(5)


class _Book(NamedTuple):
    """state: (5,). rows: (2,) raw.RAW, the last one given and the one of now."""

    levels: levels_lib.Levels
    state: arrays.Ints
    counts: arrays.Ints
    rows: arrays.Records


class Builder:
    """The book of one instrument.

    Attributes:
        counts: (len(COUNTS),) int64.
    """

    def __init__(self) -> None:
        self.counts = np.zeros(len(COUNTS), np.int64)
        rows = raw.quotes(np.full(2, raw.TIME_UNKNOWN), *np.full((4, 2), np.nan))
        self._book = _Book(levels_lib.create(), np.zeros(5, np.int64), self.counts, rows)

    def apply(self, updates: arrays.Records) -> arrays.Records:
        """(K,) UPDATE in the order of their messages -> (<= K,) raw.RAW, a quote for each message that changed the
        best price or size of a side. The row of the last message comes with the next call."""
        out = np.empty(len(updates) + 1, raw.RAW)
        done = rows = 0
        while True:
            done, rows = _apply(updates, done, self._book, out, rows)
            if done == len(updates):
                return out[:rows]
            self._book = self._book._replace(levels=levels_lib.rehash(self._book.levels))

    def finish(self) -> arrays.Records:
        """(0 or 1,) raw.RAW of the last message."""
        out = np.empty(1, raw.RAW)
        return out[: _emit(self._book, out, 0)]

    def levels(self, side: int) -> arrays.Floats:
        """(L, 2) price and size of schema.BUY or SELL, the best first."""
        return levels_lib.listed(self._book.levels, int(side == schema.BUY)) * [side, 1]


@jit.kernel
def _apply(updates, begin, book, out, rows):
    """Goes on from update `begin`; returns (the next one, number of rows). Stops where a side's table is half full."""
    book = jit.borrowed(book)
    state, counts = book.state, book.counts
    for k in range(begin, len(updates)):
        update = updates[k]
        side = 1 if update.side > 0 else 0
        if 2 * book.levels.held[side, levels_lib.USED] >= book.levels.px.shape[1]:
            return k, rows
        if not state[_STARTED] or update.message != state[_MESSAGE]:
            rows = _emit(book, out, rows)
            state[_MESSAGE], state[_IN_SNAPSHOT], state[_STARTED] = update.message, 0, 1
        counts[_UPDATES] += 1
        _take(book, update, side)
        if state[_PENDING]:
            now = book.rows[1]
            now.sequence = update.sequence
            if update.ts != raw.TIME_UNKNOWN:
                now.ts = update.ts
    return len(updates), rows


@jit.kernel
def _take(book, update, side):
    """One update. One that says nothing sensible leaves the book unknown, as a lost one does."""
    state, counts, what = book.state, book.counts, update.what
    if what == SNAPSHOT and not state[_IN_SNAPSHOT]:
        counts[_SNAPSHOTS] += 1
        levels_lib.empty(book.levels, 0)
        levels_lib.empty(book.levels, 1)
        state[_KNOWN] = 1
    state[_IN_SNAPSHOT] = what == SNAPSHOT
    key = update.px if side else -update.px
    if what == RESET:
        counts[_SNAPSHOTS] += 1
        state[_KNOWN] = state[_PENDING] = 1
        for one in range(2):
            if update.side == 0 or one == side:
                levels_lib.clear(book.levels, one, update.px if one else -update.px)
        return
    leveled = (
        update.side != 0 and np.isfinite(key) and np.isfinite(update.size) and (update.size >= 0.0 or what == ADDED)
    )
    if not state[_KNOWN]:
        counts[_EARLY] += 1
        return
    if what == LOST or not leveled or update.ts == raw.TIME_UNKNOWN:
        counts[_LOST if what == LOST else _WRONG] += 1
        state[_PENDING], state[_KNOWN] = 1, 0
        levels_lib.empty(book.levels, 0)
        levels_lib.empty(book.levels, 1)
        return
    state[_PENDING] = 1
    if what == BEST:
        levels_lib.clear(book.levels, side, np.nextafter(key, np.inf))
    levels_lib.change(book.levels, side, key, update.size, what == ADDED)


@jit.kernel
def _emit(book, out, rows):
    """Writes the row of the message that ended, where it differs from the last one; returns the number of rows."""
    state = book.state
    if not state[_PENDING]:
        return rows
    state[_PENDING] = 0
    last, now = book.rows[0], book.rows[1]
    now.hi, now.hi_size = levels_lib.best(book.levels, 0)
    now.lo, now.lo_size = levels_lib.best(book.levels, 1)
    now.hi = -now.hi
    same = _equal(now.lo, last.lo) and _equal(now.hi, last.hi)
    if same and _equal(now.lo_size, last.lo_size) and _equal(now.hi_size, last.hi_size):
        return rows
    book.rows[0] = now
    out[rows] = now
    book.counts[_ROWS] += 1
    return rows + 1


@jit.kernel
def _equal(a, b):
    return a == b or (np.isnan(a) and np.isnan(b))
