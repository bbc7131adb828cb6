"""From an action to the quote that is sent: the parameterisations and raw distances."""

import math

import numpy as np

from tfmm import jit
from tfmm.arrays import Array, Floats, Record, Records
from tfmm.simulation import interpolation, price_steps, state
from tfmm.simulation.dealer import optimal_tick

_SKEW_SPREAD, _OFFSETS, _DISTANCES, _TICKS = state.SKEW_SPREAD, state.OFFSETS, state.DISTANCES, state.TICKS
_RESIDUAL_INVENTORY_DP, _RESIDUAL_STATE_DP = state.RESIDUAL_INVENTORY_DP, state.RESIDUAL_STATE_DP
_LOCKED_TICK = state.LOCKED_TICK
_TOUCH, _SYNTHETIC = state.REFERENCE_TOUCH, state.REFERENCE_SYNTHETIC
_ON_TICK = 1e-6
_LARGEST_TICK = 2.0**53  # above, float64 skips whole numbers
ACTION_NAMES = {
    "skew_spread": ("skew", "half_spread"),
    "offsets": ("ask_offset", "bid_offset"),
    "ticks": ("ask_ticks", "bid_ticks"),
}
RESIDUAL_NAMES = {
    "inventory_dp": ("ask_residual", "bid_residual"),
    "state_dp": ("ask_tick_residual", "bid_tick_residual"),
}
SIZE_NAMES = ("ask_size", "bid_size")
HEDGE_NAMES = ("hedge",)
MEANINGS = {
    "skew": "m' = m exp(a skew_range u / m)",
    "half_spread": "ask, bid = m' +/- u exp(l + (a + 1)/2 (h - l)), l and h the logs of half_spread_range",
    "ask_offset": "ask = m + u (l + (a + 1)/2 (h - l)), l and h of offset_range",
    "bid_offset": "bid = m - u (l + (a + 1)/2 (h - l)), l and h of offset_range",
    "ask_ticks": "ask = best ask + l + (a + 1)/2 (h - l) price steps, l and h of tick_range, in whole steps and never "
    "at the best bid; one that rests within half a step and keep_ticks of it stays",
    "bid_ticks": "bid = best bid - l - (a + 1)/2 (h - l) price steps, likewise",
    "ask_residual": "ask = m + u (b(Q) + residual_range a)",
    "bid_residual": "bid = m - u (b(-Q) + residual_range a)",
    "ask_tick_residual": "ask = m + d; d >= 1 - S/2 with m + d a whole tick, that maximises "
    "P(d/S) (d + w(Q, S) - drift H - u residual_range a)",
    "bid_tick_residual": "bid = m - d; d as of the ask with -Q and -drift",
    "ask_size": "1 + a orders",
    "bid_size": "1 + a orders",
    "hedge": "share of the inventory that is closed at the market before the quotes are sent, none below 0",
}
"""What a component a in [-1, 1] of an action means. All in ticks: m the reference price, u the unit of distance_unit,
S the market's spread, H the mean half-spread of train; Q the inventory in orders. Of an instrument's scales: b is
reference_ask, linear between whole orders; P reference_fill_probability; w reference_marginal_value in the state of
the spread that reference_cuts give. See quote_prices and tfmm.simulation.dealer.optimal_tick."""


def padded(distances: Array, width: int) -> Array:
    """(B, N, width) of (B, N, A) raw distances: zeros, which hedge nothing, where a policy gives no hedge."""
    if np.ndim(distances) != 3 or np.shape(distances)[2] >= width:
        return distances
    return np.pad(distances, ((0, 0), (0, 0), (0, width - np.shape(distances)[2])))


@jit.kernel
def synthetic_mid(instruments: Records, n: int, parameters: Records) -> float:
    """Mid of instrument n's synthetic quotes in ticks of n; NaN without them."""
    m = parameters[n].synthetic
    if m < 0 or not instruments[m].has_market:
        return math.nan
    return 0.5 * (instruments[m].bid_tick + instruments[m].ask_tick) * parameters[n].synthetic_ratio


@jit.kernel
def quote_prices(
    kind: int, mid: float, unit: float, parameters: Record, orders: float, first: float, second: float
) -> tuple[float, float]:
    """Prices (tick, float) of the quote that an action in [-1, 1]^2 stands for; of TICKS see price_on_steps.

    With m = mid the reference price and u = unit that of distances, both in ticks, and Q = orders the inventory:
    SKEW_SPREAD: m' = m exp(first skew_range u / m), ask, bid = m' +/- u exp(low + (second + 1)/2 (high - low));
    OFFSETS: ask = m + u d(first), bid = m - u d(second), d(a) = low + (a + 1)/2 (high - low);
    RESIDUAL_INVENTORY_DP: ask = m + u (b(Q) + r first), bid = m - u (b(-Q) + r second), b: reference_ask,
    r: residual_range;
    DISTANCES: ask = m + first, bid = m - second, in ticks; NaN: no quote on that side.

    Args:
        kind: of action, state.SKEW_SPREAD, ....

    Returns:
        bid, ask.
    """
    low, width = parameters.range_low, parameters.range_high - parameters.range_low
    if kind == _SKEW_SPREAD:
        shifted = mid * math.exp(first * parameters.skew_range * unit / mid)
        half = unit * math.exp(low + 0.5 * (second + 1.0) * width)
        return shifted - half, shifted + half
    if kind == _OFFSETS:
        ask = mid + unit * (low + 0.5 * (first + 1.0) * width)
        return mid - unit * (low + 0.5 * (second + 1.0) * width), ask
    if kind == _RESIDUAL_INVENTORY_DP:
        table, residual_range = parameters.reference_ask, parameters.residual_range
        ask = mid + unit * (interpolation.interpolate(table, orders) + residual_range * first)
        return mid - unit * (interpolation.interpolate(table, -orders) + residual_range * second), ask
    return mid - second, mid + first


@jit.kernel
def _lots(parameters, action):
    """Size of a side whose action component is in [-1, 1]: none, one order at 0, two at 1; none of NaN."""
    if math.isnan(action):
        return 0
    return np.int64(parameters.order_lot * (1.0 + min(max(action, -1.0), 1.0)) + 0.5)


@jit.kernel
def _unit(instrument, parameters):
    """Unit of an action's distances, tick."""
    if parameters.unit_tick > 0.0:
        return parameters.unit_tick
    return 0.5 * max(float(instrument.ask_tick - instrument.bid_tick), _LOCKED_TICK)


@jit.kernel
def add_residual_shift(instrument: Record, parameters: Record, then_lot: int, out: Floats) -> None:
    """Adds to out (2,) what residuals of ask and bid need for the quotes that the inventory then_lot would have had."""
    now_lot = instrument.inventory_lot
    for k, inventory_lot in enumerate((now_lot, then_lot)):
        instrument.inventory_lot, sign = inventory_lot, 2.0 * k - 1.0
        if parameters.reference_quote == _RESIDUAL_STATE_DP:
            orders = inventory_lot / parameters.order_lot
            sale, purchase = optimal_tick.marginal_values(instrument, parameters, orders)
            out[0], out[1] = out[0] - sign * sale, out[1] - sign * purchase
        else:
            bid, ask = prices(instrument, parameters, parameters.reference_quote, 0.0, 0.0, 0.0)
            out[0], out[1] = out[0] + sign * ask, out[1] - sign * bid
    instrument.inventory_lot = now_lot
    for k in range(2):
        out[k] /= _unit(instrument, parameters) * parameters.residual_range


@jit.kernel
def price_on_steps(wanted: float, live: int, is_live: bool, keep: float) -> float:
    """Steps behind the best price at which a side is quoted by action `ticks`: the whole number nearest to `wanted`.

    Args:
        wanted: steps behind the best price. live: steps at which a quote rests, which stays within 1/2 + keep of it.
    """
    if is_live and abs(live - wanted) <= 0.5 + keep:
        return float(live)
    return math.floor(wanted + 0.5)


@jit.kernel
def _prices_on_steps(instrument, parameters, first, second):
    """bid, ask of action `ticks`: a price never reaches the other side of the market, however wide the range."""
    step = max(instrument.price_step, 1)
    low, width = parameters.range_low, parameters.range_high - parameters.range_low
    spread = (instrument.ask_tick - instrument.bid_tick) / step
    nearest = 1.0 - spread  # one step behind the other side
    ask_wanted = max(low + 0.5 * (first + 1.0) * width, nearest)
    bid_wanted = max(low + 0.5 * (second + 1.0) * width, nearest)
    ask_live, bid_live = instrument.my_ask_lot > 0, instrument.my_bid_lot > 0
    ask_steps = (instrument.my_ask_tick - instrument.ask_tick) // step if ask_live else 0
    bid_steps = (instrument.bid_tick - instrument.my_bid_tick) // step if bid_live else 0
    ask = price_on_steps(ask_wanted, ask_steps, ask_live, parameters.keep_ticks)
    bid = price_on_steps(bid_wanted, bid_steps, bid_live, parameters.keep_ticks)
    return instrument.bid_tick - step * bid, instrument.ask_tick + step * ask


@jit.kernel
def prices(
    instrument: Record, parameters: Record, kind: int, first: float, second: float, synthetic: float
) -> tuple[float, float]:
    """bid, ask (tick, float) of an action at an instrument's market.

    Args:
        kind: of action. first, second: its components. synthetic: see synthetic_mid.
    """
    if kind == _TICKS:
        return _prices_on_steps(instrument, parameters, first, second)
    below = above = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    unit, orders = _unit(instrument, parameters), instrument.inventory_lot / parameters.order_lot
    if kind == _RESIDUAL_STATE_DP:
        sale, purchase = optimal_tick.marginal_values(instrument, parameters, orders)
        width = unit * parameters.residual_range
        ask, bid = optimal_tick.distances(instrument, parameters, sale - width * first, purchase - width * second)
        return below - bid, above + ask
    if kind != _DISTANCES and parameters.reference_price == _TOUCH:
        below, above = float(instrument.bid_tick), float(instrument.ask_tick)
    elif kind != _DISTANCES and parameters.reference_price == _SYNTHETIC:
        below = above = synthetic
    bid, ask = quote_prices(kind, below, unit, parameters, orders, first, second)
    if above != below:
        _, ask = quote_prices(kind, above, unit, parameters, orders, first, second)
    return bid, ask


@jit.kernel
def at_distance(instrument: Record, spreads: float) -> tuple[float, float]:
    """bid, ask (tick, float) at a distance from the mid, in spreads of an instrument's market."""
    mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    distance = spreads * max(float(instrument.ask_tick - instrument.bid_tick), _LOCKED_TICK)
    return mid - distance, mid + distance


@jit.kernel
def bid_on_tick(price: float) -> int:
    """Rounded down to a whole tick."""
    return math.floor(price + _ON_TICK)


@jit.kernel
def ask_on_tick(price: float) -> int:
    """Rounded up to a whole tick."""
    return math.ceil(price - _ON_TICK)


@jit.kernel
def send(
    instrument: Record, in_flight: Records, parameters: Record, ts: int, action: Array, synthetic: float
) -> Record:
    """Sends the quote of an action (2,), or (4,) with sizes; an empty one without a market or a reference price, or of
    an action that is no number.

    Args:
        in_flight: (L,) state.ORDER, one of which is overwritten. ts: ns. synthetic: see synthetic_mid.

    Returns:
        The state.ORDER.
    """
    bid = ask = math.nan
    # a raw distance of NaN quotes the other side alone
    is_action = parameters.action == _DISTANCES or (math.isfinite(action[0]) and math.isfinite(action[1]))
    if instrument.has_market and parameters.quoted and is_action:
        bid, ask = prices(instrument, parameters, parameters.action, action[0], action[1], synthetic)
    bid_lot = ask_lot = parameters.order_lot
    if parameters.sizes:
        ask_lot, bid_lot = _lots(parameters, action[2]), _lots(parameters, action[3])
    return send_prices(instrument, in_flight, parameters, ts, bid, ask, bid_lot, ask_lot)


@jit.kernel
def send_prices(
    instrument: Record,
    in_flight: Records,
    parameters: Record,
    ts: int,
    bid: float,
    ask: float,
    bid_lot: int,
    ask_lot: int,
) -> Record:
    """Sends a bid and an ask (tick, float; NaN or beyond 2^53: no quote on this side) of these sizes. Others: see
    `send`."""
    order = in_flight[instrument.tail % in_flight.shape[0]]
    order.active_ns = ts + parameters.latency_ns
    order.bid_tick = 0
    order.ask_tick = 0
    order.bid_lot = 0
    order.ask_lot = 0
    if abs(bid) <= _LARGEST_TICK:
        order.bid_tick, order.bid_lot = bid_on_tick(bid), bid_lot
    if abs(ask) <= _LARGEST_TICK:
        order.ask_tick, order.ask_lot = ask_on_tick(ask), ask_lot
    if instrument.price_step > 1:
        order.bid_tick = price_steps.down(order.bid_tick, instrument.price_step)
        order.ask_tick = price_steps.up(order.ask_tick, instrument.price_step)
    instrument.tail += 1
    return order
