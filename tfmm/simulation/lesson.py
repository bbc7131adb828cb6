"""The reward that an agent learns from where only clients trade: expected instead of drawn fills, priced by a value.

In an interval our ask a and bid b are taken with probabilities P_a and P_b; m is the fair price at the interval's end:
the mid, moved by the drift of models.drift where that is a feature. In the place of the drawn profit stands
    P_a (a - m) + P_b (m - b) + E[v(Q')] - v(Q),
E over the fills. With v the value of dynamic programming over the inventory (models.inventory) this is what the
quotes gain over its policy: already at a discount of 0 the best of them are an improvement of it (policy iteration),
and the larger the discount, the more of what v leaves out is learned. Without a price v is 0. What the inventory gains
while it is held, Q dm, is left out: no quote of this interval changes it, and a fair price has no drift left.
A hedge that the action chooses adds what it does at once, to the wealth at the fair price of that moment (touch and
fee) and to v; the fills then are those of the inventory after it. Where a limit hedges, an inventory Q' beyond it is
closed at the touch of the interval's end: E v(Q') counts it as the limit's value less that cost.
Assumes: the spread at the decision holds for the interval when a client decides; no latency. Evaluation never uses it.
"""

import math

from tfmm import jit
from tfmm.simulation import books as books_lib
from tfmm.simulation import clients, features, state, table


@jit.kernel
def chance(beyond_tick, spread_tick, seconds, rules):
    """Probability that some client takes a quote within so many seconds; beyond_tick: further than the market's."""
    p = clients.fill_probability(beyond_tick / max(spread_tick, state.LOCKED_TICK), rules)
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
def wealth(book, rules, values, drift):
    """Cash, the inventory at its fair price, and its value v (2 L + 1,), tick x lot."""
    held = book.inventory_lot
    return book.cash - book.fees + held * fair(book, rules, drift) + table.between(values, held / rules.order_lot)


@jit.kernel
def _after(book, rules, values, held_lot, worth):
    """Value of what is held at the interval's end, where what is beyond the limit of a hedge is closed at the touch."""
    excess = abs(held_lot) - rules.hedge_lot
    if rules.hedge != state.HEDGE_LIMIT or excess <= 0:
        return table.between(values, held_lot / rules.order_lot)
    side = 1 if held_lot > 0 else -1
    closed = clients.closing(book.bid_tick, book.ask_tick, side, worth, rules)
    return table.between(values, side * rules.hedge_lot / rules.order_lot) + excess * closed


@jit.kernel
def expect(book, rules, order, seconds):
    """Notes in a book what an order that has just been sent is expected to do until the next decision."""
    book.held_s = book.abs_lot_s
    book.ask_chance, book.bid_chance = 0.0, 0.0
    spread = float(book.ask_tick - book.bid_tick)
    # post-only: never better than a tick behind the far touch
    book.lesson_ask = max(order.ask_tick, book.bid_tick + 1)
    book.lesson_bid = min(order.bid_tick, book.ask_tick - 1)
    if order.ask_lot > 0 and book.inventory_lot - order.ask_lot >= -rules.limit_lot:
        book.ask_chance = chance(book.lesson_ask - book.ask_tick, spread, seconds, rules)
    if order.bid_lot > 0 and book.inventory_lot + order.bid_lot <= rules.limit_lot:
        book.bid_chance = chance(book.bid_tick - book.lesson_bid, spread, seconds, rules)


@jit.kernel
def reward(books, rules, values, risk, observation):
    """Reward of the step that `expect` looked forward to, tick x lot of the first instrument.

    Args:
        values: (N, 2 L + 1) v by orders held, tick x lot; or (1, S) of the whole book (tfmm.simulation.books).
        risk: of all instruments together, or 0: each by itself.
        observation: (N F,) at the interval's end.
    """
    total = -risk
    whole = values.shape[0] < books.shape[0]
    if whole:
        total += books_lib.gained(books, rules, values[0])
    for n in range(books.shape[0]):
        book, rule = books[n], rules[n]
        worth = fair(book, rule, drift_of(observation, n, books.shape[0]))
        own = book.hedge_gain + rule.order_lot * book.ask_chance * (book.lesson_ask - worth)
        own += rule.order_lot * book.bid_chance * (worth - book.lesson_bid)
        if risk == 0.0:
            own -= rule.risk * (book.abs_lot_s - book.held_s)
        if not whole:
            now = table.between(values[n], book.held_lot / rule.order_lot)
            low = _after(book, rule, values[n], book.held_lot - rule.order_lot, worth)
            high = _after(book, rule, values[n], book.held_lot + rule.order_lot, worth)
            down = book.ask_chance * (1.0 - book.bid_chance)
            up = book.bid_chance * (1.0 - book.ask_chance)
            own += down * (low - now) + up * (high - now)
        total += rule.weight * own
    return total
