"""The fill rules (README, "Fill rules"): activation, the market through us, a print at or through us."""

import numpy as np

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import state
from tfmm.simulation.exchange import ledger, queue

_QUOTE, _BUY, _SELL = schema.QUOTE, schema.BUY, schema.SELL
_NO_BID, _NO_ASK, _FOREVER = state.NO_BID, state.NO_ASK, state.FOREVER
_MARKET, _TRADE, _TOUCH, _QUEUE, _TAKER = state.MARKET, state.TRADE, state.TOUCH, state.QUEUE, state.TAKER
_TOUCH_NEVER, _TOUCH_ALWAYS, _TOUCH_QUEUE = state.TOUCH_NEVER, state.TOUCH_ALWAYS, state.TOUCH_QUEUE
_CLIENT, _HEDGE = state.CLIENT, state.HEDGE
_CLAMP, _REJECT = state.CLAMP, state.REJECT
_IN_LOTS = 1e-9


@jit.kernel
def activate(book, order, rules, row, n, log, n_log, outcomes, place):
    """Replaces both sides by a quote that reached the venue.

    A side whose fill could breach a limit is not quoted. A marketable price is moved to one tick behind the
    far touch (clamp), refused (reject) or filled at the touch (take).

    Args:
        row: the next event; a taker fill names the one before it. n: instrument. place: of the quote in its ring.
        outcomes: (N, L, 2) int8 of bid and ask, or empty.

    Returns:
        New fill count.
    """
    bid, ask = order.bid_tick, order.ask_tick
    bid_lot, ask_lot = order.bid_lot, order.ask_lot
    bid_is, ask_is = state.QUOTED if bid_lot > 0 else state.NOT_SENT, state.QUOTED if ask_lot > 0 else state.NOT_SENT
    if bid_lot > 0 and book.inventory_lot + bid_lot > rules.limit_lot:
        bid_lot, bid_is = 0, state.INVENTORY_LIMIT
    elif bid_lot > 0 and book.cash - book.fees - bid_lot * float(bid) < -rules.cash_limit:
        bid_lot, bid_is = 0, state.CASH_LIMIT
    if ask_lot > 0 and book.inventory_lot - ask_lot < -rules.limit_lot:
        ask_lot, ask_is = 0, state.INVENTORY_LIMIT
    take_bid = book.has_market and bid_lot > 0 and bid >= book.ask_tick
    take_ask = book.has_market and ask_lot > 0 and ask <= book.bid_tick
    if take_bid and rules.marketable == _CLAMP:
        bid, bid_is, take_bid = book.ask_tick - 1, state.MOVED, False
    elif take_bid and rules.marketable == _REJECT:
        bid_lot, bid_is, take_bid = 0, state.REJECTED, False
    if take_ask and rules.marketable == _CLAMP:
        ask, ask_is, take_ask = book.bid_tick + 1, state.MOVED, False
    elif take_ask and rules.marketable == _REJECT:
        ask_lot, ask_is, take_ask = 0, state.REJECTED, False
    rest(book, rules, bid if bid_lot > 0 else _NO_BID, bid_lot, ask if ask_lot > 0 else _NO_ASK, ask_lot)
    if take_ask:
        lots = _available(book.my_ask_lot, book.bid_size, rules)
        n_log = fill(book, _SELL, book.bid_tick, lots, order.active_ns, row - 1, n, _TAKER, rules, log, n_log)
        ask_is = state.TAKEN
    if take_bid:
        lots = _available(book.my_bid_lot, book.ask_size, rules)
        n_log = fill(book, _BUY, book.ask_tick, lots, order.active_ns, row - 1, n, _TAKER, rules, log, n_log)
        bid_is = state.TAKEN
    book.n_refused += (bid_is >= state.INVENTORY_LIMIT) + (ask_is >= state.INVENTORY_LIMIT)
    if outcomes.shape[0] > 0:
        outcomes[n, place, 0], outcomes[n, place, 1] = bid_is, ask_is
    return n_log


@jit.kernel
def activate_due(books, rings, rules, until, row, log, n_log, outcomes):
    """Activates, in order, every quote in flight with active_ns <= until.

    One that arrives more than the gap after the last event meets no market.

    Returns:
        The next activation time (ns), FOREVER without one; the new fill count.
    """
    soonest = _FOREVER
    for n in range(books.shape[0]):
        book = books[n]
        while book.head < book.tail:
            place = book.head
            if place >= rings.shape[1]:  # a division costs more than everything else here
                place %= rings.shape[1]
            order = rings[n, place]
            if order.active_ns > until:
                soonest = min(soonest, order.active_ns)
                break
            if order.active_ns - books[0].last_ns > rules[0].gap_ns:
                pull(book, rules[n])
            n_log = activate(book, order, rules[n], row, n, log, n_log, outcomes, place)
            book.head += 1
    return soonest, n_log


@jit.kernel
def _available(lots, size, rules):
    """Lots that may be filled against a size (size unit)."""
    if not rules.partial:
        return lots
    return min(lots, np.int64(np.floor(size / rules.lot_size + _IN_LOTS)))


@jit.kernel
def deal(book, side, tick, lots, ts, row, n, rule, rules, log, n_log):
    """Books and logs a trade of ours. Returns the new fill count."""
    rate = rules.taker_rate if rule in (_TAKER, _HEDGE) else 0.0 if rule == _CLIENT else rules.maker_rate
    fee = ledger.apply_fill(book, side, tick, lots, rate, rules.reference_tick, ts)
    if log.shape[0] > 0:
        entry = log[n_log]
        entry.ts, entry.event, entry.tick, entry.lot = ts, row, tick, lots
        entry.fee, entry.instrument, entry.side, entry.rule = fee, n, side, rule
    return n_log + 1


@jit.kernel
def fill(book, side, tick, lots, ts, row, n, rule, rules, log, n_log):
    """Fills lots of our quote on a side; nothing where lots is 0. Returns the new fill count."""
    if lots <= 0:
        return n_log
    n_log = deal(book, side, tick, lots, ts, row, n, rule, rules, log, n_log)
    if side == _SELL:
        book.my_ask_lot -= lots
        if book.my_ask_lot == 0:
            book.my_ask_tick = _NO_ASK
    else:
        book.my_bid_lot -= lots
        if book.my_bid_lot == 0:
            book.my_bid_tick = _NO_BID
    return n_log


@jit.kernel
def meet_quote(book, event, row, rules, log, n_log):
    """Rule 2, then the market moves to the event's quote. Returns the new fill count."""
    n = event.instrument
    if event.lo_tick >= book.my_ask_tick:
        lots = _available(book.my_ask_lot, event.lo_size, rules)
        n_log = fill(book, _SELL, book.my_ask_tick, lots, event.ts, row, n, _MARKET, rules, log, n_log)
    if event.hi_tick <= book.my_bid_tick:
        lots = _available(book.my_bid_lot, event.hi_size, rules)
        n_log = fill(book, _BUY, book.my_bid_tick, lots, event.ts, row, n, _MARKET, rules, log, n_log)
    if rules.touch == _TOUCH_QUEUE:
        queue.see(book, event)
    show(book, event)
    return n_log


@jit.kernel
def show(book, event):
    """The market moves to the event's quote."""
    book.bid_tick = event.lo_tick
    book.ask_tick = event.hi_tick
    book.bid_size = event.lo_size
    book.ask_size = event.hi_size
    book.has_market = 1


@jit.kernel
def meet_trade(book, event, row, rules, log, n_log):
    """Rule 3. Returns the new fill count."""
    if not book.has_market:
        return n_log
    n, on_tick = event.instrument, event.lo_tick == event.hi_tick
    if event.hi_tick > book.my_ask_tick:
        lots = _available(book.my_ask_lot, event.lo_size, rules)
        n_log = fill(book, _SELL, book.my_ask_tick, lots, event.ts, row, n, _TRADE, rules, log, n_log)
    elif on_tick and event.hi_tick == book.my_ask_tick and event.side != _SELL:
        left = event.lo_size if rules.touch == _TOUCH_ALWAYS else queue.sell(book, event.lo_size, rules)
        if left > 0.0:
            lots = _available(book.my_ask_lot, left, rules)
            rule = _TOUCH if rules.touch == _TOUCH_ALWAYS else _QUEUE
            n_log = fill(book, _SELL, book.my_ask_tick, lots, event.ts, row, n, rule, rules, log, n_log)
    if event.lo_tick < book.my_bid_tick:
        lots = _available(book.my_bid_lot, event.lo_size, rules)
        n_log = fill(book, _BUY, book.my_bid_tick, lots, event.ts, row, n, _TRADE, rules, log, n_log)
    elif on_tick and event.lo_tick == book.my_bid_tick and event.side != _BUY:
        left = event.lo_size if rules.touch == _TOUCH_ALWAYS else queue.buy(book, event.lo_size, rules)
        if left > 0.0:
            lots = _available(book.my_bid_lot, left, rules)
            rule = _TOUCH if rules.touch == _TOUCH_ALWAYS else _QUEUE
            n_log = fill(book, _BUY, book.my_bid_tick, lots, event.ts, row, n, rule, rules, log, n_log)
    return n_log


@jit.kernel
def rest(book, rules, bid_tick, bid_lot, ask_tick, ask_lot):
    """Replaces both sides of our quote; lots 0: no quote on that side."""
    if rules.touch == _TOUCH_QUEUE:
        queue.join(book, bid_tick, bid_lot, ask_tick, ask_lot)
    book.my_bid_tick, book.my_bid_lot = bid_tick, bid_lot
    book.my_ask_tick, book.my_ask_lot = ask_tick, ask_lot


@jit.kernel
def pull(book, rules):
    """Over a hole in the data: no quote of ours rests, and there is no market until the next quote."""
    rest(book, rules, _NO_BID, 0, _NO_ASK, 0)
    book.has_market = 0
