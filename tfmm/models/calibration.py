"""Scales of an instrument, measured on train only."""

import msgspec
import numpy as np

from tfmm import errors
from tfmm.market import schema
from tfmm.simulation import state

SAMPLING_S = 10.0


class Scales(msgspec.Struct, frozen=True, kw_only=True):
    """What makes quantities dimensionless.

    Attributes:
        half_spread_tick: time-weighted mean half-spread, the unit of distances.
        sigma_tick: standard deviation of mid changes, tick per square root of a second, from changes
            over 10 s, long enough for the bounce between bid and ask to fade.
        order_lot: size of one order.
    """

    half_spread_tick: float
    sigma_tick: float
    order_lot: int


def calibrate(events, instruments, segments, order_size=0.0):
    """Measures the scales of every instrument.

    Args:
        events: (E,) schema.EVENT of the store. segments: the train segments.
        order_size: size unit; 0: the median trade.

    Returns:
        One Scales per instrument.

    Raises:
        DataError: no quotes, or no trades where the order size is to come from them.
        ConfigError: the order size is below one lot.
    """
    out = []
    for n, instrument in enumerate(instruments):
        weighted = seconds = squares = 0.0
        changes, sizes = 0, []
        for segment in segments:
            own = events[segment.start_row : segment.stop_row]
            own = own[own["instrument"] == n]
            sizes.append(own["lo_size"][own["kind"] == schema.TRADE])
            quotes = own[own["kind"] == schema.QUOTE]
            if len(quotes) < 2:
                continue
            lasting = np.diff(quotes["ts"]) * 1e-9
            spread = (quotes["hi_tick"] - quotes["lo_tick"])[:-1]
            weighted += 0.5 * float(spread @ lasting)
            seconds += float(lasting.sum())
            moves = np.diff(_sampled_mid(quotes))
            squares += float(moves @ moves)
            changes += len(moves)
        if seconds == 0:
            raise errors.DataError(f"train has no quotes of {instrument.symbol} that last, wanted at least two")
        sigma = np.sqrt(squares / changes / SAMPLING_S) if changes else 0.0
        out.append(
            Scales(
                half_spread_tick=max(weighted / seconds, 0.25),
                sigma_tick=max(float(sigma), 1e-3),
                order_lot=_order_lot(order_size, instrument, np.concatenate(sizes)),
            )
        )
    return tuple(out)


def parameters(scales, base, environment, limit_orders):
    """(N,) state.PARAMETERS for environments: fill rules plus scales.

    Args:
        scales: one Scales per instrument. base: (N,) parameters of the fill rules.
        environment: config.Environment. limit_orders: inventory limit in orders.
    """
    out = base.copy()
    for n, one in enumerate(scales):
        out["order_lot"][n] = one.order_lot
        out["limit_lot"][n] = one.order_lot * limit_orders
        out["half_spread_tick"][n] = one.half_spread_tick
        out["unit_tick"][n] = unit_tick(one, environment)
        out["sigma_tick"][n] = one.sigma_tick
        out["risk"][n] = environment.risk_aversion * one.half_spread_tick
    if environment.action == "skew_spread":
        out["action"] = state.SKEW_SPREAD
        out["skew_range"] = environment.skew_range
        out["range_low"], out["range_high"] = np.log(environment.half_spread_range)
    else:
        out["action"] = state.OFFSETS
        out["range_low"], out["range_high"] = environment.offset_range
    return out


def unit_tick(one, environment):
    """The unit of an action's distances, ticks; one: Scales, environment: config.Environment."""
    if environment.distance_unit == "half_spread":
        return one.half_spread_tick
    return one.sigma_tick * np.sqrt(environment.interval_s)


def reward_scale(scales):
    """Money of one reward unit: mean half-spread x order size, tick x lot; the mean over instruments."""
    return float(np.mean([one.half_spread_tick * one.order_lot for one in scales]))


def _sampled_mid(quotes):
    times = np.arange(quotes["ts"][0], quotes["ts"][-1], round(SAMPLING_S * 1e9))
    last = np.searchsorted(quotes["ts"], times, side="right") - 1
    return 0.5 * (quotes["lo_tick"][last] + quotes["hi_tick"][last])


def _order_lot(order_size, instrument, sizes):
    if order_size:
        lots = int(np.floor(order_size / instrument.lot_size + 1e-6))
        if lots < 1:
            raise errors.ConfigError(
                f"rules.order_size is {order_size:g}, wanted at least a lot of {instrument.symbol}, "
                f"{instrument.lot_size:g}"
            )
        return lots
    if not len(sizes):
        raise errors.DataError(f"train has no trades of {instrument.symbol}: set rules.order_size")
    return max(1, round(float(np.median(sizes)) / instrument.lot_size))
