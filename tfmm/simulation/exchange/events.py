"""Applies events to the books: the loop under replay and environments alike.

Most events change nothing but the market. They are skipped by comparing prices alone; the book learns of the
last quote when something happens: a possible fill, an activation, the end of the stretch.
"""

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import state
from tfmm.simulation.exchange import events as events_lib, fills

_QUOTE, _BUY, _SELL = schema.QUOTE, schema.BUY, schema.SELL
_FOREVER, _NEVER = state.FOREVER, state.NEVER
_QUEUE = state.TOUCH_QUEUE


@jit.kernel
def seek(events, start, stop, ts):
    """First row of events[start:stop] later than ts."""
    while start < stop:
        middle = (start + stop) // 2
        if events[middle].ts <= ts:
            start = middle + 1
        else:
            stop = middle
    return start


@jit.kernel
def _skip(events, cursor, stop, last_ns, bid_tick, ask_tick, gap_ns, before_ns):
    """First row later than last_ns, after a gap, or at or through one of the prices; stop without one."""
    while cursor < stop:
        event = events[cursor]
        if event.ts > last_ns or event.lo_tick >= ask_tick or event.hi_tick <= bid_tick:
            break
        if event.ts - before_ns > gap_ns:
            break
        before_ns = event.ts
        cursor += 1
    return cursor


@jit.kernel
def _skip_dense(events, cursor, stop, last_ns, bid_tick, ask_tick):
    """_skip where gaps do not matter: the loop that everything's speed comes from."""
    while cursor < stop:
        event = events[cursor]
        if event.ts > last_ns or event.lo_tick >= ask_tick or event.hi_tick <= bid_tick:
            break
        cursor += 1
    return cursor


@jit.kernel
def _catch_up(book, events, start, stop):
    """The market moves to the last quote of events[start:stop]."""
    for row in range(stop - 1, start - 1, -1):
        if events[row].kind == _QUOTE:
            fills.show(book, events[row])
            break


@jit.kernel
def _count_flow(book, event):
    if event.side == _BUY:
        book.buy_size += event.lo_size
    elif event.side == _SELL:
        book.sell_size += event.lo_size


@jit.kernel
def _apply(books, event, row, rules, log, n_log):
    n = event.instrument
    if not rules[n].tape_fills:
        if event.kind == _QUOTE:
            fills.show(books[n], event)
        else:
            _count_flow(books[n], event)
        return n_log
    if event.kind == _QUOTE:
        return fills.meet_quote(books[n], event, row, rules[n], log, n_log)
    _count_flow(books[n], event)
    return fills.meet_trade(books[n], event, row, rules[n], log, n_log)


@jit.kernel
def _full(books, log, n_log):
    """Whether the log might not hold the fills of one more event and of every quote still in flight."""
    if log.shape[0] == 0:
        return False
    waiting = 0
    for n in range(books.shape[0]):
        waiting += books[n].tail - books[n].head
    return n_log + 2 * (waiting + 1) > log.shape[0]


@jit.kernel
def _watched(book, rules):
    """Prices that an event must reach to matter: ours; in queue mode any change at our price matters too."""
    if not rules.tape_fills:
        return state.NO_BID, state.NO_ASK
    if rules.touch == _QUEUE and book.my_bid_lot + book.my_ask_lot > 0:
        return _FOREVER, _NEVER
    return book.my_bid_tick, book.my_ask_tick


@jit.kernel
def advance(events, cursor, stop, until, books, rings, rules, flow, pause, log, n_log, outcomes):
    """Applies events[cursor:stop] with ts <= until, and every activation due by then.

    Args:
        events: (E,) schema.EVENT.
        books: (N,) state.BOOK of one batch row. rings: (N, L) state.ORDER. rules: (N,) state.PARAMETERS.
        flow: whether traded sizes are summed up for the features. pause: whether to stop after every fill.
        log: (K,) state.FILL, or empty to keep no log. outcomes: (N, L, 2) int8, or empty: state.OUTCOME_NAMES.

    Returns:
        New cursor, new number of log entries. With a log that could overflow it stops early, at a row that is
        neither `stop` nor later than `until`: call it again with a longer log. One that pauses has more to do
        as long as the number of entries changes.
    """
    single = books.shape[0] == 1
    gap_ns = rules[0].gap_ns
    begun = n_log
    next_ns, n_log = fills.activate_due(books, rings, rules, _NEVER, cursor, log, n_log, outcomes)
    while cursor < stop:
        if pause and n_log != begun:
            return cursor, n_log
        if single:
            book = books[0]
            start, limit_ns = cursor, min(until, next_ns)
            bid_tick, ask_tick = _watched(book, rules[0])
            if gap_ns < _FOREVER:
                cursor = _skip(events, cursor, stop, limit_ns, bid_tick, ask_tick, gap_ns, book.last_ns)
            else:
                cursor = _skip_dense(events, cursor, stop, limit_ns, bid_tick, ask_tick)
            if cursor > start:
                _catch_up(book, events, start, cursor)
                book.last_ns = events[cursor - 1].ts
                if flow:
                    for row in range(start, cursor):
                        _count_flow(book, events[row])
            if cursor == stop:
                break
        event = events[cursor]
        if event.ts > until or _full(books, log, n_log):
            break
        if event.ts > next_ns:
            next_ns, n_log = fills.activate_due(books, rings, rules, event.ts - 1, cursor, log, n_log, outcomes)
            if single and event.ts - books[0].last_ns <= gap_ns:
                continue
        if books[0].last_ns > _NEVER and event.ts - books[0].last_ns > gap_ns:
            for n in range(books.shape[0]):
                fills.pull(books[n], rules[n])
        books[0].last_ns = event.ts
        n_log = _apply(books, event, cursor, rules, log, n_log)
        cursor += 1
    if pause and n_log != begun:
        return cursor, n_log
    if next_ns <= until and (cursor == stop or events[cursor].ts > until):
        _, n_log = fills.activate_due(books, rings, rules, until, cursor, log, n_log, outcomes)
    return cursor, n_log


@jit.kernel
def mid_at(events, cursor, stop, ts, n, mid):
    """Mid of instrument n at a time, from events[cursor:stop] and, without a quote among them by then, `mid`."""
    for place in range(events_lib.seek(events, cursor, stop, ts) - 1, cursor - 1, -1):
        if events[place].kind == _QUOTE and events[place].instrument == n:
            return 0.5 * (events[place].lo_tick + events[place].hi_tick)
    return mid
