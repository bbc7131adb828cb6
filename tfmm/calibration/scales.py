"""Scales of an instrument, measured on train alone."""

from collections.abc import Collection, Sequence
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tfmm import errors, jit
from tfmm.arrays import Ints, Records
from tfmm.config.environment import Environment
from tfmm.market import schema, splits, store

SAMPLING_S = 10.0
_BLOCK_ROWS = 1 << 21
_SUMS = ("weighted", "seconds", "squares", "changes", "mids", "shown")
_WEIGHTED, _LASTED, _SQUARES, _CHANGES, _MIDS, _SHOWN = range(len(_SUMS))
_LAST = ("seconds", "spread", "mid", "sampled_at", "sampled", "size")
_SECONDS, _SPREAD, _MID, _SAMPLED_AT, _SAMPLED, _SIZE = range(len(_LAST))


class Scales(msgspec.Struct, frozen=True, kw_only=True):
    """What makes quantities of one instrument dimensionless, and what is fitted for it on train.

    Attributes:
        half_spread_tick: time-weighted mean half-spread, the unit of distances.
        sigma_tick: standard deviation of mid changes, tick per square root of a second, from changes over 10 s, long
            enough for the bounce between bid and ask to fade.
        order_lot: size of one order.
        mid_tick: time-weighted mean mid, at which profits of inverse contracts are converted.
        touch_size_lot: time-weighted mean size displayed at a best price. traded_lot_s: mean size traded per second and
            side. Both 0 in policies of before they were measured.
        drift: (6,) coefficients of calibration.drift; empty where it is not fitted.
        reference_ask: (2 L + 1,) distance of the reference ask with inventories of -L, ..., L orders, in the unit of an
            action's distances; the bid's distance is that of the ask with the opposite inventory. Empty without
            environment.residual_range, or where environment.reference is state_dp.
        reference_cuts, reference_marginal_value, reference_fill_probability: where environment.reference is state_dp:
            (X - 1,) cuts between states of the spread, tick; (X, 2 L + 1) marginal value w of
            tfmm.simulation.dealer.optimal_tick for the ask, without drift, tick; (241,) fill probability at 0, .025,
            ..., 6 market spreads from the mid. Else empty.
    """

    half_spread_tick: float
    sigma_tick: float
    order_lot: int
    mid_tick: float = 0.0
    touch_size_lot: float = 0.0
    traded_lot_s: float = 0.0
    drift: tuple[float, ...] = ()
    reference_ask: tuple[float, ...] = ()
    reference_cuts: tuple[float, ...] = ()
    reference_marginal_value: tuple[tuple[float, ...], ...] = ()
    reference_fill_probability: tuple[float, ...] = ()


def calibrate(
    events: Records,
    instruments: Sequence[schema.Instrument],
    segments: Sequence[splits.Segment],
    order_size: npt.ArrayLike = 0.0,
    quoted: Ints | None = None,
) -> tuple[Scales, ...]:
    """Measures the scales of every instrument.

    Args:
        events: (E,) schema.EVENT of the store. segments: of train.
        order_size: size of one order, one number or one for each instrument; 0: the median trade.
        quoted: (Q,) int64 indices of the instruments that are quoted, None: all; an order of another one is one lot.

    Returns:
        One Scales per instrument.

    Raises:
        DataError: no quotes, or no trades where the order size is to come from them.
        ConfigError: the order size is below one lot.
    """
    count = len(instruments)
    if np.ndim(order_size) and np.size(order_size) != count:
        raise errors.ConfigError(f"rules.order_size has {np.size(order_size)} values, wanted 1 or {count}")
    order_sizes = np.broadcast_to(order_size, count)
    chosen: Collection[Any] = range(count) if quoted is None else quoted.tolist()
    sums = np.zeros((count, len(_SUMS)))
    sizes: list[dict[float, int]] = [{} for _ in instruments]
    for segment in segments:
        last = np.full((count, len(_LAST)), np.nan)
        for start in range(segment.start_row, segment.stop_row, _BLOCK_ROWS):
            block = events[start : min(start + _BLOCK_ROWS, segment.stop_row)]
            _measure(np.asarray(block), sums, last, SAMPLING_S)
            _count_sizes(block, sizes)
            store.release(events)
    out = []
    for n, instrument in enumerate(instruments):
        weighted, seconds, squares, changes, mids, shown = sums[n]
        if seconds == 0:
            raise errors.DataError(f"train has no quotes of {instrument.symbol} that last, wanted at least two")
        sigma = np.sqrt(squares / changes / SAMPLING_S) if changes else 0.0
        traded = sum(size * occurrences for size, occurrences in sizes[n].items())
        out.append(
            Scales(
                half_spread_tick=max(float(weighted / seconds), 0.25),
                sigma_tick=max(float(sigma), 1e-3),
                order_lot=_order_lot(float(order_sizes[n]), instrument, sizes[n]) if n in chosen else 1,
                mid_tick=float(mids / seconds),
                touch_size_lot=float(shown / seconds / instrument.lot_size),
                traded_lot_s=float(0.5 * traded / seconds / instrument.lot_size),
            )
        )
    return tuple(out)


def unit_tick(scales: Scales, environment: Environment) -> float:
    """The unit of an action's distances, ticks; 0: half the spread at the decision."""
    if environment.distance_unit == "spread":
        return 0.0
    if environment.distance_unit == "half_spread":
        return scales.half_spread_tick
    return scales.sigma_tick * float(np.sqrt(environment.interval_s))


def reward_scale(scales: Sequence[Scales], weights: npt.ArrayLike) -> float:
    """Money of one reward unit: mean half-spread x order size, averaged over instruments; tick x lot of the first.

    Args:
        scales: one for each instrument. weights: (N,) money of one tick x lot over that of the first instrument.
    """
    return float(np.mean([scale.half_spread_tick * scale.order_lot for scale in scales] * np.asarray(weights)))


@jit.kernel
def _measure(events, sums, last, sampling_s):
    """Adds a block to sums (N, _SUMS); last (N, _LAST) carries the state of a segment, NaN before its first quote."""
    for k in range(len(events)):
        event = events[k]
        if event.kind != schema.QUOTE:
            continue
        carried, total = last[event.instrument], sums[event.instrument]
        seconds = event.ts * 1e-9
        if np.isnan(carried[_SECONDS]):
            carried[_SAMPLED_AT] = seconds
            carried[_SAMPLED] = 0.5 * (event.lo_tick + event.hi_tick)
        else:
            lasted = seconds - carried[_SECONDS]
            total[_WEIGHTED] += 0.5 * carried[_SPREAD] * lasted
            total[_LASTED] += lasted
            total[_MIDS] += carried[_MID] * lasted
            total[_SHOWN] += carried[_SIZE] * lasted
            while carried[_SAMPLED_AT] + sampling_s < seconds:
                total[_SQUARES] += (carried[_MID] - carried[_SAMPLED]) ** 2
                total[_CHANGES] += 1
                carried[_SAMPLED] = carried[_MID]
                carried[_SAMPLED_AT] += sampling_s
        carried[_SECONDS] = seconds
        carried[_SPREAD] = event.hi_tick - event.lo_tick
        carried[_MID] = 0.5 * (event.lo_tick + event.hi_tick)
        carried[_SIZE] = 0.5 * (event.lo_size + event.hi_size)


def _count_sizes(block, sizes):
    """Adds how often each trade size occurs to one dict per instrument."""
    trades = block[block["kind"] == schema.TRADE]
    for n, occurrences in enumerate(sizes):
        values, counts = np.unique(trades["lo_size"][trades["instrument"] == n], return_counts=True)
        for value, count in zip(values.tolist(), counts.tolist(), strict=True):
            occurrences[value] = occurrences.get(value, 0) + count


def _order_lot(order_size, instrument, sizes):
    if order_size:
        lots = int(np.floor(order_size / instrument.lot_size + 1e-6))
        if lots < 1:
            raise errors.ConfigError(
                f"rules.order_size is {order_size:g}, wanted at least a lot of {instrument.symbol}, "
                f"{instrument.lot_size:g}"
            )
        return lots
    if not sizes:
        raise errors.DataError(f"train has no trades of {instrument.symbol}: set rules.order_size")
    return max(1, round(_median(sizes) / instrument.lot_size))


def _median(counts):
    """Median of values given as {value: how often}."""
    values = np.array(sorted(counts))
    upto = np.cumsum([counts[value] for value in values.tolist()])
    middle = [values[np.searchsorted(upto, rank, side="right")] for rank in ((upto[-1] - 1) // 2, upto[-1] // 2)]
    return float(np.mean(middle))
