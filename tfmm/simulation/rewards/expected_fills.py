"""The reward that an agent learns from where only clients trade: expected instead of drawn fills, priced by a value.

In an interval our ask a and bid b are taken with probabilities P_a and P_b; m is the fair price at the interval's end:
the mid, moved by the drift of calibration.drift where that is a feature. In the place of the drawn profit stands
    P_a (a - m) + P_b (m - b) + E[v(Q')] - v(Q) - r E[int |Q| dt],
E over the clients that could come, along the tape as it went (tfmm.simulation.clients.survival): where the market comes
to our ask, clients take it more often and the mid is higher afterwards. So what is learned from has no more noise than
the tape, and knows the adverse selection that a quote meets within its interval. The future is a label here, never an
observation. With v the value of dynamic programming over the inventory (models.inventory) this is what the
quotes gain over its policy: already at a discount of 0 the best of them are an improvement of it (policy iteration),
and the larger the discount, the more of what v leaves out is learned. Without a price v is 0. What the inventory gains
while it is held, Q dm, is left out: no quote of this interval changes it, and a fair price has no drift left.
A hedge that the action chooses adds what it does at once, to the wealth at the fair price of that moment (touch and
fee) and to v; the fills then are those of the inventory after it. Where a limit hedges, an inventory Q' beyond it is
closed at the touch of the interval's end: E v(Q') counts it as the limit's value less that cost. Where v also knows
the spread (models.markov_market), both v(Q') and v(Q) are those of the interval's end. Where the risk of
several instruments has one price, a fill is taken to come in the middle of the interval.
At a discount of 0 it is what the quote gains over the base quote (tfmm.calibration.reference_quote) of the same
inventory on the same tape: what no action changes is left out, and most of the tape's noise with it.
Assumes: no latency. Evaluation never uses it.
"""

import math

from tfmm import jit
from tfmm.simulation import interpolation, state
from tfmm.simulation.clients import arrivals, survival
from tfmm.simulation.dealer import quoting
from tfmm.simulation.rewards import joint_inventory, kinds


@jit.kernel
def chance(beyond_tick, spread_tick, seconds, rules):
    """Probability that some client takes a quote within so many seconds; beyond_tick: further than the market's."""
    p = arrivals.fill_probability(beyond_tick / max(spread_tick, state.LOCKED_TICK), rules)
    return 1.0 - math.exp(-rules.client_rate * seconds * p)


@jit.kernel
def fair_price(instrument, parameters):
    """Mid plus the drift (features.DRIFT) that is expected of it, tick."""
    return 0.5 * (instrument.bid_tick + instrument.ask_tick) + instrument.drift * parameters.half_spread_tick


@jit.kernel
def values_at_spread(instrument, parameters, values):
    """v (2 L + 1,) at the spread of an instrument's market, of values (X (2 L + 1),) for the X states that value_cuts
    part."""
    if parameters.value_states < 2:
        return values
    spread = max(float(instrument.ask_tick - instrument.bid_tick), state.LOCKED_TICK)
    index = interpolation.part(parameters.value_cuts, parameters.value_states, spread)
    width = values.shape[0] // parameters.value_states
    return values[index * width : (index + 1) * width]


@jit.kernel
def wealth(instrument, parameters, values):
    """Cash, the inventory at its fair price, and its value, tick x lot; values: see `values_at_spread`."""
    inventory_lot, value = instrument.inventory_lot, values_at_spread(instrument, parameters, values)
    return (
        instrument.cash
        - instrument.fees
        + inventory_lot * fair_price(instrument, parameters)
        + interpolation.between(value, inventory_lot / parameters.order_lot)
    )


@jit.kernel
def _value_after(instrument, parameters, values, inventory_lot, price):
    """Value of an inventory at the interval's end, where what is beyond the limit of a hedge is closed at the touch."""
    excess = abs(inventory_lot) - parameters.hedge_lot
    if parameters.hedge != state.HEDGE_LIMIT or excess <= 0:
        return interpolation.between(values, inventory_lot / parameters.order_lot)
    side = 1 if inventory_lot > 0 else -1
    closed = arrivals.closing(instrument.bid_tick, instrument.ask_tick, side, price, parameters)
    at_limit = interpolation.between(values, side * parameters.hedge_lot / parameters.order_lot)
    return at_limit + excess * closed


@jit.kernel
def expect(events, row, account, n, order, until):
    """Notes what an order of instrument n that has just been sent is expected to do until the next decision.

    Args:
        events: (E,) schema.EVENT, from row.cursor on still to come. until: time of the next decision, ns.
    """
    ask = order.ask_tick if order.ask_lot > 0 else state.NO_ASK
    bid = order.bid_tick if order.bid_lot > 0 else state.NO_BID
    instrument = account.instruments[n]
    quote, lot_s = _outlive(events, row, account, n, until, ask, bid)
    instrument.lesson_ask, instrument.lesson_bid = quote.ask_tick, quote.bid_tick
    instrument.ask_chance, instrument.bid_chance = 1.0 - quote.ask_survival, 1.0 - quote.bid_survival
    instrument.lesson_lot_s = lot_s


@jit.kernel
def expect_reference(events, row, account, n, synthetic, until):
    """Notes the same of the reference quote, for the inventory that a decision finds; other arguments: see `expect`.

    synthetic: see quoting.synthetic_mid.
    """
    instrument, parameters = account.instruments[n], account.parameters[n]
    instrument.base_lot, ask, bid = instrument.inventory_lot, state.NO_ASK, state.NO_BID
    below, above = quoting.prices(instrument, parameters, parameters.base, 0.0, 0.0, synthetic)
    if instrument.has_market and parameters.quoted and not math.isnan(below + above):
        bid, ask = quoting.bid_on_tick(below), quoting.ask_on_tick(above)
    quote, lot_s = _outlive(events, row, account, n, until, ask, bid)
    instrument.base_ask, instrument.base_bid = quote.ask_tick, quote.bid_tick
    instrument.base_ask_chance, instrument.base_bid_chance = 1.0 - quote.ask_survival, 1.0 - quote.bid_survival
    instrument.base_lot_s = lot_s


@jit.kernel
def _outlive(events, row, account, n, until, ask, bid):
    """A quote of an order a side (ticks; state.NO_ASK, state.NO_BID: none) rests until a time.

    Returns:
        The survival.Quote then, and the expected integral of |inventory| dt (lot x s).
    """
    instrument, parameters = account.instruments[n], account.parameters[n]
    # post-only: never better than a tick behind the far touch
    ask, bid = max(ask, instrument.bid_tick + 1), min(bid, instrument.ask_tick - 1)
    if instrument.inventory_lot - parameters.order_lot < -parameters.limit_lot:
        ask = state.NO_ASK
    if instrument.inventory_lot + parameters.order_lot > parameters.limit_lot:
        bid = state.NO_BID
    quote, total_lot_s = survival.Quote(ask, bid, 1.0, 1.0), 0.0
    stretch = survival.Stretch(
        row.ts, row.cursor, instrument.bid_tick, instrument.ask_tick, instrument.has_market > 0,
        account.instruments[0].last_ns,
    )  # fmt: skip
    while stretch.start_ns < until:
        following = survival.next_change(events, stretch, row.stop, until, n, parameters.gap_ns)
        quote, lot_s = survival.outlive(parameters, instrument.inventory_lot, quote, stretch, following.start_ns)
        total_lot_s += lot_s
        stretch = following
    return quote, total_lot_s


@jit.kernel
def earned(account, reward, risk_cost, held_risk_cost):
    """Reward of the step that `expect` looked forward to, tick x lot of the first instrument.

    Args:
        reward: kinds.Reward. risk_cost: of the interval as drawn, where the risk is joint.
        held_risk_cost: what the inventory at the decision would have cost.
    """
    instruments, parameters = account.instruments, account.parameters
    shared, joint, subtracts = reward.risk.is_joint, kinds.has_joint_value(reward), reward.subtracts_reference
    total = 0.0
    if shared:
        total -= (held_risk_cost if joint else risk_cost) - (held_risk_cost if subtracts else 0.0)
    if joint:
        total += joint_inventory.gained(instruments, parameters, reward.values[0], False)
        if subtracts:
            total -= joint_inventory.gained(instruments, parameters, reward.values[0], True)
    for n in range(instruments.shape[0]):
        instrument, rule = instruments[n], parameters[n]
        values = reward.values[0] if joint else values_at_spread(instrument, rule, reward.values[n])
        price = fair_price(instrument, rule)
        ask, bid, sold, bought = (
            instrument.lesson_ask, instrument.lesson_bid, instrument.ask_chance, instrument.bid_chance,
        )  # fmt: skip
        gain = instrument.hedge_gain + _traded(rule, ask, bid, sold, bought, price)
        if not shared:
            gain -= rule.risk * instrument.lesson_lot_s
        if not joint:
            gain += _moved(instrument, rule, values, instrument.held_lot, sold, bought, price)
        if subtracts:
            ask, bid = instrument.base_ask, instrument.base_bid
            sold, bought = instrument.base_ask_chance, instrument.base_bid_chance
            gain -= _traded(rule, ask, bid, sold, bought, price)
            if not shared:
                gain += rule.risk * instrument.base_lot_s
            if not joint:
                gain -= _moved(instrument, rule, values, instrument.base_lot, sold, bought, price)
        total += rule.weight * gain
    return total


@jit.kernel
def _traded(rules, ask, bid, sold, bought, price):
    """Expected gain of a quote's fills, tick x lot."""
    return rules.order_lot * (sold * (ask - price) + bought * (price - bid))


@jit.kernel
def _moved(instrument, parameters, values, inventory_lot, sold, bought, price):
    """E v(Q') - v(Q) from an inventory."""
    now = interpolation.between(values, inventory_lot / parameters.order_lot)
    low = _value_after(instrument, parameters, values, inventory_lot - parameters.order_lot, price)
    high = _value_after(instrument, parameters, values, inventory_lot + parameters.order_lot, price)
    return sold * (1.0 - bought) * (low - now) + bought * (1.0 - sold) * (high - now)
