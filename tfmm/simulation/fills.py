"""The fill rules (README, "Fill rules"): activation, the market through us, a print through us."""

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import ledger, state

_QUOTE, _BUY, _SELL = schema.QUOTE, schema.BUY, schema.SELL
_NO_BID, _NO_ASK, _FOREVER = state.NO_BID, state.NO_ASK, state.FOREVER
_MARKET, _TRADE, _TOUCH = state.MARKET, state.TRADE, state.TOUCH
_ALWAYS = state.TOUCH_ALWAYS


@jit.kernel
def activate(book, order, rules):
    """Replaces both sides by a quote that reached the venue.

    A marketable price is moved to one tick behind the far touch (`clamp`, post-only); a side whose
    fill could breach the inventory limit is not quoted.
    """
    bid, ask = order.bid_tick, order.ask_tick
    if book.has_market:
        bid = min(bid, book.ask_tick - 1)
        ask = max(ask, book.bid_tick + 1)
    quote_bid = order.bid_lot > 0 and book.inventory_lot + order.bid_lot <= rules.limit_lot
    quote_ask = order.ask_lot > 0 and book.inventory_lot - order.ask_lot >= -rules.limit_lot
    book.my_bid_tick = bid if quote_bid else _NO_BID
    book.my_bid_lot = order.bid_lot if quote_bid else 0
    book.my_ask_tick = ask if quote_ask else _NO_ASK
    book.my_ask_lot = order.ask_lot if quote_ask else 0


@jit.kernel
def activate_due(books, rings, rules, until):
    """Activates, in order, every quote in flight with active_ns <= until.

    Returns the next activation time (ns), FOREVER without one.
    """
    soonest = _FOREVER
    for n in range(books.shape[0]):
        book, ring = books[n], rings[n]
        while book.head < book.tail:
            order = ring[book.head % ring.shape[0]]
            if order.active_ns > until:
                soonest = min(soonest, order.active_ns)
                break
            activate(book, order, rules[n])
            book.head += 1
    return soonest


@jit.kernel
def _fill(book, event, row, side, rule, rules, log, n_log):
    tick = book.my_ask_tick if side == _SELL else book.my_bid_tick
    lots = book.my_ask_lot if side == _SELL else book.my_bid_lot
    fee = ledger.apply_fill(book, side, tick, lots, rules.maker_rate, event.ts)
    if side == _SELL:
        book.my_ask_tick = _NO_ASK
        book.my_ask_lot = 0
    else:
        book.my_bid_tick = _NO_BID
        book.my_bid_lot = 0
    if log.shape[0] > 0:
        entry = log[n_log]
        entry.ts = event.ts
        entry.event = row
        entry.tick = tick
        entry.lot = lots
        entry.fee = fee
        entry.instrument = event.instrument
        entry.side = side
        entry.rule = rule
    return n_log + 1


@jit.kernel
def meet_quote(book, event, row, rules, log, n_log):
    """Rule 2, then the market moves to the event's quote. Returns the new fill count."""
    if event.lo_tick >= book.my_ask_tick:
        n_log = _fill(book, event, row, _SELL, _MARKET, rules, log, n_log)
    if event.hi_tick <= book.my_bid_tick:
        n_log = _fill(book, event, row, _BUY, _MARKET, rules, log, n_log)
    book.bid_tick = event.lo_tick
    book.ask_tick = event.hi_tick
    book.bid_size = event.lo_size
    book.ask_size = event.hi_size
    book.has_market = 1
    return n_log


@jit.kernel
def meet_trade(book, event, row, rules, log, n_log):
    """Rule 3. Returns the new fill count."""
    on_tick = event.lo_tick == event.hi_tick
    if event.hi_tick >= book.my_ask_tick and book.has_market:
        if event.hi_tick > book.my_ask_tick:
            n_log = _fill(book, event, row, _SELL, _TRADE, rules, log, n_log)
        elif on_tick and rules.touch == _ALWAYS and event.side != _SELL:
            n_log = _fill(book, event, row, _SELL, _TOUCH, rules, log, n_log)
    if event.lo_tick <= book.my_bid_tick and book.has_market:
        if event.lo_tick < book.my_bid_tick:
            n_log = _fill(book, event, row, _BUY, _TRADE, rules, log, n_log)
        elif on_tick and rules.touch == _ALWAYS and event.side != _BUY:
            n_log = _fill(book, event, row, _BUY, _TOUCH, rules, log, n_log)
    if event.side == _BUY:
        book.buy_size += event.lo_size
    elif event.side == _SELL:
        book.sell_size += event.lo_size
    return n_log


@jit.kernel
def advance(events, cursor, stop, until, books, rings, rules, log, n_log):
    """Applies events[cursor:stop] with ts <= until, and every activation due by then.

    Args:
        events: (E,) schema.EVENT.
        books: (N,) state.BOOK of one batch row. rings: (N, L) state.ORDER. rules: (N,) state.PARAMETERS.
        log: (K,) state.FILL with room for every possible fill, or empty to keep no log.

    Returns:
        New cursor, new number of log entries.
    """
    next_ns = activate_due(books, rings, rules, -_FOREVER)
    while cursor < stop:
        event = events[cursor]
        if event.ts > until:
            break
        if event.ts > next_ns:
            next_ns = activate_due(books, rings, rules, event.ts - 1)
        n = event.instrument
        if event.kind == _QUOTE:
            n_log = meet_quote(books[n], event, cursor, rules[n], log, n_log)
        else:
            n_log = meet_trade(books[n], event, cursor, rules[n], log, n_log)
        cursor += 1
    if next_ns <= until:
        activate_due(books, rings, rules, until)
    return cursor, n_log
