"""Applies events to our instruments: the loop under replay and environments alike.

Most events change nothing but the market. They are skipped by comparing prices alone; the instrument takes over the
last quote when something happens: a possible fill, an activation, the end of the stretch.
"""

from tfmm import jit
from tfmm.arrays import Records
from tfmm.market import schema
from tfmm.simulation import arguments, state
from tfmm.simulation.exchange import fills

_QUOTE, _TRADE, _NO_MARKET = schema.QUOTE, schema.TRADE, schema.NO_MARKET
_BUY, _SELL = schema.BUY, schema.SELL
_FOREVER, _NEVER = state.FOREVER, state.NEVER
_QUEUE = state.TOUCH_QUEUE


@jit.kernel
def seek(events: Records, start: int, stop: int, ts: int) -> int:
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
    """_skip where gaps do not matter: the loop that decides how fast everything is."""
    while cursor < stop:
        event = events[cursor]
        if event.ts > last_ns or event.lo_tick >= ask_tick or event.hi_tick <= bid_tick:
            break
        cursor += 1
    return cursor


@jit.kernel
def _catch_up(instrument, events, start, stop):
    """The market moves to the last quote of events[start:stop]."""
    for row in range(stop - 1, start - 1, -1):
        if events[row].kind != _TRADE:
            fills.set_market(instrument, events[row])
            break


@jit.kernel
def _count_flow(instrument, event):
    if event.side == _BUY:
        instrument.buy_size += event.lo_size
    elif event.side == _SELL:
        instrument.sell_size += event.lo_size


@jit.kernel
def _apply(account, event, row, log):
    instrument, parameters = account.instruments[event.instrument], account.parameters[event.instrument]
    if event.kind == _TRADE:
        _count_flow(instrument, event)
        if parameters.tape_fills:
            fills.on_trade(instrument, event, row, parameters, log)
    elif event.kind == _NO_MARKET:
        fills.cancel_all(instrument, parameters)
        fills.set_market(instrument, event)
    elif parameters.tape_fills:
        fills.on_quote(instrument, event, row, parameters, log)
    else:
        if parameters.partial:
            fills.show(instrument, event, parameters)
        fills.set_market(instrument, event)


@jit.kernel
def _full(instruments, log):
    """Whether the log might not hold the fills of one more event and of every quote still in flight."""
    if log.fills.shape[0] == 0:
        return False
    waiting = 0
    for n in range(instruments.shape[0]):
        waiting += instruments[n].tail - instruments[n].head
    return log.counter.n_fills + 2 * (waiting + 1) > log.fills.shape[0]


@jit.kernel
def _prices_that_matter(instrument, parameters):
    """Bid and ask that an event must reach to matter: ours; in queue mode any change at our price matters too, and
    while we remember displayed size that we took any quote."""
    if parameters.partial and instrument.bid_taken.count + instrument.ask_taken.count > 0:
        return _FOREVER, _NEVER
    if not parameters.tape_fills:
        return state.NO_BID, state.NO_ASK
    if parameters.touch == _QUEUE and instrument.my_bid_lot + instrument.my_ask_lot > 0:
        return _FOREVER, _NEVER
    return instrument.my_bid_tick, instrument.my_ask_tick


@jit.kernel
def advance(
    events: Records,
    cursor: int,
    stop: int,
    until: int,
    account: arguments.Account,
    count_flow: bool,
    stop_at_fill: bool,
    log: arguments.FillLog,
) -> int:
    """Applies events[cursor:stop] with ts <= until, and every activation due by then.

    Args:
        events: (E,) schema.EVENT. account: arguments.Account of one batch row.
        count_flow: whether traded sizes are summed up for the features.
        stop_at_fill: whether to return after every event that fills us.
        log: arguments.FillLog; its count grows.

    Returns:
        New cursor. With a log that could overflow it returns early, at a row that is neither `stop` nor later than
        `until`: call it again with a longer log. One that stops at fills has more to do as long as the count changes.
    """
    instruments, parameters = account.instruments, account.parameters
    single = instruments.shape[0] == 1
    gap_ns = parameters[0].gap_ns
    count_before = log.counter.n_fills
    next_ns = fills.activate_due(account, _NEVER, cursor, log)
    while cursor < stop:
        if stop_at_fill and log.counter.n_fills != count_before:
            return cursor
        if single:
            instrument = instruments[0]
            start, limit_ns = cursor, min(until, next_ns)
            bid_tick, ask_tick = _prices_that_matter(instrument, parameters[0])
            if gap_ns < _FOREVER:
                cursor = _skip(events, cursor, stop, limit_ns, bid_tick, ask_tick, gap_ns, instrument.last_ns)
            else:
                cursor = _skip_dense(events, cursor, stop, limit_ns, bid_tick, ask_tick)
            if cursor > start:
                _catch_up(instrument, events, start, cursor)
                instrument.last_ns = events[cursor - 1].ts
                if count_flow:
                    for row in range(start, cursor):
                        _count_flow(instrument, events[row])
            if cursor == stop:
                break
        event = events[cursor]
        if event.ts > until or _full(instruments, log):
            break
        if event.ts > next_ns:
            next_ns = fills.activate_due(account, event.ts - 1, cursor, log)
            if single and event.ts - instruments[0].last_ns <= gap_ns:
                continue
        if instruments[0].last_ns > _NEVER and event.ts - instruments[0].last_ns > gap_ns:
            for n in range(instruments.shape[0]):
                fills.cancel_all(instruments[n], parameters[n])
        instruments[0].last_ns = event.ts
        _apply(account, event, cursor, log)
        cursor += 1
    if stop_at_fill and log.counter.n_fills != count_before:
        return cursor
    if next_ns <= until and (cursor == stop or events[cursor].ts > until):
        fills.activate_due(account, until, cursor, log)
    return cursor


@jit.kernel
def mid_at(events: Records, cursor: int, stop: int, ts: int, n: int, mid: float) -> float:
    """Mid of instrument n at a time, from events[cursor:stop] and, without a quote among them by then, `mid`."""
    for k in range(seek(events, cursor, stop, ts) - 1, cursor - 1, -1):
        if events[k].kind == _QUOTE and events[k].instrument == n:
            return 0.5 * (events[k].lo_tick + events[k].hi_tick)
    return mid
