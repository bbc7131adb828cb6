"""From raw rows to events: what cannot be true is dropped and counted, prices become ticks.

A quote that is dropped makes the market unknown until the next one (schema.NO_MARKET), unless a true quote of the same
time follows it. A quote with an empty side, without price and without size, is one of a one-sided market.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays, jit
from tfmm.market import faults, raw, schema

_ALWAYS = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)


class _Bounds(NamedTuple):
    """Between what a row counts as true."""

    tick_sizes: arrays.Floats  # (N,)
    low: arrays.Floats  # (N,) a tenth and ten times the typical price
    high: arrays.Floats
    span_ns: arrays.Ints  # (2,) first and last time
    drop_duplicates: bool


class Cleaner:
    """Cleans the rows of one session chunk by chunk; rows of one time should be in one chunk.

    Args:
        tick_sizes: (N,) float64. typical_px: (N,) float64, a price of the session; NaN: not known.
        span_ns: (first, last) time that is kept.
        drop_duplicates: whether a row that repeats the one before is dropped.

    Attributes:
        counts: (N, 2, len(faults.REASONS)) int64, rows dropped of each instrument and kind.
        noted: (N,) faults.NOTED.
    """

    def __init__(
        self,
        tick_sizes: Sequence[float],
        typical_px: Sequence[float],
        span_ns: tuple[int, int] = _ALWAYS,
        drop_duplicates: bool = True,
    ):
        ticks, typical = np.asarray(tick_sizes, np.float64), np.asarray(typical_px, np.float64)
        low = np.where(np.isfinite(typical), typical / faults.OUTLIER, 0.0)
        high = np.where(np.isfinite(typical), typical * faults.OUTLIER, np.inf)
        self._bounds = _Bounds(ticks, low, high, np.asarray(span_ns, np.int64), drop_duplicates)
        self.counts = np.zeros((len(ticks), 2, len(faults.REASONS)), np.int64)
        self.noted = np.zeros(len(ticks), faults.NOTED)
        self.noted["off_grid_px"] = np.nan
        self._last = np.zeros((len(ticks), 2), raw.RAW)
        self._memory = np.zeros(len(ticks), faults.MEMORY)
        self._memory["is_unknown"], self._memory["mid"] = 1, np.nan

    def clean(self, rows: arrays.Records) -> arrays.Records:
        """(K,) raw.RAW in order -> (<= K,) schema.EVENT in the same order."""
        out = np.empty(len(rows), schema.EVENT)
        memory = self._last, self._memory, self.counts, self.noted
        # numba looks up the type of a plain tuple in a third of the time
        return out[: _clean(np.ascontiguousarray(rows), tuple(self._bounds), memory, out)]

    def state(self) -> dict[str, arrays.Records]:
        """The arrays themselves of all that changes: a copy of them, written back, goes on exactly from there."""
        return {"counts": self.counts, "noted": self.noted, "last": self._last, "memory": self._memory}

    def dropped(self, instrument: int) -> dict[str, int]:
        """{"quotes_crossed": count, ...} of one instrument, every reason that occurred."""
        return {
            f"{what}_{reason}": int(self.counts[instrument, kind, k])
            for kind, what in ((schema.QUOTE, "quotes"), (schema.TRADE, "trades"))
            for k, reason in enumerate(faults.REASONS)
            if self.counts[instrument, kind, k]
        }


@jit.kernel
def _is_superseded(rows, k, bounds):
    """Whether a true quote of the same instrument and time follows row k."""
    n, noted = rows[k].instrument, np.zeros(1, faults.NOTED)
    event = np.zeros(1, schema.EVENT)
    for j in range(k + 1, len(rows)):
        row = rows[j]
        if row.ts != rows[k].ts:
            break
        if row.kind != schema.QUOTE or row.instrument != n or faults.is_far(row, bounds.low[n], bounds.high[n]):
            continue
        fault, event[0].kind = faults.fault(row)
        if fault < 0 and faults.set_prices(event[0], row, bounds.tick_sizes[n], noted[0]) < 0:
            return True
    return False


@jit.kernel
def _same(row, other):
    return (
        row.ts == other.ts
        and row.sequence == other.sequence
        and row.lo == other.lo
        and row.hi == other.hi
        and row.lo_size == other.lo_size
        and row.hi_size == other.hi_size
        and row.side == other.side
    )


@jit.kernel
def _becomes_unknown(rows, k, bounds, memory, noted, event):
    """Writes the event of a quote that is dropped; returns 0 where it says nothing new, else 1."""
    if memory.is_unknown or _is_superseded(rows, k, _Bounds(*bounds)):
        return 0
    event.ts, event.instrument, event.kind, event.side = rows[k].ts, rows[k].instrument, schema.NO_MARKET, 0
    event.lo_tick, event.hi_tick, event.lo_size, event.hi_size = schema.NO_ASK, schema.NO_BID, 0.0, 0.0
    memory.is_unknown = 1
    noted.unknown += 1
    return 1


@jit.kernel
def _judge(row, bounds, last, memory, noted, event):
    """Index into REASONS or -1; writes prices, sizes and kind of the event that a true row becomes."""
    n = row.instrument
    fault, event.kind = faults.fault(row)
    if fault == faults.NOT_POSITIVE and row.kind == schema.QUOTE:
        faults.judge_not_positive(row, memory, noted)
    if fault < 0 and faults.is_far(row, bounds.low[n], bounds.high[n]):
        fault = faults.judge_far(row, memory, noted)
    if fault < 0 and (row.ts < bounds.span_ns[0] or row.ts > bounds.span_ns[1]):
        fault = faults.OUTSIDE
    # without an id two equal trades may both have happened; two equal quotes say the same
    repeatable = row.kind == schema.TRADE and row.sequence < 0
    if fault < 0 and bounds.drop_duplicates and not repeatable and _same(row, last[n, row.kind]):
        fault = faults.DUPLICATE
    if fault < 0:
        fault = faults.set_prices(event, row, bounds.tick_sizes[n], noted)
    return fault


@jit.kernel
def _clean(rows, bounds, state, out):
    ticks, low, high, span_ns, drop_duplicates = bounds
    last, memory, counts, noted = state
    kept = 0
    for k in range(len(rows)):
        row, event = rows[k], out[kept]
        n, kind = row.instrument, row.kind
        lo, hi = row.lo / ticks[n], row.hi / ticks[n]
        lo_near, hi_near = np.rint(lo), np.rint(hi)
        # most rows are as they should be: one chain of comparisons says so, and what is left is judged with care
        plain = row.lo >= low[n] and row.lo <= row.hi and row.hi <= high[n] and row.side != raw.WRONG_SIDE
        plain = plain and 0.0 < row.lo_size < np.inf and 0.0 < row.hi_size < np.inf
        plain = plain and row.ts >= span_ns[0] and row.ts <= span_ns[1]
        plain = plain and lo_near > 0.5 and hi <= faults.LARGEST_TICK
        plain = plain and abs(lo - lo_near) < faults.ON_GRID and abs(hi - hi_near) < faults.ON_GRID
        if plain and not (drop_duplicates and row.ts == last[n, kind].ts):
            event.lo_tick, event.hi_tick, event.lo_size, event.hi_size = lo_near, hi_near, row.lo_size, row.hi_size
            event.kind = kind
        else:
            fault = _judge(row, _Bounds(*bounds), last, memory[n], noted[n], event)
            if fault >= 0:
                counts[n, kind, fault] += 1
                if kind == schema.QUOTE and fault < faults.DUPLICATE and row.ts <= span_ns[1]:
                    kept += _becomes_unknown(rows, k, bounds, memory[n], noted[n], event)
                continue
        event.ts, event.instrument, event.side = row.ts, n, row.side
        last[n, kind] = row
        kept += 1
        if event.kind == schema.QUOTE:
            remembered = memory[n]
            remembered.mid, remembered.spread = 0.5 * (row.lo + row.hi), row.hi - row.lo
            remembered.is_unknown = remembered.outliers = remembered.not_positive = 0
        elif event.kind == schema.ONE_SIDED:
            memory[n].is_unknown = 0
            noted[n].one_sided += 1
    return kept
