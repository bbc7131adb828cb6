"""The law of the inventory along a tape where only clients trade: expectations in the place of draws.

The price path does not depend on us, and whether a client takes a quote has a known probability. So what a quote
does in an interval is known for every inventory it may be sent with: clients who would take our ask come with the
intensity lambda p(x(s)), x(s) how far it is beyond the market's at time s, and
    P(taken) = 1 - exp(-int lambda p(x(s)) ds),
both sides independent of each other. The probabilities of all inventories go forward from decision to decision; the
expected profit, cost of risk and fills of every interval are their means. Nothing is drawn. A hedge is known too: what
the action closes at the decision, or a limit at the interval's end.
Assumes what `tfmm.calibration.known_fills` requires: Poisson clients of one order, no latency; and that hedges are of
whole orders.
"""

import math

import numpy as np

from tfmm import jit
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
        ("last_ns", np.int64),  # of the last event before
        ("row", np.int64),  # next event
        ("stop", np.int64),  # one past the last event of the segment
        ("drift", np.float64),  # the feature
    ]
)
"""What the market was at a decision."""
OUTCOME = np.dtype(
    [
        ("sold", np.float64),
        ("bought", np.float64),
        ("profit", np.float64),
        ("lot_s", np.float64),
        ("hedged_lot", np.float64),
    ]
)
"""Of one interval that begins with a given inventory: probabilities that our ask and our bid are taken, expected change
of the wealth at the mid (tick x lot), expected integral of |inventory| dt, and what is expected to be hedged."""


@jit.kernel
def outcomes(events, markets, actions, rules, out, held):
    """What the quotes of every decision and inventory are expected to do until the next decision.

    Args:
        events: (E,) schema.EVENT. markets: (T + 1,) MARKET at every decision and at the end.
        actions: (T, 2 L + 1, A) float64 as rules say, for inventories -L, ..., L orders.
        rules: () state.PARAMETERS. out: (T, 2 L + 1) OUTCOME, written. held: (T, 2 L + 1) int64, written: place of the
            inventory after the hedge of the decision.
    """
    count = actions.shape[1]
    books, ring = np.zeros(count, state.BOOK), np.zeros(1, state.ORDER)
    kept, no_fills, counters = np.zeros((count, 2)), np.zeros(0, state.FILL), np.zeros(1, state.COUNTER)
    for t in range(actions.shape[0]):
        now, then, log = markets[t], markets[t + 1], arguments.FillLog(no_fills, counters[0])
        for q in range(count):
            held[t, q] = count // 2 + _quote(books[q], ring, rules, now, q - count // 2, actions[t, q], log)
            kept[q, 0] = kept[q, 1] = 1.0
            out[t, q].lot_s = 0.0
        _live(events, now, then.ts, books, kept, rules, out[t])
        moved = 0.5 * (then.bid_tick + then.ask_tick - now.bid_tick - now.ask_tick)
        worth = 0.5 * (then.bid_tick + then.ask_tick)
        for q in range(count):
            book, one = books[q], out[t, q]
            one.sold, one.bought = 1.0 - kept[q, 0], 1.0 - kept[q, 1]
            one.hedged_lot = abs(q - held[t, q]) * rules.order_lot
            one.profit = book.cash - book.fees + (held[t, q] - q) * rules.order_lot * (worth - moved)
            one.profit += book.inventory_lot * moved
            if book.my_ask_lot > 0:
                one.profit += one.sold * book.my_ask_lot * (book.my_ask_tick - worth)
            if book.my_bid_lot > 0:
                one.profit += one.bought * book.my_bid_lot * (worth - book.my_bid_tick)
            if rules.hedge == state.HEDGE_LIMIT:
                _close(then, book.inventory_lot - rules.order_lot, one.sold * (1.0 - one.bought), worth, rules, one)
                _close(then, book.inventory_lot + rules.order_lot, one.bought * (1.0 - one.sold), worth, rules, one)


@jit.kernel
def _close(then, held_lot, chance, worth, rules, one):
    """Closes what is beyond the limit of a hedge, with the probability that so much is held at the interval's end."""
    excess = abs(held_lot) - rules.hedge_lot
    if excess > 0:
        side = 1 if held_lot > 0 else -1
        one.profit += chance * excess * arrivals.closing(then.bid_tick, then.ask_tick, side, worth, rules)
        one.hedged_lot += chance * excess


@jit.kernel
def distances(markets, actions, rules, out):
    """How far from the mid the quotes of `outcomes` rest when they are sent, after rounding and the fill rules.

    Args:
        markets: (T,) MARKET. actions, rules: as `outcomes` takes them. out: (T, 2 L + 1, 2) float64, written: ask and
        bid, in market spreads; NaN: no quote on that side.
    """
    count = actions.shape[1]
    books, ring = np.zeros(1, state.BOOK), np.zeros(1, state.ORDER)
    no_fills, counters = np.zeros(0, state.FILL), np.zeros(1, state.COUNTER)
    for t in range(actions.shape[0]):
        # a record does not keep its array alive: both are taken where the arrays are still needed
        book, log = books[0], arguments.FillLog(no_fills, counters[0])
        now = markets[t]
        mid = 0.5 * (now.bid_tick + now.ask_tick)
        spread = max(float(now.ask_tick - now.bid_tick), state.LOCKED_TICK)
        for q in range(count):
            _quote(book, ring, rules, now, q - count // 2, actions[t, q], log)
            out[t, q, 0] = (book.my_ask_tick - mid) / spread if book.my_ask_lot > 0 else math.nan
            out[t, q, 1] = (mid - book.my_bid_tick) / spread if book.my_bid_lot > 0 else math.nan


@jit.kernel
def _quote(book, ring, rules, now, orders, action, log):
    """A book at a market, with an inventory of so many orders, in which the quotes of an action rest; returns how many
    orders it holds after the hedge that comes before them. log: without fills."""
    book.bid_tick, book.ask_tick, book.has_market = now.bid_tick, now.ask_tick, now.has_market
    book.drift, book.inventory_lot = now.drift, orders * rules.order_lot
    book.my_bid_lot = book.my_ask_lot = 0
    book.cash = book.fees = 0.0
    if rules.hedge == state.HEDGE_ACTION:
        arrivals.hedge_share(book, 0, action[len(action) - 1], now.ts, now.row, rules, log)
    order = quoting.send(book, ring, rules, now.ts, action, math.nan)
    fills.activate(book, order, rules, log, 0, 0)
    return book.inventory_lot // rules.order_lot


@jit.kernel
def _live(events, now, until, books, kept, rules, out):
    """Lets the quotes stand from a decision until a time; kept: (2 L + 1, 2) that ask and bid still rest."""
    stretch = survival.Stretch(now.ts, now.row, now.bid_tick, now.ask_tick, now.has_market > 0, now.last_ns)
    while stretch.start_ns < until:
        following = survival.next_change(events, stretch, now.stop, until, 0, rules.gap_ns)
        for q in range(books.shape[0]):
            book, one = books[q], out[q]
            ask = book.my_ask_tick if book.my_ask_lot > 0 else state.NO_ASK
            bid = book.my_bid_tick if book.my_bid_lot > 0 else state.NO_BID
            quote = survival.Quote(ask, bid, kept[q, 0], kept[q, 1])
            quote, lot_s = survival.outlive(rules, book.inventory_lot, quote, stretch, following.start_ns)
            kept[q, 0], kept[q, 1] = quote.ask_survival, quote.bid_survival
            one.lot_s += lot_s
        stretch = following


@jit.kernel
def forward(out, held, keep, law, means):
    """The law of the inventory from one that is given, and what it makes of the outcomes.

    Args:
        out, held: as `outcomes` writes them. keep: orders beyond which a limit closes the inventory.
        law: (T + 1, 2 L + 1) float64, its first row given. means: (T,) OUTCOME, written.
    """
    limit = law.shape[1] // 2
    count, least, most = law.shape[1], max(limit - keep, 0), min(limit + keep, law.shape[1] - 1)
    for t in range(out.shape[0]):
        law[t + 1] = 0.0
        mean = means[t]
        mean.sold = mean.bought = mean.profit = mean.lot_s = mean.hedged_lot = 0.0
        for q in range(count):
            one, weight = out[t, q], law[t, q]
            if weight == 0.0:
                continue
            mean.sold += weight * one.sold
            mean.bought += weight * one.bought
            mean.profit += weight * one.profit
            mean.lot_s += weight * one.lot_s
            mean.hedged_lot += weight * one.hedged_lot
            place = held[t, q]
            down, up = one.sold * (1.0 - one.bought), one.bought * (1.0 - one.sold)
            if down > 0.0:
                law[t + 1, max(place - 1, least)] += weight * down
            if up > 0.0:
                law[t + 1, min(place + 1, most)] += weight * up
            law[t + 1, place] += weight * (1.0 - down - up)
