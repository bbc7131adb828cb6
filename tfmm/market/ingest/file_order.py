"""The order of a file's rows: sorted, nearly sorted, from new to old, or with a jump back that cannot be true.

Rows of an interleaved feed come some seconds late; they are sorted, and counted. A larger jump back is a clock change
in local times, or two files in one: sorted by time, two hours would become one market. It is accepted where
- the venue's numbers jump back as well: the rows are only in another order (Binance's dumps hold such stretches);
- the rows before and after lie on whole other days: files were joined in another order;
- a handful of rows stands alone: their times are damaged, they are dropped and counted.
Everything else is a fault, with which a session is refused.
"""

import numpy as np

from tfmm import arrays, jit
from tfmm.market import raw, schema

LATE_NS = 60 * 10**9  # rows that come later than this after the newest one are not just late
OTHER_DAY_NS = 14 * 3600 * 10**9  # more than time zones and clock changes can move a time
_ALONE_ROWS = 8
_TOLD_NS = 10**9
_MOST_DAMAGED, _MOST_STRETCHES = 10_000, 1000
_DECIDING_STEPS, _COUNTED_STEPS, _HELD_ROWS = 20, 10_000, 1_000_000
_CLOCK_CHANGE_NS = 2 * 3600 * 10**9  # most are an hour; between rows that are far apart less is seen

# state of _late: newest time, its number, newest time before the last leap forward, rows since that leap, oldest time,
# the most by which a row came later than the newest one
_NEWEST, _NUMBER, _BEFORE_LEAP, _SINCE_LEAP, _OLDEST, _LATEST = range(6)
_NEVER = np.iinfo(np.int64).min

Jump = tuple[int, int, int]  # time of the newest row, ns; time of a row far behind it, ns; rows before that


class Order:
    """The order of the rows of one symbol and kind in a file.

    Attributes:
        descending: the rows are sorted from new to old.
        damaged: rows that were dropped, as their times stand alone. first_damaged: where, or None.
        jump: the first jump back that cannot be true, or None.
    """

    def __init__(self, sequenced: bool):
        """sequenced: rows of one time are ordered by the venue's numbers alone, so they are not turned round."""
        self.descending = False
        self.damaged = 0
        self.first_damaged: Jump | None = None
        self.jump: Jump | None = None
        self._sequenced = sequenced
        self._held: list[arrays.Records] | None = []
        self._seen = 0
        self._stretches: list[tuple[int, int]] = []
        self._state = _fresh()

    def add(self, rows: arrays.Records) -> arrays.Records:
        """(K,) raw.RAW with times, in the order of the file -> those that can be written, old ones first.

        The first rows of a file are held back until they tell the direction.
        """
        if self._held is not None:
            rows = np.concatenate([*self._held, rows]) if self._held else rows
            up, down = _steps(rows)
            if up + down < _DECIDING_STEPS and len(rows) < _HELD_ROWS:
                self._held = [rows]
                return rows[:0]
            self._decide(up, down)
        return self._checked(rows)

    def rest(self) -> arrays.Records:
        """The rows that are still held back at the end of the file."""
        if not self._held:
            return np.empty(0, raw.RAW)
        rows = self._held[0]
        self._decide(*_steps(rows))
        return self._checked(rows)

    @property
    def turned(self) -> bool:
        """Whether rows are given in the reverse of their order."""
        return self.descending and not self._sequenced

    def fault(self, kind: str) -> str:
        """What is wrong with the order; empty where nothing is. kind: what the rows are."""
        if self.descending and self._sequenced:
            return "rows stand from new to old, wanted them from old to new"
        if self.jump is None:
            return ""
        newest, later, before = self.jump
        advice = "two files in one, or rows in another order: sort or split it"
        if abs(newest - later) <= _CLOCK_CHANGE_NS + LATE_NS:
            advice = "local times at a clock change, or two files in one: give times in UTC or with their offset"
        return f"after {before} {kind} time jumps back from {_text(newest)} to {_text(later)} ({advice})"

    def notes(self, kind: str) -> list[str]:
        """Sentences on what was done with the order."""
        out = [f"its {kind} stand from new to old and were turned round"] if self.turned else []
        if (late_ns := int(self._state[_LATEST])) > _TOLD_NS:
            out.append(f"its {kind} come up to {late_ns / 1e9:.1f} s late and were sorted")
        if self.first_damaged is not None:
            around, ts, before = self.first_damaged
            out.append(
                f"{self.damaged} {kind} were dropped, their times lie far from those around them, the first after "
                f"{before} {kind}: {_text(ts)} beside {_text(around)}"
            )
        return out

    def _decide(self, up, down):
        self.descending = down > 4 * up
        self._held = None

    def _checked(self, rows):
        rows = self._without_damage(rows)
        self._seen += len(rows)
        return rows[::-1] if self.turned else rows

    def _without_damage(self, rows):
        """Looks for rows far behind the newest one; takes out those of which only the time is wrong."""
        sign = -1 if self.descending else 1
        keep = np.ones(len(rows), bool)
        k = 0
        while self.jump is None:
            k = _late(rows, k, sign, self._state)
            if k < 0:
                break
            newest, ts = int(self._state[_NEWEST]), sign * int(rows["ts"][k])
            jump = sign * newest, sign * ts, self._seen + int(keep[:k].sum())
            back = _back_again(rows, k, sign, newest)
            leap = k - int(self._state[_SINCE_LEAP])
            if self.damaged + (~keep).sum() >= _MOST_DAMAGED:
                self.jump = self.first_damaged
            elif back > 0:
                keep[k:back] = False
                self._state[_SINCE_LEAP] += back - k
                k = back
            elif _leapt_alone(rows, leap, k) and ts >= int(self._state[_BEFORE_LEAP]) - LATE_NS:
                keep[leap:k] = False
                self._state[_NEWEST], self._state[_NUMBER] = self._state[_BEFORE_LEAP], raw.NO_SEQUENCE
            elif newest - ts > OTHER_DAY_NS and self._begins_apart(ts):
                self._state = _fresh()
            else:
                self.jump = jump
            if self.first_damaged is None and not keep.all():
                self.first_damaged = jump
        self.damaged += int((~keep).sum())
        self._compare_stretches(sign, len(rows))
        return rows if keep.all() else rows[keep]

    def _begins_apart(self, ts):
        """Closes a stretch of rows; whether the next one begins, at `ts`, outside of all before."""
        self._stretches.append((int(self._state[_OLDEST]), int(self._state[_NEWEST])))
        return len(self._stretches) < _MOST_STRETCHES and not any(a <= ts <= b for a, b in self._stretches)

    def _compare_stretches(self, sign, more):
        """A stretch that has grown into an earlier one is a jump back that cannot be true, too."""
        first, last = int(self._state[_OLDEST]), int(self._state[_NEWEST])
        for begin, end in self._stretches:
            if self.jump is None and first <= end and begin <= last:
                self.jump = sign * end, sign * max(first, begin), self._seen + more


def _text(ns):
    return str(np.datetime64(ns, "ns").astype("datetime64[ms]")).replace("T", " ")


def _fresh():
    return np.array([_NEVER, raw.NO_SEQUENCE, _NEVER, 0, np.iinfo(np.int64).max, 0], np.int64)


def _back_again(rows, k, sign, newest):
    """The row with which time goes on where it was before row k, at most some rows later; 0 without one.

    Rows of several times stand alone only where time goes on at once: in a market with a quote every ten minutes,
    a few rows may be the whole hour that a clock change repeats.
    """
    for later in range(k + 1, min(len(rows), k + 1 + _ALONE_ROWS)):
        ts = sign * int(rows["ts"][later])
        if ts >= newest - LATE_NS:
            of_one_time = rows["ts"][k] == rows["ts"][later - 1]
            return later if of_one_time or ts <= newest + LATE_NS else 0
    return 0


def _leapt_alone(rows, leap, k):
    """Whether only rows of one time lie between the last leap forward and row k."""
    return 0 <= leap < k and k - leap <= _ALONE_ROWS and bool((rows["ts"][leap:k] == rows["ts"][leap]).all())


@jit.kernel
def _steps(rows):
    """Steps to a later and to an earlier time, of the first rows."""
    up, down = 0, 0
    for k in range(1, len(rows)):
        if up + down == _COUNTED_STEPS:
            break
        up += rows[k].ts > rows[k - 1].ts
        down += rows[k].ts < rows[k - 1].ts
    return up, down


@jit.kernel
def _late(rows, start, sign, state):
    """Goes on, from row `start`, to the first row far behind the newest one without a smaller number; -1: none."""
    for k in range(start, len(rows)):
        ts, own = sign * rows[k].ts, rows[k].sequence
        if state[_NEWEST] != _NEVER and ts < state[_NEWEST] - LATE_NS:
            numbered = own != raw.NO_SEQUENCE and state[_NUMBER] != raw.NO_SEQUENCE
            if not (numbered and sign * own < sign * state[_NUMBER]):
                return k
        if ts > state[_NEWEST]:
            if state[_NEWEST] == _NEVER or ts - state[_NEWEST] > LATE_NS:
                state[_BEFORE_LEAP], state[_SINCE_LEAP] = state[_NEWEST], 0
            state[_NEWEST], state[_NUMBER] = ts, own
        state[_LATEST] = max(state[_LATEST], state[_NEWEST] - ts)
        state[_SINCE_LEAP] += 1
        state[_OLDEST] = min(state[_OLDEST], ts)
    return -1


@jit.kernel
def key_of(row: arrays.Record, sequenced: bool) -> tuple[int, int, int]:
    """Sorting key of a row, as in raw.order."""
    if sequenced:
        return row.ts, row.sequence, 0
    return row.ts, int(row.kind == schema.QUOTE), row.sequence


@jit.kernel
def before(row: arrays.Record, key: arrays.Ints, sequenced: bool) -> bool:
    """Whether a row belongs before one with this key."""
    one, two, three = key_of(row, sequenced)
    if one != key[0]:
        return one < key[0]
    return two < key[1] or (two == key[1] and three < key[2])


@jit.kernel
def disorder(rows: arrays.Records, last: arrays.Ints, sequenced: bool) -> tuple[bool, int, bool]:
    """(rows are not sorted, rows earlier than the row before, the first row belongs before `last`)."""
    disordered, back = False, 0
    first = before(rows[0], last, sequenced)
    back += rows[0].ts < last[0]
    key = np.empty(3, np.int64)
    for k in range(1, len(rows)):
        key[0], key[1], key[2] = key_of(rows[k - 1], sequenced)
        if before(rows[k], key, sequenced):
            disordered = True
            back += rows[k].ts < key[0]
    return disordered, back, first
