"""From an action to the quote that is sent: the parameterisations and raw distances."""

import math

import numpy as np

from tfmm import jit
from tfmm.simulation import interpolation, state
from tfmm.simulation.dealer import optimal_tick

_SKEW_SPREAD, _OFFSETS, _DISTANCES = state.SKEW_SPREAD, state.OFFSETS, state.DISTANCES
_CORRECTIONS, _TICK_CORRECTIONS, _LOCKED_TICK = state.CORRECTIONS, state.TICK_CORRECTIONS, state.LOCKED_TICK
_TOUCH, _SYNTHETIC = state.REFERENCE_TOUCH, state.REFERENCE_SYNTHETIC
_ON_TICK = 1e-6
ACTION_NAMES = {"skew_spread": ("skew", "half_spread"), "offsets": ("ask_offset", "bid_offset")}
CORRECTION_NAMES = {
    "inventory_dp": ("ask_correction", "bid_correction"),
    "state_dp": ("ask_tick_correction", "bid_tick_correction"),
}
SIZE_NAMES = ("ask_size", "bid_size")
HEDGE_NAMES = ("hedge",)
MEANINGS = {
    "skew": "m' = m exp(a skew_range u / m)",
    "half_spread": "ask, bid = m' +/- u exp(l + (a + 1)/2 (h - l)), l and h the logs of half_spread_range",
    "ask_offset": "ask = m + u (l + (a + 1)/2 (h - l)), l and h of offset_range",
    "bid_offset": "bid = m - u (l + (a + 1)/2 (h - l)), l and h of offset_range",
    "ask_correction": "ask = m + u (b(Q) + residual a)",
    "bid_correction": "bid = m - u (b(-Q) + residual a)",
    "ask_tick_correction": "ask = m + d; d >= 1 - S/2 with m + d a whole tick, that maximises "
    "P(d/S) (d + w(Q, S) - drift H - u residual a)",
    "bid_tick_correction": "bid = m - d; d as of the ask with -Q and -drift",
    "ask_size": "1 + a orders",
    "bid_size": "1 + a orders",
    "hedge": "share of the inventory that is closed at the market before the quotes are sent, none below 0",
}
"""What a component a in [-1, 1] of an action stands for: m the reference, u the unit of distance_unit, Q the orders
held, b(-L), ..., b(L) the base_ask of an instrument's scales, linear between whole orders. See quote_prices. S is the
market's spread, P the base_chance of the scales, w their base_worth in the part of the line that base_cuts put S in, H
their half_spread_tick; ticks. See tfmm.simulation.dealer.optimal_tick."""


def padded(distances, width):
    """(B, N, width) of (B, N, A) raw distances: a rule that gives no hedge does not hedge."""
    if np.ndim(distances) != 3 or np.shape(distances)[2] >= width:
        return distances
    return np.pad(distances, ((0, 0), (0, 0), (0, width - np.shape(distances)[2])))


@jit.kernel
def synthetic_mid(books, n, rules):
    """Mid of an instrument's synthetic quotes in its own ticks; NaN without them."""
    m = rules[n].synthetic
    if m < 0 or not books[m].has_market:
        return math.nan
    return 0.5 * (books[m].bid_tick + books[m].ask_tick) * rules[n].synthetic_ratio


@jit.kernel
def quote_prices(kind, mid, unit, rules, orders, first, second):
    """Prices (tick, float) of the quote that an action in [-1, 1]^2 of a kind (state.OFFSETS, ...) stands for.

    With u the unit of distances and m the reference price, both in ticks, and Q the inventory in orders:
    skew_spread: m' = m exp(first skew_range u / m), ask, bid = m' +/- u exp(low + (second + 1)/2 (high - low));
    offsets: ask = m + u d(first), bid = m - u d(second), d(a) = low + (a + 1)/2 (high - low);
    corrections: ask = m + u (b(Q) + r first), bid = m - u (b(-Q) + r second), b: base_ask, r: residual of the rules;
    distances: ask = m + first, bid = m - second, in ticks; NaN: no quote on that side.

    Returns:
        bid, ask.
    """
    low, width = rules.range_low, rules.range_high - rules.range_low
    if kind == _SKEW_SPREAD:
        shifted = mid * math.exp(first * rules.skew_range * unit / mid)
        half = unit * math.exp(low + 0.5 * (second + 1.0) * width)
        return shifted - half, shifted + half
    if kind == _OFFSETS:
        ask = mid + unit * (low + 0.5 * (first + 1.0) * width)
        return mid - unit * (low + 0.5 * (second + 1.0) * width), ask
    if kind == _CORRECTIONS:
        ask = mid + unit * (interpolation.between(rules.base_ask, orders) + rules.residual_range * first)
        return mid - unit * (interpolation.between(rules.base_ask, -orders) + rules.residual_range * second), ask
    return mid - second, mid + first


@jit.kernel
def _lots(rules, action):
    """Size of a side whose action component is in [-1, 1]: none, one order at 0, two at 1."""
    return np.int64(rules.order_lot * (1.0 + min(max(action, -1.0), 1.0)) + 0.5)


@jit.kernel
def _unit(book, rules):
    """What an action's distances are multiples of, ticks."""
    return rules.unit_tick if rules.unit_tick > 0.0 else 0.5 * max(float(book.ask_tick - book.bid_tick), _LOCKED_TICK)


@jit.kernel
def moved(book, rules, then_lot, out):
    """Writes into out (2,) by how much corrections of ask and bid would have to be larger for the quotes that an
    inventory of then_lot would have had."""
    now_lot = book.inventory_lot
    for k, held in enumerate((now_lot, then_lot)):
        book.inventory_lot, sign = held, 2.0 * k - 1.0
        if rules.base == _TICK_CORRECTIONS:
            sale, purchase = optimal_tick.worth(book, rules, held / rules.order_lot)
            out[0], out[1] = out[0] - sign * sale, out[1] - sign * purchase
        else:
            bid, ask = prices(book, rules, rules.base, 0.0, 0.0, 0.0)
            out[0], out[1] = out[0] + sign * ask, out[1] - sign * bid
    book.inventory_lot = now_lot
    for k in range(2):
        out[k] /= _unit(book, rules) * rules.residual_range


@jit.kernel
def prices(book, rules, kind, first, second, synthetic):
    """Prices (tick, float) of a kind of action in a book's market, bid and ask. synthetic: see synthetic_mid."""
    below = above = 0.5 * (book.bid_tick + book.ask_tick)
    unit, orders = _unit(book, rules), book.inventory_lot / rules.order_lot
    if kind == _TICK_CORRECTIONS:
        sale, purchase = optimal_tick.worth(book, rules, orders)
        width = unit * rules.residual_range
        ask, bid = optimal_tick.distances(book, rules, sale - width * first, purchase - width * second)
        return below - bid, above + ask
    if kind != _DISTANCES and rules.reference == _TOUCH:
        below, above = float(book.bid_tick), float(book.ask_tick)
    elif kind != _DISTANCES and rules.reference == _SYNTHETIC:
        below = above = synthetic
    bid, ask = quote_prices(kind, below, unit, rules, orders, first, second)
    if above != below:
        _, ask = quote_prices(kind, above, unit, rules, orders, first, second)
    return bid, ask


@jit.kernel
def bid_on_tick(price):
    """Rounded down to a whole tick."""
    return math.floor(price + _ON_TICK)


@jit.kernel
def ask_on_tick(price):
    """Rounded up to a whole tick."""
    return math.ceil(price - _ON_TICK)


@jit.kernel
def send(book, ring, rules, ts, action, synthetic):
    """Puts the quote of an action (2,), or (4,) with sizes, on its way; an empty one without a market or a reference.

    synthetic: see synthetic_mid. Returns the ORDER.
    """
    order = ring[book.tail % ring.shape[0]]
    order.active_ns = ts + rules.latency_ns
    order.bid_tick = 0
    order.ask_tick = 0
    order.bid_lot = 0
    order.ask_lot = 0
    if book.has_market and rules.quoted:
        bid, ask = prices(book, rules, rules.action, action[0], action[1], synthetic)
        if not math.isnan(bid):
            order.bid_tick = bid_on_tick(bid)
            order.bid_lot = _lots(rules, action[3]) if rules.sizes else rules.order_lot
        if not math.isnan(ask):
            order.ask_tick = ask_on_tick(ask)
            order.ask_lot = _lots(rules, action[2]) if rules.sizes else rules.order_lot
    book.tail += 1
    return order
