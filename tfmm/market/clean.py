"""From raw rows to events: what cannot be true is dropped and counted, prices become ticks."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays, jit
from tfmm.market import raw, schema

REASONS = (
    "not_finite",  # no price
    "one_sided",  # a quote whose bid or ask is missing
    "not_positive",  # a price or size of zero or less
    "crossed",  # bid above ask
    "no_size",  # a size is missing
    "side",  # a trade whose side is no known word
    "outlier",  # a price further from the session's median than OUTLIER times
    "off_grid",  # a quote between two ticks
    "duplicate",  # the same row again, by the venue's id or as the next quote
    "outside_span",  # before the first or after the last quote of all instruments
)
NOT_FINITE, ONE_SIDED, NOT_POSITIVE, CROSSED, NO_SIZE, SIDE, OUTLIER_ROW, OFF_GRID, DUPLICATE, OUTSIDE = range(
    len(REASONS)
)
NOT_BAD = ("duplicate", "outside_span")  # dropped, but no sign of wrong data
OUTLIER = 10.0
LARGEST_TICK = 2.0**53  # above, float64 skips whole numbers
_ALWAYS = (np.iinfo(np.int64).min, np.iinfo(np.int64).max)
_ON_GRID = 1e-4  # ticks; a price further from a tick is between two


class _Bounds(NamedTuple):
    """Between what a row counts as true."""

    tick_sizes: arrays.Floats  # (N,)
    low: arrays.Floats  # (N,) lowest and highest price
    high: arrays.Floats
    span_ns: arrays.Ints  # (2,) first and last time
    drop_duplicates: bool


class Cleaner:
    """Cleans the rows of one session chunk by chunk.

    Args:
        tick_sizes: (N,) float64. typical_px: (N,) float64, a price of the session; NaN: not known.
        span_ns: (first, last) time that is kept.
        drop_duplicates: whether a row that repeats the one before is dropped.

    Attributes:
        counts: (N, 2, len(REASONS)) int64, rows dropped of each instrument and kind.
        first_off_grid: (N,) float64, the first quote price between two ticks, NaN without one.
    """

    def __init__(
        self,
        tick_sizes: Sequence[float],
        typical_px: Sequence[float],
        span_ns: tuple[int, int] = _ALWAYS,
        drop_duplicates: bool = True,
    ):
        ticks, typical = np.asarray(tick_sizes, np.float64), np.asarray(typical_px, np.float64)
        low = np.where(np.isfinite(typical), typical / OUTLIER, 0.0)
        high = np.where(np.isfinite(typical), typical * OUTLIER, np.inf)
        high = np.minimum(high, LARGEST_TICK * ticks)
        self._bounds = _Bounds(ticks, low, high, np.asarray(span_ns, np.int64), drop_duplicates)
        self.counts = np.zeros((len(ticks), 2, len(REASONS)), np.int64)
        self.first_off_grid = np.full(len(ticks), np.nan)
        self._last = np.zeros((len(ticks), 2), raw.RAW)

    def clean(self, rows: arrays.Records) -> arrays.Records:
        """(K,) raw.RAW in order -> (<= K,) schema.EVENT in the same order."""
        out = np.empty(len(rows), schema.EVENT)
        kept = _clean(np.ascontiguousarray(rows), self._bounds, self._last, self.counts, self.first_off_grid, out)
        return out[:kept]

    def dropped(self, instrument: int) -> dict[str, int]:
        """{"quotes_crossed": count, ...} of one instrument, every reason that occurred."""
        return {
            f"{what}_{reason}": int(self.counts[instrument, kind, k])
            for kind, what in ((schema.QUOTE, "quotes"), (schema.TRADE, "trades"))
            for k, reason in enumerate(REASONS)
            if self.counts[instrument, kind, k]
        }


@jit.kernel
def _fault(row, low, high):
    """Index into REASONS of what is wrong with a row by itself, -1 where nothing is."""
    lo_missing, hi_missing = not np.isfinite(row.lo), not np.isfinite(row.hi)
    if lo_missing or hi_missing:
        return ONE_SIDED if lo_missing != hi_missing else NOT_FINITE
    if min(row.lo, row.hi) <= 0.0:
        return NOT_POSITIVE
    if row.lo > row.hi:
        return CROSSED
    if not (np.isfinite(row.lo_size) and np.isfinite(row.hi_size)):
        return NO_SIZE
    if min(row.lo_size, row.hi_size) <= 0.0:
        return NOT_POSITIVE
    if row.side == raw.WRONG_SIDE:
        return SIDE
    if row.lo < low or row.hi > high:
        return OUTLIER_ROW
    return -1


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
def _clean(rows, bounds, last, counts, first_off_grid, out):
    ticks, low, high, span, drop_duplicates = bounds
    kept = 0
    for k in range(len(rows)):
        row = rows[k]
        n, kind = row.instrument, row.kind
        fault = _fault(row, low[n], high[n])
        if fault < 0 and (row.ts < span[0] or row.ts > span[1]):
            fault = OUTSIDE
        # without an id two equal trades may both have happened; two equal quotes say the same
        repeatable = kind == schema.TRADE and row.sequence < 0
        if fault < 0 and drop_duplicates and not repeatable and _same(row, last[n, kind]):
            fault = DUPLICATE
        event = out[kept]
        if fault < 0:
            lo, hi = row.lo / ticks[n], row.hi / ticks[n]
            lo_near, hi_near = np.rint(lo), np.rint(hi)
            lo_off, hi_off = abs(lo - lo_near) > _ON_GRID, abs(hi - hi_near) > _ON_GRID
            event.lo_tick = np.int64(np.floor(lo) if lo_off else lo_near)
            event.hi_tick = np.int64(np.ceil(hi) if hi_off else hi_near)
            if kind == schema.QUOTE and (lo_off or hi_off):
                fault = OFF_GRID
                if np.isnan(first_off_grid[n]):
                    first_off_grid[n] = row.lo if lo_off else row.hi
            elif event.lo_tick < 1:
                fault = NOT_POSITIVE
        if fault >= 0:
            counts[n, kind, fault] += 1
            continue
        last[n, kind] = row
        event.ts = row.ts
        event.lo_size, event.hi_size = row.lo_size, row.hi_size
        event.instrument, event.kind, event.side = n, kind, row.side
        kept += 1
    return kept
