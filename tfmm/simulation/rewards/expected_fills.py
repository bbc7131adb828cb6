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
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.rewards import joint_inventory as joint_inventory_lib


@jit.kernel
def chance(beyond_tick, spread_tick, seconds, rules):
    """Probability that some client takes a quote within so many seconds; beyond_tick: further than the market's."""
    p = arrivals.fill_probability(beyond_tick / max(spread_tick, state.LOCKED_TICK), rules)
    return 1.0 - math.exp(-rules.client_rate * seconds * p)


@jit.kernel
def fair(book, rules, drift):
    """Mid plus the drift (features.NAMES) that is expected of it, tick."""
    return 0.5 * (book.bid_tick + book.ask_tick) + drift * rules.half_spread_tick


@jit.kernel
def drift_of(observation, n, count):
    """The drift of instrument n of `count`; observation: (N F,)."""
    return observation[n * (observation.shape[0] // count) + features.DRIFT]


@jit.kernel
def priced(book, rules, values):
    """v (2 L + 1,) at the spread of a book's market, of values (X (2 L + 1),) for the X states that value_cuts part."""
    if rules.value_states < 2:
        return values
    spread = max(float(book.ask_tick - book.bid_tick), state.LOCKED_TICK)
    place, width = (
        interpolation.part(rules.value_cuts, rules.value_states, spread),
        values.shape[0] // rules.value_states,
    )
    return values[place * width : (place + 1) * width]


@jit.kernel
def wealth(book, rules, values, drift):
    """Cash, the inventory at its fair price, and its value, tick x lot; values: see `priced`."""
    held, value = book.inventory_lot, priced(book, rules, values)
    return (
        book.cash - book.fees + held * fair(book, rules, drift) + interpolation.between(value, held / rules.order_lot)
    )


@jit.kernel
def _after(book, rules, values, held_lot, worth):
    """Value of what is held at the interval's end, where what is beyond the limit of a hedge is closed at the touch."""
    excess = abs(held_lot) - rules.hedge_lot
    if rules.hedge != state.HEDGE_LIMIT or excess <= 0:
        return interpolation.between(values, held_lot / rules.order_lot)
    side = 1 if held_lot > 0 else -1
    closed = arrivals.closing(book.bid_tick, book.ask_tick, side, worth, rules)
    return interpolation.between(values, side * rules.hedge_lot / rules.order_lot) + excess * closed


@jit.kernel
def expect(events, row, until, book, n, rules, order, last_ns):
    """Notes in a book what an order that has just been sent is expected to do until the next decision.

    Args:
        events: (E,) schema.EVENT, from row.cursor on still to come. until: time of the next decision, ns.
        book, rules: of instrument n. last_ns: time of the tape's event before.
    """
    ask = order.ask_tick if order.ask_lot > 0 else state.NO_ASK
    bid = order.bid_tick if order.bid_lot > 0 else state.NO_BID
    book.lesson_ask, book.lesson_bid, book.ask_chance, book.bid_chance, book.lesson_lot_s = _meet(
        events, row, until, book, n, rules, ask, bid, last_ns
    )


@jit.kernel
def compare(events, row, until, book, n, rules, synthetic, last_ns):
    """Notes the same of the base quote, for the inventory that a decision finds; other arguments: see `expect`.

    synthetic: see quoting.synthetic_mid.
    """
    book.base_lot, ask, bid = book.inventory_lot, state.NO_ASK, state.NO_BID
    below, above = quoting.prices(book, rules, rules.base, 0.0, 0.0, synthetic)
    if book.has_market and rules.quoted and not math.isnan(below + above):
        bid, ask = quoting.bid_on_tick(below), quoting.ask_on_tick(above)
    book.base_ask, book.base_bid, book.base_ask_chance, book.base_bid_chance, book.base_lot_s = _meet(
        events, row, until, book, n, rules, ask, bid, last_ns
    )


@jit.kernel
def _meet(events, row, until, book, n, rules, ask, bid, last_ns):
    """What a quote of an order a side does until a time: ask, bid (ticks; state.NO_ASK, state.NO_BID: none), the
    probabilities that clients take them, the expected integral of |inventory| dt (lot x s)."""
    # post-only: never better than a tick behind the far touch
    ask, bid = max(ask, book.bid_tick + 1), min(bid, book.ask_tick - 1)
    if book.inventory_lot - rules.order_lot < -rules.limit_lot:
        ask = state.NO_ASK
    if book.inventory_lot + rules.order_lot > rules.limit_lot:
        bid = state.NO_BID
    since, place, bid_tick, ask_tick = row.ts, row.cursor, book.bid_tick, book.ask_tick
    met = book.has_market > 0
    ask_kept = bid_kept = 1.0
    total_lot_s = 0.0
    while since < until:
        place, end, next_bid, next_ask, next_met, last_ns = survival.change(
            events, place, row.stop, until, n, rules.gap_ns, bid_tick, ask_tick, met, last_ns
        )
        seconds = (end - since) * 1e-9
        ask_kept, bid_kept, lot_s = survival.rest(
            rules, book.inventory_lot, ask, bid, bid_tick, ask_tick, seconds, met, ask_kept, bid_kept
        )
        total_lot_s += lot_s
        since, bid_tick, ask_tick, met = end, next_bid, next_ask, next_met
    return ask, bid, 1.0 - ask_kept, 1.0 - bid_kept, total_lot_s


@jit.kernel
def reward(books, rules, values, shared, risk, standing, observation):
    """Reward of the step that `expect` looked forward to, tick x lot of the first instrument.

    Args:
        values: (N, X (2 L + 1)) v by state of the spread and orders held, tick x lot; or (1, S) of the whole book
            (tfmm.simulation.rewards.joint_inventory), less what half an interval costs with it.
        shared: whether the risk of all instruments has one price: what was drawn of it, `risk`, and what the inventory
            at the decision would have cost, `standing`.
        observation: (N F,) at the interval's end.
    """
    compared, whole = rules[0].compared > 0, values.shape[0] < books.shape[0]
    total = 0.0
    if shared:
        total -= (standing if whole else risk) - (standing if compared else 0.0)
    if whole:
        total += joint_inventory_lib.gained(books, rules, values[0], False)
        if compared:
            total -= joint_inventory_lib.gained(books, rules, values[0], True)
    for n in range(books.shape[0]):
        book, rule = books[n], rules[n]
        price = values[0] if whole else priced(book, rule, values[n])
        worth = fair(book, rule, drift_of(observation, n, books.shape[0]))
        ask, bid, sold, bought = book.lesson_ask, book.lesson_bid, book.ask_chance, book.bid_chance
        own = book.hedge_gain + _traded(rule, ask, bid, sold, bought, worth)
        if not shared:
            own -= rule.risk * book.lesson_lot_s
        if not whole:
            own += _moved(book, rule, price, book.held_lot, sold, bought, worth)
        if compared:
            ask, bid, sold, bought = book.base_ask, book.base_bid, book.base_ask_chance, book.base_bid_chance
            own -= _traded(rule, ask, bid, sold, bought, worth)
            if not shared:
                own += rule.risk * book.base_lot_s
            if not whole:
                own -= _moved(book, rule, price, book.base_lot, sold, bought, worth)
        total += rule.weight * own
    return total


@jit.kernel
def _traded(rules, ask, bid, sold, bought, worth):
    """Expected gain of a quote's fills, tick x lot."""
    return rules.order_lot * (sold * (ask - worth) + bought * (worth - bid))


@jit.kernel
def _moved(book, rules, values, held_lot, sold, bought, worth):
    """E v(Q') - v(Q) from an inventory."""
    now = interpolation.between(values, held_lot / rules.order_lot)
    low = _after(book, rules, values, held_lot - rules.order_lot, worth)
    high = _after(book, rules, values, held_lot + rules.order_lot, worth)
    return sold * (1.0 - bought) * (low - now) + bought * (1.0 - sold) * (high - now)
