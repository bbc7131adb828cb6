"""Clients who trade with the dealer: arrivals, sizes, and whether a price is taken.

Clients of either side arrive as a Poisson process, or excite each other (Hawkes 1971, exponential kernel, thinned
after Ogata 1981). One who wants to buy takes our ask a with a probability that falls with x = (a - A) / S, where A is
the market's ask and S its spread; one who wants to sell takes our bid b with x = (B - b) / S. A trade is for the
smaller of what is wanted and what we quote, at our price, without a fee.
A share of the clients may know more than the market: they buy where the mid will be higher a while later and sell
where it will be lower (Glosten and Milgrom 1985). Every client uses the same three draws whatever is quoted, so
policies on the same seed meet the same clients.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.simulation import randomness, state
from tfmm.simulation.exchange import events as events_lib, fills, ledger

_EXPONENTIAL, _POWER, _LOGISTIC = state.CURVE_EXPONENTIAL, state.CURVE_POWER, state.CURVE_LOGISTIC
_FOREVER, _BUY, _SELL = state.FOREVER, 1, -1


@jit.kernel
def fill_probability(x, rules):
    """Probability that a client takes a price x market spreads beyond the market's.

    exponential: min(1, exp(-k x)); power: min(1, (1 + max(x, 0))^-k); logistic: 1 / (1 + exp(k (x - m)));
    table: linear between the given values, which are at state.TABLE_X, constant outside.
    """
    k = rules.client_k
    if rules.client_curve == _EXPONENTIAL:
        return min(1.0, math.exp(min(0.0, -k * x)))
    if rules.client_curve == _POWER:
        return (1.0 + max(x, 0.0)) ** -k
    if rules.client_curve == _LOGISTIC:
        return 1.0 / (1.0 + math.exp(min(max(k * (x - rules.client_middle), -700.0), 700.0)))
    last = rules.client_table.shape[0] - 1
    place = (x - state.TABLE_FROM) / state.TABLE_STEP
    if place <= 0.0:
        return rules.client_table[0]
    if place >= last:
        return rules.client_table[last]
    low = int(place)
    return rules.client_table[low] + (place - low) * (rules.client_table[low + 1] - rules.client_table[low])


@jit.kernel
def begin(row, books, rules):
    """Starts the clients of a window at row.ts, each instrument on its own stream."""
    for n in range(books.shape[0]):
        book = books[n]
        row.random += np.uint64(1)
        book.random = randomness.mixed(row.random + np.uint64(n) * np.uint64(0xD1B54A32D192ED03))
        book.client_excess = 0.0
        book.client_ns = row.ts
        _draw_next(book, rules[n])


@jit.kernel
def _draw_next(book, rules):
    """Moves book.client_ns on to the next arrival; FOREVER without clients."""
    if rules.client_rate <= 0.0:
        book.client_ns = _FOREVER
        return
    base = 2.0 * rules.client_rate * (1.0 - rules.client_branching)
    waited = 0.0
    while True:
        bound = base + book.client_excess
        wait = randomness.exponential(book) / bound
        waited += wait
        if rules.client_branching == 0.0:
            break
        book.client_excess *= math.exp(-rules.client_decay * wait)
        if randomness.uniform(book) * bound <= base + book.client_excess:
            break
    book.client_excess += rules.client_branching * rules.client_decay
    book.client_ns += np.int64(waited * 1e9) + 1


@jit.kernel
def next_arrival(books):
    """(instrument, time in ns) of the next client."""
    first = 0
    for n in range(1, books.shape[0]):
        if books[n].client_ns < books[first].client_ns:
            first = n
    return first, books[first].client_ns


@jit.kernel
def _wants(events, cursor, stop, book, n, rules):
    """Side of the client who has just arrived; one draw, whoever it is."""
    draw = randomness.uniform(book)
    if draw >= rules.client_informed:
        return _BUY if draw - rules.client_informed < 0.5 * (1.0 - rules.client_informed) else _SELL
    now = 0.5 * (book.bid_tick + book.ask_tick)
    later = events_lib.mid_at(events, cursor, stop, book.client_ns + rules.client_ahead_ns, n, now)
    if later == now:
        return _BUY if draw < 0.5 * rules.client_informed else _SELL
    return _BUY if later > now else _SELL


@jit.kernel
def serve(events, cursor, stop, books, n, rules, log, n_log):
    """The client who has just arrived trades or not, and the next one is drawn.

    Args:
        events: (E,) schema.EVENT, events[cursor:stop] still to come: what informed clients know.

    Returns:
        The new fill count.
    """
    book, rule = books[n], rules[n]
    wants = _wants(events, cursor, stop, book, n, rule)
    size = randomness.exponential(book)
    decides = randomness.uniform(book)
    lots = rule.client_lot
    if rule.client_random_size:
        lots = np.int64(1 + size * (rule.client_lot - 1) + 0.5)
    if book.has_market:
        spread = max(float(book.ask_tick - book.bid_tick), state.LOCKED_TICK)
        side, tick, ours, beyond = _SELL, book.my_ask_tick, book.my_ask_lot, book.my_ask_tick - book.ask_tick
        if wants == _SELL:
            side, tick, ours, beyond = _BUY, book.my_bid_tick, book.my_bid_lot, book.bid_tick - book.my_bid_tick
        if ours > 0 and decides < fill_probability(beyond / spread, rule):
            n_log = fills.fill(
                book, side, tick, min(lots, ours), book.client_ns, cursor - 1, n, state.CLIENT, rule, log, n_log
            )
    _draw_next(book, rule)
    return n_log


@jit.kernel
def closing(bid_tick, ask_tick, side, worth, rules):
    """What closing a lot of a long (side +1) or short inventory at the touch brings over its worth, fee paid, tick."""
    touch = bid_tick if side > 0 else ask_tick
    return side * (touch - worth) - rules.taker_rate * ledger.notional(touch, rules.reference_tick)


@jit.kernel
def hedge_share(book, n, share, ts, event_row, rules, log, n_log):
    """Closes a share of the inventory, in whole lots, as `hedge` does; below 0 is none. The new fill count."""
    held = abs(book.inventory_lot)
    keep = held - np.int64(min(max(share, 0.0), 1.0) * held + 0.5)
    return hedge(book, n, keep, ts, event_row, rules, log, n_log)


@jit.kernel
def hedge(book, n, keep_lot, ts, event_row, rules, log, n_log):
    """Closes the inventory beyond +/- keep_lot at the market's touch, with the taker fee; new fill count."""
    excess = abs(book.inventory_lot) - keep_lot
    if excess <= 0 or not book.has_market:
        return n_log
    side = _SELL if book.inventory_lot > 0 else _BUY
    tick = book.bid_tick if side == _SELL else book.ask_tick
    return fills.deal(book, side, tick, excess, ts, event_row, n, state.HEDGE, rules, log, n_log)
