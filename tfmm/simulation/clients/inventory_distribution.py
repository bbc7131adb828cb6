"""The distribution of the inventory along a tape where only clients trade, propagated forward without drawing.

The price path does not depend on us, and clients take a quote with known intensity, so for every inventory that a quote
may be sent with the fills of its interval have known probabilities:
    P(filled) = 1 - exp(-int lambda p(x(s)) ds),
lambda p(x) the intensity of clients at a distance x beyond the market's price, x(s) along the tape; ask and bid are
independent. `expected_intervals` gives these probabilities and the means that go with them, `propagate` the
probabilities of all inventories from decision to decision (Kolmogorov's forward equation) and the means over them.
Hedges are included: of the action at the decision, or of a limit at the interval's end.

Assumes what tfmm.calibration.known_fills requires: Poisson clients of one order, no latency; and hedges of whole
orders. Shapes: T decisions, inventories -L, ..., L orders.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats, Ints, Record, Records
from tfmm.simulation import arguments, state
from tfmm.simulation.clients import arrivals, survival
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import fills

MARKET = np.dtype(
    [
        ("ts", np.int64),
        ("bid_tick", np.int64),
        ("ask_tick", np.int64),
        ("has_market", np.int64),
        ("price_step", np.int64),  # ticks
        ("last_ns", np.int64),  # of the last event before
        ("row", np.int64),  # next event
        ("stop", np.int64),  # one past the last event of the segment
        ("drift", np.float64),  # the feature
    ]
)
"""The market at a decision."""
EXPECTED_INTERVAL = np.dtype(
    [
        ("sold", np.float64),  # probability that the ask is filled
        ("bought", np.float64),  # and the bid
        ("profit", np.float64),  # change of the wealth at the mid, tick x lot
        ("risk_lot_s", np.float64),  # integral of survival.risk_lot dt
        ("hedged_lot", np.float64),
    ]
)
"""Expectations of the interval after one decision with one inventory."""


@jit.kernel
def expected_intervals(
    events: Records, markets: Records, actions: Floats, parameters: Record, out: Records, hedged_index: Ints
) -> None:
    """Writes the expectations of every decision and inventory.

    Args:
        events: (E,) schema.EVENT. markets: (T + 1,) MARKET at every decision and at the end.
        actions: (T, 2 L + 1, A) float64, of every inventory. parameters: () state.PARAMETERS.
        out: (T, 2 L + 1) EXPECTED_INTERVAL, written.
        hedged_index: (T, 2 L + 1) int64, written: index of the inventory after the decision's hedge.
    """
    count = actions.shape[1]
    instruments, in_flight = np.zeros(count, state.INSTRUMENT_STATE), np.zeros(1, state.ORDER)
    survivals, no_fills, counters = np.zeros((count, 2)), np.zeros(0, state.FILL), np.zeros(1, state.COUNTER)
    for t in range(actions.shape[0]):
        now, then, log = markets[t], markets[t + 1], arguments.FillLog(no_fills, counters[0])
        for q in range(count):
            orders = _send(instruments[q], in_flight, parameters, now, q - count // 2, actions[t, q], log)
            hedged_index[t, q] = count // 2 + orders
            survivals[q] = 1.0
            out[t, q].risk_lot_s = 0.0
        _outlive(events, now, then.ts, instruments, survivals, parameters, out[t])
        for q in range(count):
            out[t, q].sold, out[t, q].bought = 1.0 - survivals[q, 0], 1.0 - survivals[q, 1]
            out[t, q].hedged_lot = abs(q - hedged_index[t, q]) * parameters.order_lot
            _add_profit(
                now, then, instruments[q], (hedged_index[t, q] - q) * parameters.order_lot, parameters, out[t, q]
            )


@jit.kernel
def _add_profit(now, then, instrument, hedged_lot, parameters, out):
    """Writes the expected profit of an interval, and adds the hedges of a limit at its end.

    hedged_lot: change of the inventory by the decision's hedge, which is in the instrument's cash and fees already.
    """
    moved = 0.5 * (then.bid_tick + then.ask_tick - now.bid_tick - now.ask_tick)
    mid = 0.5 * (then.bid_tick + then.ask_tick)
    out.profit = instrument.cash - instrument.fees + hedged_lot * (mid - moved)
    out.profit += instrument.inventory_lot * moved
    if instrument.my_ask_lot > 0:
        out.profit += out.sold * instrument.my_ask_lot * (instrument.my_ask_tick - mid)
    if instrument.my_bid_lot > 0:
        out.profit += out.bought * instrument.my_bid_lot * (mid - instrument.my_bid_tick)
    if parameters.hedge == state.HEDGE_LIMIT:
        lot, only_sold = parameters.order_lot, out.sold * (1.0 - out.bought)
        _close(then, instrument.inventory_lot - lot, only_sold, mid, parameters, out)
        only_bought = out.bought * (1.0 - out.sold)
        _close(then, instrument.inventory_lot + lot, only_bought, mid, parameters, out)


@jit.kernel
def _close(then, inventory_lot, probability, mid, parameters, out):
    """Adds the hedge of a limit for an inventory that the interval ends with at a probability."""
    excess = abs(inventory_lot) - parameters.hedge_threshold_lot
    if excess > 0:
        side = 1 if inventory_lot > 0 else -1
        out.profit += probability * arrivals.closing_gain(then.bid_tick, then.ask_tick, side, excess, mid, parameters)
        out.hedged_lot += probability * excess


@jit.kernel
def quote_distances(markets: Records, actions: Floats, parameters: Record, out: Floats) -> None:
    """Writes the distances from the mid at which quotes rest once they are rounded and clamped by the fill rules.

    Args:
        markets: (T,) MARKET. actions, parameters: as `expected_intervals` takes them.
        out: (T, 2 L + 1, 2) float64, written: ask and bid, market spreads; NaN: no quote on that side.
    """
    count = actions.shape[1]
    instruments, in_flight = np.zeros(1, state.INSTRUMENT_STATE), np.zeros(1, state.ORDER)
    no_fills, counters = np.zeros(0, state.FILL), np.zeros(1, state.COUNTER)
    for t in range(actions.shape[0]):
        # a record does not keep its array alive: both are taken where the arrays are still needed
        instrument, log = instruments[0], arguments.FillLog(no_fills, counters[0])
        now = markets[t]
        mid = 0.5 * (now.bid_tick + now.ask_tick)
        spread = max(float(now.ask_tick - now.bid_tick), state.LOCKED_TICK)
        for q in range(count):
            _send(instrument, in_flight, parameters, now, q - count // 2, actions[t, q], log)
            out[t, q, 0] = (instrument.my_ask_tick - mid) / spread if instrument.my_ask_lot > 0 else math.nan
            out[t, q, 1] = (mid - instrument.my_bid_tick) / spread if instrument.my_bid_lot > 0 else math.nan


@jit.kernel
def _send(instrument, in_flight, parameters, now, orders, action, log):
    """Lets an instrument decide at a market with an inventory of `orders`: hedges, and lets its quotes rest.

    Returns:
        The inventory after the hedge, orders.
    """
    instrument.bid_tick, instrument.ask_tick, instrument.has_market = now.bid_tick, now.ask_tick, now.has_market
    instrument.touch_bid_tick, instrument.touch_ask_tick = now.bid_tick, now.ask_tick
    instrument.price_step = now.price_step
    instrument.drift, instrument.inventory_lot = now.drift, orders * parameters.order_lot
    instrument.my_bid_lot = instrument.my_ask_lot = 0
    instrument.cash = instrument.fees = 0.0
    if parameters.hedge == state.HEDGE_ACTION:
        arrivals.hedge_share(instrument, 0, action[len(action) - 1], now.ts, now.row, parameters, log)
    order = quoting.send(instrument, in_flight, parameters, now.ts, action, math.nan)
    fills.activate(instrument, order, parameters, log, 0, 0, False)
    return instrument.inventory_lot // parameters.order_lot


@jit.kernel
def _outlive(events, now, until, instruments, survivals, parameters, out):
    """Takes the quotes of every inventory from a decision to a time; survivals: (2 L + 1, 2) of ask and bid,
    updated."""
    stretch = survival.Stretch(now.ts, now.row, now.bid_tick, now.ask_tick, now.has_market > 0, now.last_ns, True)
    while stretch.start_ns < until:
        following = survival.next_change(events, stretch, now.stop, until, 0, parameters.gap_ns)
        for q in range(instruments.shape[0]):
            instrument = instruments[q]
            ask = instrument.my_ask_tick if instrument.my_ask_lot > 0 else state.NO_ASK
            bid = instrument.my_bid_tick if instrument.my_bid_lot > 0 else state.NO_BID
            quote = survival.Quote(ask, bid, survivals[q, 0], survivals[q, 1])
            quote, lot_s = survival.outlive(parameters, instrument.inventory_lot, quote, stretch, following.start_ns)
            survivals[q, 0], survivals[q, 1] = quote.ask_survival, quote.bid_survival
            out[q].risk_lot_s += lot_s
        stretch = following


@jit.kernel
def propagate(
    intervals: Records, hedged_index: Ints, hedge_threshold: int, probabilities: Floats, means: Records
) -> None:
    """Propagates the distribution of the inventory from a given one, and writes means over it.

    Args:
        intervals, hedged_index: (T, 2 L + 1) as `expected_intervals` writes them.
        hedge_threshold: orders beyond which a limit closes the inventory; L without one.
        probabilities: (T + 1, 2 L + 1) float64, its first row given, the others written.
        means: (T,) EXPECTED_INTERVAL, written.
    """
    count = probabilities.shape[1]
    limit = count // 2
    least, most = max(limit - hedge_threshold, 0), min(limit + hedge_threshold, count - 1)
    for t in range(intervals.shape[0]):
        probabilities[t + 1] = 0.0
        mean = means[t]
        mean.sold = mean.bought = mean.profit = mean.risk_lot_s = mean.hedged_lot = 0.0
        for q in range(count):
            interval, probability = intervals[t, q], probabilities[t, q]
            if probability == 0.0:
                continue
            mean.sold += probability * interval.sold
            mean.bought += probability * interval.bought
            mean.profit += probability * interval.profit
            mean.risk_lot_s += probability * interval.risk_lot_s
            mean.hedged_lot += probability * interval.hedged_lot
            index = hedged_index[t, q]
            down, up = interval.sold * (1.0 - interval.bought), interval.bought * (1.0 - interval.sold)
            if down > 0.0:
                probabilities[t + 1, max(index - 1, least)] += probability * down
            if up > 0.0:
                probabilities[t + 1, min(index + 1, most)] += probability * up
            probabilities[t + 1, index] += probability * (1.0 - down - up)
