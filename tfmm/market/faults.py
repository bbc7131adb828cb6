"""What is wrong with a raw row, by itself and beside the rows before it."""

import numpy as np

from tfmm import jit
from tfmm.arrays import Record
from tfmm.market import raw, schema

REASONS = (
    "not_finite",  # no price
    "one_sided",  # a quote with the size of a side but not its price
    "not_positive",  # a price or size of zero or less
    "crossed",  # bid above ask
    "no_size",  # a size is missing
    "side",  # a trade whose side is no known word
    "outlier",  # a price further from the session's median than OUTLIER times, unless the market went there
    "off_grid",  # a quote between two ticks
    "duplicate",  # the same row again, by the venue's id or as the next quote
    "outside_span",  # before the first or after the last quote of all instruments
)
NOT_FINITE, ONE_SIDED_ROW, NOT_POSITIVE, CROSSED, NO_SIZE, SIDE, OUTLIER_ROW, OFF_GRID, DUPLICATE, OUTSIDE = range(
    len(REASONS)
)
NOT_BAD = ("duplicate", "outside_span")  # dropped, but no sign of wrong data
OUTLIER = 10.0
LARGEST_TICK = 2.0**53  # above, float64 skips whole numbers
ON_GRID = 1e-4  # ticks; a price further from a tick is between two
_ROUNDING = 4 * 2.0**-52  # of a price in ticks, relative: rounding of price, tick size and their quotient
_FOLLOWS = 2.0  # a price within this factor of the last one is where the market went
_NEAR_SPREADS = 20.0  # likewise in spreads of the last quote, near and across zero
_ENOUGH = 3  # quotes in a row, alike, that are no accident

NOTED = np.dtype(
    [
        ("off_grid_px", np.float64),  # the first quote price between two ticks, NaN without one
        ("one_sided", np.int64),  # quotes of a one-sided market, kept
        ("unknown", np.int64),  # times that the market became unknown
        # quotes of zero or less that are no accident, dropped: the first one, how many
        ("not_positive", np.int64),
        ("not_positive_ns", np.int64),
        ("not_positive_px", np.float64),
        # prices OUTLIER times from the median to which the market went, kept: the first one, how many
        ("far", np.int64),
        ("far_ns", np.int64),
        ("far_px", np.float64),
    ]
)
"""What a cleaner notes of an instrument."""
MEMORY = np.dtype(
    [
        ("is_unknown", np.int64),  # no market stands
        ("mid", np.float64),  # of the last true quote, NaN before the first
        ("spread", np.float64),
        ("outlier", np.float64),  # mid of the outlier before, of how many alike in a row
        ("outliers", np.int64),
        ("not_positive", np.int64),  # quotes of zero or less in a row
    ]
)
"""What a cleaner remembers of an instrument from row to row."""


@jit.kernel
def _is_empty(px, size):
    """Whether nobody quotes: no price, and no size either."""
    return not px > 0.0 and not size > 0.0 and not px < 0.0


@jit.kernel
def fault(row: Record) -> tuple[int, int]:
    """Index into REASONS of what is wrong with a row by itself, -1 where nothing is; and its kind of event."""
    lo_empty, hi_empty = _is_empty(row.lo, row.lo_size), _is_empty(row.hi, row.hi_size)
    if row.kind == schema.QUOTE and lo_empty != hi_empty:
        px, size = (row.hi, row.hi_size) if lo_empty else (row.lo, row.lo_size)
        if np.isfinite(px) and px > 0.0 and np.isfinite(size) and size > 0.0:
            return -1, schema.ONE_SIDED
    lo_missing, hi_missing = not np.isfinite(row.lo), not np.isfinite(row.hi)
    if lo_missing or hi_missing:
        return (ONE_SIDED_ROW if lo_missing != hi_missing else NOT_FINITE), row.kind
    if min(row.lo, row.hi) <= 0.0:
        return NOT_POSITIVE, row.kind
    if row.lo > row.hi:
        return CROSSED, row.kind
    if not (np.isfinite(row.lo_size) and np.isfinite(row.hi_size)):
        return NO_SIZE, row.kind
    if min(row.lo_size, row.hi_size) <= 0.0:
        return NOT_POSITIVE, row.kind
    if row.side == raw.WRONG_SIDE:
        return SIDE, row.kind
    return -1, row.kind


@jit.kernel
def _between(px_tick):
    """Whether a price, in ticks, lies between two of them."""
    return abs(px_tick - np.rint(px_tick)) > max(ON_GRID, _ROUNDING * px_tick)


@jit.kernel
def set_prices(event: Record, row: Record, tick: float, noted: Record) -> int:
    """Writes the ticks and sizes of a row whose numbers are fine; returns OFF_GRID, NOT_POSITIVE, OUTLIER_ROW or -1."""
    lo, hi = row.lo / tick, row.hi / tick
    has_lo, has_hi = True, True
    if event.kind == schema.ONE_SIDED:
        has_lo, has_hi = row.lo > 0.0, row.hi > 0.0
    if (has_lo and lo > LARGEST_TICK) or (has_hi and hi > LARGEST_TICK):
        return OUTLIER_ROW
    lo_off, hi_off = has_lo and _between(lo), has_hi and _between(hi)
    if event.kind != schema.TRADE and (lo_off or hi_off):
        if np.isnan(noted.off_grid_px):
            noted.off_grid_px = row.lo if lo_off else row.hi
        return OFF_GRID
    event.lo_tick, event.hi_tick, event.lo_size, event.hi_size = schema.NO_BID, schema.NO_ASK, 0.0, 0.0
    if has_lo:
        event.lo_tick, event.lo_size = np.int64(np.floor(lo) if lo_off else np.rint(lo)), row.lo_size
        if event.lo_tick < 1:
            return NOT_POSITIVE
    if has_hi:
        event.hi_tick, event.hi_size = np.int64(np.ceil(hi) if hi_off else np.rint(hi)), row.hi_size
    return -1


@jit.kernel
def is_far(row: Record, low: float, high: float) -> bool:
    """Whether a price is beyond the bounds; that of an empty side is not."""
    return 0.0 < row.lo < low or row.lo > high or 0.0 < row.hi < low or row.hi > high


@jit.kernel
def _alike(row, px, spread):
    """Whether all prices of a row follow a price, at which the spread was known."""
    room = _NEAR_SPREADS * spread
    return row.lo >= min(px / _FOLLOWS, px - room) and row.hi <= max(px * _FOLLOWS, px + room)


@jit.kernel
def judge_far(row: Record, memory: Record, noted: Record) -> int:
    """OUTLIER_ROW, or -1 for a price to which the market went: from its last quote, or several in a row alike."""
    follows = _alike(row, memory.mid, memory.spread)
    if row.kind == schema.QUOTE and not follows:
        memory.outliers = memory.outliers + 1 if _alike(row, memory.outlier, 0.0) else 1
        memory.outlier = 0.5 * (row.lo + row.hi)
        follows = memory.outliers >= _ENOUGH
    if not follows:
        return OUTLIER_ROW
    if row.kind == schema.QUOTE:
        if noted.far == 0:
            noted.far_ns, noted.far_px = row.ts, row.lo
        noted.far += 1
    return -1


@jit.kernel
def judge_not_positive(row: Record, memory: Record, noted: Record) -> None:
    """Notes quotes of zero or less that the market came to, or that stand several times in a row."""
    if not (row.lo <= row.hi and row.lo_size > 0.0 and row.hi_size > 0.0) or min(row.lo, row.hi) > 0.0:
        return
    memory.not_positive += 1
    near = abs(0.5 * (row.lo + row.hi) - memory.mid) <= _NEAR_SPREADS * memory.spread
    if near or noted.not_positive > 0 or memory.not_positive >= _ENOUGH:
        if noted.not_positive == 0:
            noted.not_positive_ns, noted.not_positive_px = row.ts, row.lo
            noted.not_positive = memory.not_positive - 1
        noted.not_positive += 1
