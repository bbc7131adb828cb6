"""The features of one instrument at a decision: dimensionless and causal.

Every feature uses events with ts <= t only. Scales (mean half-spread, volatility) come from train.
Averages are exponential with the time constants below, updated at every decision.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats32, Record, Records
from tfmm.simulation import sizes, state

NAMES = (
    "inventory",  # Q / limit
    "spread",  # log of spread / (2 x mean half-spread), locked counts as half a tick
    "imbalance",  # (bid size - ask size) / (bid size + ask size)
    "flow_5s",  # buy minus sell volume over total, averaged over 5 s
    "flow_30s",
    "return_1s",  # mid minus its 1 s average, in sigma x sqrt(1 s)
    "return_5s",
    "return_30s",
    "volatility",  # log of 60 s volatility / sigma
    "bid_distance",  # mid minus our live bid, in mean half-spreads; 0 without one
    "ask_distance",
    "bid_live",  # 1 if a bid is resting, else 0
    "ask_live",
    "time_left",  # share of the window still to come
    "bid_queue",  # size before us at our bid over that and our own, touch = queue; 1 behind an unknown queue, 0 without
    "ask_queue",
    "cash",  # cash after fees over the cash limit; 0 without a limit
    "drift",  # move of the mid expected over the next 10 s (tfmm.calibration.drift), in mean half-spreads
    "synthetic_deviation",  # mid minus the mid of the synthetic quotes, in mean half-spreads; 0 without them
    "inventory_change",  # Q minus its 10 s average, in orders: what has just been traded
    "bid_depth",  # log of the size at the best bid over the mean size at a best price
    "ask_depth",
    "bid_ahead",  # size before us at our bid over that and what is traded in 10 s; 1 behind an unknown queue, 0 without
    "ask_ahead",
)
OWN = (
    "inventory", "bid_distance", "ask_distance", "bid_live", "ask_live", "bid_queue", "ask_queue", "cash",
    "inventory_change", "bid_ahead", "ask_ahead",
)  # fmt: skip
"""Features of the dealer, 0 without inventory and quotes; no action changes the others."""
DEFAULT = NAMES[:13]
"""What every market has. `time_left` is left out: a window that is merely over has no end to prepare for."""
INVENTORY, SPREAD, IMBALANCE, FLOW, RETURN, VOLATILITY, BID_DISTANCE, ASK_DISTANCE, BID_LIVE, ASK_LIVE, TIME_LEFT = (
    NAMES.index(name)
    for name in (
        "inventory", "spread", "imbalance", "flow_5s", "return_1s", "volatility", "bid_distance", "ask_distance",
        "bid_live", "ask_live", "time_left",
    )
)  # fmt: skip
BID_QUEUE, ASK_QUEUE, CASH, DRIFT, SYNTHETIC_DEVIATION, INVENTORY_CHANGE = (
    NAMES.index(name) for name in ("bid_queue", "ask_queue", "cash", "drift", "synthetic_deviation", "inventory_change")
)
BID_DEPTH, ASK_DEPTH, BID_AHEAD, ASK_AHEAD = (
    NAMES.index(name) for name in ("bid_depth", "ask_depth", "bid_ahead", "ask_ahead")
)
"""Columns of an observation; FLOW and RETURN are the first of several."""

RETURN_S = (1.0, 5.0, 30.0)
FLOW_S = (5.0, 30.0)
VOLATILITY_S = 60.0
INVENTORY_S = 10.0
TRADED_S = 10.0
_CLIP = 10.0
_QUEUE = state.TOUCH_QUEUE


def decays(interval_s: float) -> Records:
    """(1,) state.DECAYS: what is left of the averages after one interval."""
    out = np.zeros(1, state.DECAYS)
    out["returns"], out["flows"] = np.exp(-interval_s / np.array(RETURN_S)), np.exp(-interval_s / np.array(FLOW_S))
    out["volatility"], out["inventory"] = np.exp(-interval_s / VOLATILITY_S), np.exp(-interval_s / INVENTORY_S)
    return out


@jit.kernel
def decay_over(interval_s: float, out: Record) -> None:
    """`decays` of any interval, into a record of state.DECAYS."""
    for k in range(len(RETURN_S)):
        out.returns[k] = math.exp(-interval_s / RETURN_S[k])
    for k in range(len(FLOW_S)):
        out.flows[k] = math.exp(-interval_s / FLOW_S[k])
    out.volatility = math.exp(-interval_s / VOLATILITY_S)
    out.inventory = math.exp(-interval_s / INVENTORY_S)


@jit.kernel
def copy_decays(source: Record, out: Record) -> None:
    """Copies a record of state.DECAYS."""
    for k in range(len(RETURN_S)):
        out.returns[k] = source.returns[k]
    for k in range(len(FLOW_S)):
        out.flows[k] = source.flows[k]
    out.volatility, out.inventory = source.volatility, source.inventory


@jit.kernel
def update(instrument: Record, parameters: Record, decays: Record, interval_s: float) -> None:
    """Brings the averages of one instrument up to a decision and empties the trade counters."""
    left = decays.inventory
    instrument.inventory_average = left * instrument.inventory_average + (1.0 - left) * instrument.inventory_lot
    if not instrument.has_market:
        return
    mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    if not instrument.warm:
        instrument.warm = 1
        instrument.last_mid = mid
        for k in range(3):
            instrument.mid_average[k] = mid
        instrument.variance = parameters.sigma_tick * parameters.sigma_tick
    for k in range(3):
        left = decays.returns[k]
        instrument.mid_average[k] = left * instrument.mid_average[k] + (1.0 - left) * mid
    signed = instrument.buy_size - instrument.sell_size
    total = instrument.buy_size + instrument.sell_size
    for k in range(2):
        left = decays.flows[k]
        instrument.signed_flow[k] = left * instrument.signed_flow[k] + (1.0 - left) * signed
        instrument.total_flow[k] = left * instrument.total_flow[k] + (1.0 - left) * total
    move, left = mid - instrument.last_mid, decays.volatility
    instrument.variance = left * instrument.variance + (1.0 - left) * move * move / interval_s
    instrument.last_mid = mid
    instrument.buy_size = 0.0
    instrument.sell_size = 0.0


@jit.kernel
def _clipped(x):
    return min(max(x, -_CLIP), _CLIP)


@jit.kernel
def _queue_share(ahead, lots, than_lot, parameters):
    """Size before a quote over that and a number of lots."""
    if lots == 0 or parameters.touch != _QUEUE or than_lot <= 0.0:
        return 0.0
    return 1.0 if ahead == sizes.UNKNOWN else ahead / (ahead + than_lot * sizes.LOT)


@jit.kernel
def _depth(size, parameters):
    """Logarithm of a displayed size over the mean one."""
    lots = size / parameters.lot_size
    if lots <= 0.0 or parameters.touch_size_lot <= 0.0:
        return 0.0
    return _clipped(math.log(lots / parameters.touch_size_lot))


@jit.kernel
def observe(instrument: Record, parameters: Record, time_left: float, synthetic: float, out: Floats32) -> None:
    """Writes the features of one instrument, in the order of NAMES, into out (F,) float32.

    synthetic: mid of its synthetic quotes in ticks, NaN without.
    """
    out[:] = 0.0
    instrument.drift = 0.0
    out[INVENTORY] = instrument.inventory_lot / parameters.limit_lot
    out[TIME_LEFT] = time_left
    change = instrument.inventory_lot - instrument.inventory_average
    out[INVENTORY_CHANGE] = _clipped(change / parameters.order_lot)
    bid_lot, ask_lot = instrument.my_bid_lot, instrument.my_ask_lot
    out[BID_QUEUE] = _queue_share(instrument.bid_ahead, bid_lot, bid_lot, parameters)
    out[ASK_QUEUE] = _queue_share(instrument.ask_ahead, ask_lot, ask_lot, parameters)
    traded_lot = TRADED_S * parameters.traded_lot_s
    out[BID_AHEAD] = _queue_share(instrument.bid_ahead, bid_lot, traded_lot, parameters)
    out[ASK_AHEAD] = _queue_share(instrument.ask_ahead, ask_lot, traded_lot, parameters)
    if math.isfinite(parameters.cash_limit) and parameters.cash_limit > 0.0:
        out[CASH] = _clipped((instrument.cash - instrument.fees) / parameters.cash_limit)
    if not instrument.has_market:
        return
    unit = parameters.half_spread_tick
    mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    out[SPREAD] = _clipped(math.log(max(instrument.ask_tick - instrument.bid_tick, 0.5) / (2.0 * unit)))
    out[BID_DEPTH], out[ASK_DEPTH] = _depth(instrument.bid_size, parameters), _depth(instrument.ask_size, parameters)
    out[IMBALANCE] = (instrument.bid_size - instrument.ask_size) / (instrument.bid_size + instrument.ask_size)
    for k in range(2):
        if instrument.total_flow[k] > 0.0:
            out[FLOW + k] = instrument.signed_flow[k] / instrument.total_flow[k]
    for k in range(3):
        scale = parameters.sigma_tick * math.sqrt(RETURN_S[k])
        out[RETURN + k] = _clipped((mid - instrument.mid_average[k]) / scale)
    for k in range(6):
        out[DRIFT] += parameters.drift[k] * out[IMBALANCE + k]
    instrument.drift = out[DRIFT]
    variance = max(instrument.variance, 1e-12) / (parameters.sigma_tick * parameters.sigma_tick)
    out[VOLATILITY] = _clipped(0.5 * math.log(variance))
    if not math.isnan(synthetic):
        out[SYNTHETIC_DEVIATION] = _clipped((mid - synthetic) / unit)
    if instrument.my_bid_lot > 0:
        out[BID_DISTANCE] = _clipped((mid - instrument.my_bid_tick) / unit)
        out[BID_LIVE] = 1.0
    if instrument.my_ask_lot > 0:
        out[ASK_DISTANCE] = _clipped((instrument.my_ask_tick - mid) / unit)
        out[ASK_LIVE] = 1.0
