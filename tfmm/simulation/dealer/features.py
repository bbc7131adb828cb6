"""What the agent sees: dimensionless, causal features of one instrument at a decision.

Every feature uses events with ts <= t only. Scales (mean half-spread, volatility) come from train.
Averages are exponential with the time constants below, updated at every decision.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.simulation import state

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
)
DEFAULT = NAMES[:13]
"""What every market has. `time_left` is left out: a window that is merely over has no end to prepare for."""
DRIFT = NAMES.index("drift")

RETURN_S = (1.0, 5.0, 30.0)
FLOW_S = (5.0, 30.0)
VOLATILITY_S = 60.0
INVENTORY_S = 10.0
_TIMES_S = (*RETURN_S, *FLOW_S, VOLATILITY_S, INVENTORY_S)
_CLIP = 10.0
_QUEUE = state.TOUCH_QUEUE


def decays(interval_s):
    """(7,) float64: what is left of an average after one interval: returns, flows, volatility, inventory."""
    return np.exp(-interval_s / np.array(_TIMES_S))


@jit.kernel
def decay_over(interval_s, out):
    """`decays` of any interval, into out (7,)."""
    for k in range(len(_TIMES_S)):
        out[k] = math.exp(-interval_s / _TIMES_S[k])


@jit.kernel
def update(book, rules, decay, interval_s):
    """Brings the averages of one instrument up to a decision and empties the trade counters."""
    book.inventory_average = decay[6] * book.inventory_average + (1.0 - decay[6]) * book.inventory_lot
    if not book.has_market:
        return
    mid = 0.5 * (book.bid_tick + book.ask_tick)
    if not book.warm:
        book.warm = 1
        book.last_mid = mid
        for k in range(3):
            book.mid_average[k] = mid
        book.variance = rules.sigma_tick * rules.sigma_tick
    for k in range(3):
        book.mid_average[k] = decay[k] * book.mid_average[k] + (1.0 - decay[k]) * mid
    signed = book.buy_size - book.sell_size
    total = book.buy_size + book.sell_size
    for k in range(2):
        book.signed_flow[k] = decay[3 + k] * book.signed_flow[k] + (1.0 - decay[3 + k]) * signed
        book.total_flow[k] = decay[3 + k] * book.total_flow[k] + (1.0 - decay[3 + k]) * total
    move = mid - book.last_mid
    book.variance = decay[5] * book.variance + (1.0 - decay[5]) * move * move / interval_s
    book.last_mid = mid
    book.buy_size = 0.0
    book.sell_size = 0.0


@jit.kernel
def _clipped(x):
    return min(max(x, -_CLIP), _CLIP)


@jit.kernel
def _queue_share(ahead, lots, rules):
    if lots == 0 or rules.touch != _QUEUE:
        return 0.0
    return 1.0 if math.isinf(ahead) else ahead / (ahead + lots * rules.lot_size)


@jit.kernel
def observe(book, rules, time_left, synthetic, out):
    """Writes the features of one instrument, in the order of NAMES, into out (F,) float32.

    synthetic: mid of its synthetic quotes in ticks, NaN without.
    """
    out[:] = 0.0
    book.drift = 0.0
    out[0] = book.inventory_lot / rules.limit_lot
    out[13] = time_left
    out[19] = _clipped((book.inventory_lot - book.inventory_average) / rules.order_lot)
    out[14] = _queue_share(book.bid_ahead, book.my_bid_lot, rules)
    out[15] = _queue_share(book.ask_ahead, book.my_ask_lot, rules)
    if math.isfinite(rules.cash_limit) and rules.cash_limit > 0.0:
        out[16] = _clipped((book.cash - book.fees) / rules.cash_limit)
    if not book.has_market:
        return
    unit = rules.half_spread_tick
    mid = 0.5 * (book.bid_tick + book.ask_tick)
    out[1] = _clipped(math.log(max(book.ask_tick - book.bid_tick, 0.5) / (2.0 * unit)))
    out[2] = (book.bid_size - book.ask_size) / (book.bid_size + book.ask_size)
    for k in range(2):
        if book.total_flow[k] > 0.0:
            out[3 + k] = book.signed_flow[k] / book.total_flow[k]
    for k in range(3):
        scale = rules.sigma_tick * math.sqrt(RETURN_S[k])
        out[5 + k] = _clipped((mid - book.mid_average[k]) / scale)
    for k in range(6):
        out[17] += rules.drift[k] * out[2 + k]
    book.drift = out[17]
    out[8] = _clipped(0.5 * math.log(max(book.variance, 1e-12) / (rules.sigma_tick * rules.sigma_tick)))
    if not math.isnan(synthetic):
        out[18] = _clipped((mid - synthetic) / unit)
    if book.my_bid_lot > 0:
        out[9] = _clipped((mid - book.my_bid_tick) / unit)
        out[11] = 1.0
    if book.my_ask_lot > 0:
        out[10] = _clipped((book.my_ask_tick - mid) / unit)
        out[12] = 1.0
