"""Order by order (level 3): what happens to single orders, to changes of price levels.

A level's size is the sum of its orders, whole numbers. Trades and fills leave the book as it is: the cancel or change
that follows says what is left. An order that is not known shows that something before it is missing: the market is
unknown until the book is cleared and sent anew.
"""

from typing import NamedTuple

import numba
import numpy as np
from numba import types

from tfmm import arrays, jit
from tfmm.market import raw
from tfmm.market.readers import order_book

ORDER = np.dtype(
    [
        ("ts", np.int64),  # ns UTC
        ("sequence", np.int64),
        ("order_id", np.int64),
        ("px", np.float64),
        ("size", np.float64),  # of an add or change: all of it; of a cancel: what goes
        ("action", np.int8),  # a letter: Add, Cancel, Modify, R clears; others leave the book as it is
        ("side", np.int8),
        ("last", np.bool_),  # of its event: a row of the book follows
        ("snapshot", np.bool_),  # of all orders that rest: one event
        ("whole_side", np.bool_),  # it is all that is on its side
        ("doubtful", np.bool_),  # what came before may be incomplete
    ],
    align=True,
)

_ADD, _CANCEL, _CHANGE, _CLEAR = (np.int8(ord(letter)) for letter in "ACMR")
_FLAGS = {"last": 128, "whole_side": 64, "snapshot": 32, "doubtful": 4}  # bits
_RESTING = types.Tuple((types.float64, types.float64, types.int64))  # px, size, side


class _State(NamedTuple):
    """message: (1,). last: (3,) of the row before: whether it ended its event, its time, whether of a snapshot."""

    message: arrays.Ints
    last: arrays.Ints


class Orders:
    """The orders of one instrument that rest."""

    def __init__(self) -> None:
        self._resting = numba.typed.Dict.empty(types.int64, _RESTING)
        self._state = _State(np.zeros(1, np.int64), np.array([1, raw.TIME_UNKNOWN, 0]))

    def updates(self, orders: arrays.Records) -> arrays.Records:
        """(K,) ORDER -> (<= 3K,) order_book.UPDATE in the same order."""
        out = np.empty(3 * len(orders), order_book.UPDATE)
        return out[: _updates(orders, self._resting, self._state, out)]


def create(flags: arrays.Array, **columns: arrays.Array) -> arrays.Records:
    """(K,) ORDER from its columns by name, and Databento's flags, each (K,)."""
    out = np.empty(len(flags), ORDER)
    for name, column in columns.items():
        out[name] = column
    for name, bit in _FLAGS.items():
        out[name] = (flags & bit) != 0
    return out


@jit.kernel
def _updates(orders, resting, state, out):
    count = 0
    for k in range(len(orders)):
        one = orders[k]
        ended, ts, of_snapshot = state.last
        if one.snapshot != (of_snapshot != 0) or (not of_snapshot and (ended or one.ts != ts)):
            state.message[0] += 1
        state.last[0], state.last[1], state.last[2] = one.last, one.ts, one.snapshot
        action, side = one.action, np.int64(one.side)
        if one.doubtful:
            count = _note(out, count, one, state, order_book.LOST, 0, np.nan, 0.0)
        if action == _CLEAR or (action == _ADD and one.whole_side):
            count = _note(out, count, one, state, order_book.RESET, 0 if action == _CLEAR else side, np.nan, 0.0)
            if action == _CLEAR:
                resting.clear()
                continue
            if not np.isfinite(one.px):
                continue
        elif action in (_CANCEL, _CHANGE):
            if one.order_id in resting:
                px, size, side = resting.pop(one.order_id)
                left = max(size - one.size, 0.0) if action == _CANCEL else 0.0
                count = _note(out, count, one, state, order_book.ADDED, side, px, left - size)
                if left > 0.0:
                    resting[one.order_id] = (px, left, side)
            else:
                count = _note(out, count, one, state, order_book.LOST, 0, np.nan, 0.0)
        if action in (_ADD, _CHANGE):
            side = np.int64(one.side)
            resting[one.order_id] = (one.px, one.size, side)
            count = _note(out, count, one, state, order_book.ADDED, side, one.px, one.size)
    return count


@jit.kernel
def _note(out, count, one, state, what, side, px, size):
    update = out[count]
    update.ts, update.sequence, update.message = one.ts, one.sequence, state.message[0]
    update.what, update.side, update.px, update.size = what, side, px, size
    return count + 1


def trades(rows: arrays.Records) -> arrays.Records:
    """(<= K,) raw.RAW of ORDER that say a trade: `side` is then the aggressor's."""
    rows = rows[rows["action"] == ord("T")]
    return raw.trades(rows["ts"], rows["px"], rows["size"], rows["side"], rows["sequence"])
