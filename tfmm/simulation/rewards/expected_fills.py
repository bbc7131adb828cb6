"""The rewards expected_pnl and shaped_expected_pnl: expected instead of drawn fills, where only clients trade.

In an interval our ask a and bid b are filled with probabilities P_a and P_b; m is the fair price at the interval's end,
the mid moved by the drift of calibration.drift where that is a feature. The reward is
    P_a (a - m) + P_b (m - b) + E[v(Q')] - v(Q) - r E[int Risk(Q) dt],
E over the clients that could come while the tape goes as it went (clients.survival): a Rao-Blackwellised reward
(Casella and Robert 1996). Where the market comes to our ask, clients take it more often and the mid is higher
afterwards, so the reward contains the adverse selection within the interval, and no noise but that of the tape. The
reward looks into the interval's future, an observation never does.

v: expected_pnl 0. shaped_expected_pnl the value function of dynamic programming over the inventory (models.inventory):
potential-based shaping (Ng, Harada, Russell 1999); at a discount of 0 the best policy of this reward is one step of
policy improvement over the one whose value v is. Where v also depends on the spread (models.markov_market), v(Q') and
v(Q) are both taken at the spread of the interval's end.

Left out: Q dm, what the inventory gains while it is held. No quote of the interval changes it, and its mean is 0 as a
fair price has no drift.

Hedges: one that the action chooses counts at once, with the change of wealth at the fair price of the decision (touch
and fee) and of v; the fills are those of the inventory after it. Where a limit hedges, Q' beyond it is closed at the
touch of the interval's end.

Joint risk has no expectation by instrument: shaped_expected_pnl charges the inventory of the decision for the whole
interval and what it changes by for half of it, expected_pnl charges the risk as drawn.

Baseline: the same expression for another quote on the same tape is taken off, a control variate for the noise of the
tape. Baseline.REFERENCE: of the reference quote (calibration.reference_quote) with the same inventory, which makes it
the one-step advantage; FLAT_DEALER: of one distance (calibration.flat_quote) without inventory.

Assumes: no latency, clients who trade one order. Backtests never use it.
"""

import math

from tfmm import jit
from tfmm.arrays import Floats, Record, Records
from tfmm.simulation import arguments, interpolation, price_steps, state
from tfmm.simulation.clients import arrivals, survival
from tfmm.simulation.dealer import quoting
from tfmm.simulation.rewards import joint_inventory, kinds

_NONE, _REFERENCE = kinds.Baseline.NONE, kinds.Baseline.REFERENCE


@jit.kernel
def fill_probability(beyond_tick: float, spread_tick: float, seconds: float, parameters: Record) -> float:
    """Probability that a client takes a quote within a time.

    Args:
        beyond_tick: how far the quote is behind the market's best price. seconds: the time. parameters: of clients.
    """
    p = arrivals.fill_probability(beyond_tick / max(spread_tick, state.LOCKED_TICK), parameters)
    return 1.0 - math.exp(-parameters.client_rate * seconds * p)


@jit.kernel
def fair_price(instrument: Record, parameters: Record) -> float:
    """Mid plus the drift (features.DRIFT) that is expected of it, tick."""
    return 0.5 * (instrument.bid_tick + instrument.ask_tick) + instrument.drift * parameters.half_spread_tick


@jit.kernel
def values_at_spread(instrument: Record, parameters: Record, values: Floats) -> Floats:
    """v (2 L + 1,) at the spread of an instrument's market.

    Args:
        values: (X (2 L + 1),) v of each of X states of the spread, one after another.
    """
    if parameters.n_value_states < 2:
        return values
    spread = max(float(instrument.ask_tick - instrument.bid_tick), state.LOCKED_TICK)
    index = interpolation.bin_index(parameters.value_cuts, parameters.n_value_states, spread)
    width = values.shape[0] // parameters.n_value_states
    return values[index * width : (index + 1) * width]


@jit.kernel
def wealth(instrument: Record, parameters: Record, values: Floats) -> float:
    """Cash after fees, the inventory at its fair price, and v of it, tick x lot; values: see `values_at_spread`."""
    inventory_lot, value = instrument.inventory_lot, values_at_spread(instrument, parameters, values)
    return (
        instrument.cash
        - instrument.fees
        + inventory_lot * fair_price(instrument, parameters)
        + interpolation.interpolate(value, inventory_lot / parameters.order_lot)
    )


@jit.kernel
def _value_after(instrument, parameters, values, inventory_lot, price):
    """v of an inventory at the interval's end; what is beyond the threshold of a hedge is closed at the touch."""
    excess = abs(inventory_lot) - parameters.hedge_threshold_lot
    if parameters.hedge != state.HEDGE_LIMIT or excess <= 0:
        return interpolation.interpolate(values, inventory_lot / parameters.order_lot)
    side = 1 if inventory_lot > 0 else -1
    closed = arrivals.closing_gain(instrument.bid_tick, instrument.ask_tick, side, excess, price, parameters)
    at_limit = interpolation.interpolate(values, side * parameters.hedge_threshold_lot / parameters.order_lot)
    return at_limit + closed


@jit.kernel
def expect(events: Records, row: Record, account: arguments.Account, n: int, order: Record, until: int) -> None:
    """Writes the expected fills until the next decision of an order of instrument n that has just been sent.

    Args:
        events: (E,) schema.EVENT, from row.cursor on still to come. order: state.ORDER.
        until: time of the next decision, ns.
    """
    ask = order.ask_tick if order.ask_lot > 0 else state.NO_ASK
    bid = order.bid_tick if order.bid_lot > 0 else state.NO_BID
    instrument = account.instruments[n]
    quote, lot_s = _outlive(events, row, account, n, until, ask, bid, instrument.inventory_lot)
    instrument.expected_ask_tick, instrument.expected_bid_tick = quote.ask_tick, quote.bid_tick
    instrument.ask_fill_probability = 1.0 - quote.ask_survival
    instrument.bid_fill_probability = 1.0 - quote.bid_survival
    instrument.expected_risk_lot_s = lot_s


@jit.kernel
def expect_reference(
    events: Records, row: Record, account: arguments.Account, n: int, synthetic: float, until: int
) -> None:
    """Writes those of the reference quote with the inventory before any hedge.

    Args:
        synthetic: see quoting.synthetic_mid. Others: see `expect`.
    """
    instrument, parameters = account.instruments[n], account.parameters[n]
    below, above = quoting.prices(instrument, parameters, parameters.reference_quote, 0.0, 0.0, synthetic)
    _expect_baseline(events, row, account, n, until, instrument.inventory_lot, below, above)


@jit.kernel
def expect_flat(events: Records, row: Record, account: arguments.Account, n: int, spreads: float, until: int) -> None:
    """Writes those of the flat dealer's quote, `spreads` market spreads from the mid. Others: see `expect`."""
    below, above = quoting.at_distance(account.instruments[n], spreads)
    _expect_baseline(events, row, account, n, until, 0, below, above)


@jit.kernel
def _expect_baseline(events, row, account, n, until, inventory_lot, below, above):
    """Writes the expected fills of a bid and an ask (tick, float; NaN: no quote) that are sent with an inventory."""
    instrument, parameters = account.instruments[n], account.parameters[n]
    ask, bid = state.NO_ASK, state.NO_BID
    if instrument.has_market and parameters.quoted and not math.isnan(below + above):
        bid = price_steps.down(quoting.bid_on_tick(below), instrument.price_step)
        ask = price_steps.up(quoting.ask_on_tick(above), instrument.price_step)
    quote, lot_s = _outlive(events, row, account, n, until, ask, bid, inventory_lot)
    instrument.reference_inventory_lot = inventory_lot
    instrument.reference_ask_tick, instrument.reference_bid_tick = quote.ask_tick, quote.bid_tick
    instrument.reference_ask_fill_probability = 1.0 - quote.ask_survival
    instrument.reference_bid_fill_probability = 1.0 - quote.bid_survival
    instrument.reference_risk_lot_s = lot_s


@jit.kernel
def _outlive(events, row, account, n, until, ask, bid, inventory_lot):
    """A quote of an order a side (ticks; state.NO_ASK, state.NO_BID: none), sent with an inventory, rests until a time.

    Returns:
        The survival.Quote then, and the expected integral of survival.risk_lot dt (lot x s).
    """
    instrument, parameters = account.instruments[n], account.parameters[n]
    # clamped as fills.activate does: never better than a price step behind the far touch
    ask = max(ask, price_steps.up(instrument.bid_tick + 1, instrument.price_step))
    bid = min(bid, price_steps.down(instrument.ask_tick - 1, instrument.price_step))
    if inventory_lot - parameters.order_lot < -parameters.limit_lot:
        ask = state.NO_ASK
    if inventory_lot + parameters.order_lot > parameters.limit_lot:
        bid = state.NO_BID
    quote, total_lot_s = survival.Quote(ask, bid, 1.0, 1.0), 0.0
    stretch = survival.Stretch(
        row.ts, row.cursor, instrument.bid_tick, instrument.ask_tick, instrument.has_market > 0,
        account.instruments[0].last_ns, True,
    )  # fmt: skip
    while stretch.start_ns < until:
        following = survival.next_change(events, stretch, row.stop, until, n, parameters.gap_ns)
        quote, lot_s = survival.outlive(parameters, inventory_lot, quote, stretch, following.start_ns)
        total_lot_s += lot_s
        stretch = following
    return quote, total_lot_s


@jit.kernel
def earned(account: arguments.Account, reward: kinds.Reward, risk_cost: float, held_risk_cost: float) -> float:
    """Reward of the interval that has just ended, tick x lot of the first instrument.

    Args:
        risk_cost: of the interval as drawn. held_risk_cost: of the inventory of the decision over the whole interval.
            Both are only read where the risk is joint.
    """
    instruments, parameters = account.instruments, account.parameters
    shared, joint, subtracts = reward.risk.is_joint, kinds.has_joint_value(reward), reward.baseline != _NONE
    total = 0.0
    if shared:
        total -= (held_risk_cost if joint else risk_cost) - (held_risk_cost if reward.baseline == _REFERENCE else 0.0)
    if joint:
        total += joint_inventory.value_change(instruments, parameters, reward.values[0], False)
        if subtracts:
            total -= joint_inventory.value_change(instruments, parameters, reward.values[0], True)
    for n in range(instruments.shape[0]):
        instrument, own = instruments[n], parameters[n]
        values = reward.values[0] if joint else values_at_spread(instrument, own, reward.values[n])
        price = fair_price(instrument, own)
        ask, bid = instrument.expected_ask_tick, instrument.expected_bid_tick
        sold, bought = instrument.ask_fill_probability, instrument.bid_fill_probability
        gain = instrument.hedge_gain + _traded(own, ask, bid, sold, bought, price)
        if not shared:
            gain -= own.risk * instrument.expected_risk_lot_s
        if not joint:
            gain += _moved(instrument, own, values, instrument.start_inventory_lot, sold, bought, price)
        if subtracts:
            ask, bid = instrument.reference_ask_tick, instrument.reference_bid_tick
            sold, bought = instrument.reference_ask_fill_probability, instrument.reference_bid_fill_probability
            gain -= _traded(own, ask, bid, sold, bought, price)
            if not shared:
                gain += own.risk * instrument.reference_risk_lot_s
            if not joint:
                gain -= _moved(instrument, own, values, instrument.reference_inventory_lot, sold, bought, price)
        total += own.weight * gain
    return total


@jit.kernel
def _traded(parameters, ask, bid, sold, bought, price):
    """Expected gain of a quote's fills, tick x lot."""
    return parameters.order_lot * (sold * (ask - price) + bought * (price - bid))


@jit.kernel
def _moved(instrument, parameters, values, inventory_lot, sold, bought, price):
    """E v(Q') - v(Q) from an inventory."""
    now = interpolation.interpolate(values, inventory_lot / parameters.order_lot)
    low = _value_after(instrument, parameters, values, inventory_lot - parameters.order_lot, price)
    high = _value_after(instrument, parameters, values, inventory_lot + parameters.order_lot, price)
    return sold * (1.0 - bought) * (low - now) + bought * (1.0 - sold) * (high - now)
