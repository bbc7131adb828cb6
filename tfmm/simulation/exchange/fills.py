"""The fill rules (README, "Fill rules"): activation, the market through us, a print at or through us."""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.market import schema
from tfmm.simulation import arguments, sizes, state
from tfmm.simulation.exchange import admission, displayed, fees, ledger, queue

_QUOTE, _BUY, _SELL = schema.QUOTE, schema.BUY, schema.SELL
_NO_BID, _NO_ASK, _FOREVER = state.NO_BID, state.NO_ASK, state.FOREVER
_MARKET, _TRADE, _TOUCH, _QUEUE, _TAKER = state.MARKET, state.TRADE, state.TOUCH, state.QUEUE, state.TAKER
_TOUCH_NEVER, _TOUCH_ALWAYS, _TOUCH_QUEUE = state.TOUCH_NEVER, state.TOUCH_ALWAYS, state.TOUCH_QUEUE


@jit.kernel
def activate(
    instrument: Record, order: Record, parameters: Record, log: arguments.FillLog, row: int, n: int, after_gap: bool
) -> None:
    """Replaces both sides by a quote that reached the venue, as far as admission.admit lets it rest.

    A marketable price that it leaves is filled at the touch (take).

    Args:
        row: the next event; a taker fill names the one before it. n: instrument. after_gap: see admission.admit.
    """
    admission.admit(instrument, order, parameters, after_gap)
    bid, ask, bid_lot, ask_lot = order.bid_tick, order.ask_tick, order.bid_lot, order.ask_lot
    take_bid = bid_lot > 0 and bid >= instrument.touch_ask_tick
    take_ask = ask_lot > 0 and ask <= instrument.touch_bid_tick
    replace_quotes(
        instrument, parameters, bid if bid_lot > 0 else _NO_BID, bid_lot, ask if ask_lot > 0 else _NO_ASK, ask_lot
    )
    if take_ask:
        lots = _take(
            instrument.my_ask_lot, instrument.bid_taken, instrument.touch_bid_tick, instrument.bid_size, parameters
        )
        trade = arguments.Trade(_SELL, instrument.touch_bid_tick, lots, order.active_ns, row - 1, n, _TAKER)
        fill(instrument, trade, parameters, log)
        if lots > 0:
            order.ask_outcome = state.TAKEN
    if take_bid:
        lots = _take(
            instrument.my_bid_lot, instrument.ask_taken, instrument.touch_ask_tick, instrument.ask_size, parameters
        )
        trade = arguments.Trade(_BUY, instrument.touch_ask_tick, lots, order.active_ns, row - 1, n, _TAKER)
        fill(instrument, trade, parameters, log)
        if lots > 0:
            order.bid_outcome = state.TAKEN
    instrument.n_refused += order.bid_outcome >= state.INVENTORY_LIMIT
    instrument.n_refused += order.ask_outcome >= state.INVENTORY_LIMIT


@jit.kernel
def activate_due(account: arguments.Account, until: int, row: int, log: arguments.FillLog) -> int:
    """Activates, in order, every quote in flight with active_ns <= until.

    One that arrives more than the gap after the last event is refused.

    Returns:
        The next activation time (ns), FOREVER without one.
    """
    instruments, in_flight, parameters = account.instruments, account.in_flight, account.parameters
    soonest = _FOREVER
    for n in range(instruments.shape[0]):
        instrument = instruments[n]
        while instrument.head < instrument.tail:
            index = instrument.head
            if index >= in_flight.shape[1]:  # a division costs more than everything else here
                index %= in_flight.shape[1]
            order = in_flight[n, index]
            if order.active_ns > until:
                soonest = min(soonest, order.active_ns)
                break
            last_ns, gap_ns = instruments[0].last_ns, parameters[0].gap_ns
            if order.active_ns - last_ns > gap_ns:
                cancel_all(instrument, parameters[n])
            after_gap = admission.is_after_gap(order.active_ns, last_ns, gap_ns)
            activate(instrument, order, parameters[n], log, row, n, after_gap)
            instrument.head += 1
    return soonest


@jit.kernel
def _available(lots, size, parameters):
    """Lots that a trade of a size (size unit) may fill."""
    if not parameters.partial:
        return lots
    return min(lots, sizes.millionths(size, parameters) // sizes.LOT)


@jit.kernel
def _take(lots, taken, tick, size, parameters):
    """Lots that the best price of the market, which displays a size (size unit), fills; they are taken from it."""
    if not parameters.partial:
        return lots
    filled = min(lots, displayed.left(taken, tick, sizes.millionths(size, parameters)) // sizes.LOT)
    if filled > 0:
        displayed.take(taken, tick, filled * sizes.LOT)
    return filled


@jit.kernel
def _of_queue(lots, left, parameters):
    """Lots that a trade at our price fills which leaves `left` whole lots beyond the queue before us."""
    if parameters.partial:
        return min(lots, left)
    return lots if left > 0 else 0


@jit.kernel
def book_fill(instrument: Record, trade: arguments.Trade, parameters: Record, log: arguments.FillLog) -> None:
    """Moves inventory and cash by a trade of ours and logs it."""
    fee = fees.of_fill(instrument, trade, parameters)
    ledger.apply_fill(instrument, trade.side, trade.tick, trade.lots, fee, parameters.reference_tick, trade.ts)
    if log.fills.shape[0] > 0:
        entry = log.fills[log.counter.n_fills]
        entry.ts, entry.event, entry.tick, entry.lot = trade.ts, trade.event, trade.tick, trade.lots
        entry.fee, entry.instrument, entry.side, entry.rule = fee, trade.instrument, trade.side, trade.rule
    log.counter.n_fills += 1


@jit.kernel
def fill(instrument: Record, trade: arguments.Trade, parameters: Record, log: arguments.FillLog) -> None:
    """Fills lots of our quote on a side; nothing where lots is 0."""
    if trade.lots <= 0:
        return
    book_fill(instrument, trade, parameters, log)
    if trade.side == _SELL:
        instrument.my_ask_lot -= trade.lots
        if instrument.my_ask_lot == 0:
            instrument.my_ask_tick = _NO_ASK
    else:
        instrument.my_bid_lot -= trade.lots
        if instrument.my_bid_lot == 0:
            instrument.my_bid_tick = _NO_BID


@jit.kernel
def on_quote(instrument: Record, event: Record, row: int, parameters: Record, log: arguments.FillLog) -> None:
    """Rule 2, then the market moves to the event's quote."""
    n = event.instrument
    if parameters.partial:
        show(instrument, event, parameters)
    if event.lo_tick >= instrument.my_ask_tick:
        lots = _take(instrument.my_ask_lot, instrument.bid_taken, event.lo_tick, event.lo_size, parameters)
        trade = arguments.Trade(_SELL, instrument.my_ask_tick, lots, event.ts, row, n, _MARKET)
        fill(instrument, trade, parameters, log)
    if event.hi_tick <= instrument.my_bid_tick:
        lots = _take(instrument.my_bid_lot, instrument.ask_taken, event.hi_tick, event.hi_size, parameters)
        trade = arguments.Trade(_BUY, instrument.my_bid_tick, lots, event.ts, row, n, _MARKET)
        fill(instrument, trade, parameters, log)
    if parameters.touch == _TOUCH_QUEUE:
        queue.on_depth(instrument, event, parameters)
    set_market(instrument, event)


@jit.kernel
def show(instrument: Record, event: Record, parameters: Record) -> None:
    """The market displays other sizes: what is left of what we took there."""
    bid_size = sizes.millionths(event.lo_size, parameters)
    displayed.on_quote(instrument.bid_taken, _BUY, event.lo_tick, bid_size)
    ask_size = sizes.millionths(event.hi_size, parameters)
    displayed.on_quote(instrument.ask_taken, _SELL, event.hi_tick, ask_size)


@jit.kernel
def set_market(instrument: Record, event: Record) -> None:
    """The market moves to the event's quote; inventory stays marked at the last quote of two sides."""
    instrument.touch_bid_tick = event.lo_tick
    instrument.touch_ask_tick = event.hi_tick
    instrument.bid_size = event.lo_size
    instrument.ask_size = event.hi_size
    instrument.has_market = event.kind == _QUOTE
    if instrument.has_market:
        instrument.bid_tick = event.lo_tick
        instrument.ask_tick = event.hi_tick


@jit.kernel
def on_trade(instrument: Record, event: Record, row: int, parameters: Record, log: arguments.FillLog) -> None:
    """Rule 3.

    A print at the market's best price whose aggressor may have hit that price is of the size that is displayed there:
    with `partial` what we took of it before was not there for him.
    """
    if instrument.touch_bid_tick == _NO_BID and instrument.touch_ask_tick == _NO_ASK:
        return
    n, on_tick, always = event.instrument, event.lo_tick == event.hi_tick, parameters.touch == _TOUCH_ALWAYS
    rule, lots = _TRADE, 0
    if event.hi_tick > instrument.my_ask_tick:
        lots = _available(instrument.my_ask_lot, event.lo_size, parameters)
    elif on_tick and event.hi_tick == instrument.my_ask_tick and event.side != _SELL and always:
        rule, lots = _TOUCH, _available(instrument.my_ask_lot, event.lo_size, parameters)
    elif on_tick and event.hi_tick == instrument.my_ask_tick and event.side != _SELL:
        left = queue.on_trade_at_ask(instrument, event.lo_size, parameters)
        rule, lots = _QUEUE, _of_queue(instrument.my_ask_lot, left, parameters)
    if lots > 0:
        if parameters.partial and on_tick and event.side != _BUY and event.lo_tick == instrument.touch_bid_tick:
            lots = _take(lots, instrument.bid_taken, instrument.touch_bid_tick, instrument.bid_size, parameters)
        trade = arguments.Trade(_SELL, instrument.my_ask_tick, lots, event.ts, row, n, rule)
        fill(instrument, trade, parameters, log)
    rule, lots = _TRADE, 0
    if event.lo_tick < instrument.my_bid_tick:
        lots = _available(instrument.my_bid_lot, event.lo_size, parameters)
    elif on_tick and event.lo_tick == instrument.my_bid_tick and event.side != _BUY and always:
        rule, lots = _TOUCH, _available(instrument.my_bid_lot, event.lo_size, parameters)
    elif on_tick and event.lo_tick == instrument.my_bid_tick and event.side != _BUY:
        left = queue.on_trade_at_bid(instrument, event.lo_size, parameters)
        rule, lots = _QUEUE, _of_queue(instrument.my_bid_lot, left, parameters)
    if lots > 0:
        if parameters.partial and on_tick and event.side != _SELL and event.hi_tick == instrument.touch_ask_tick:
            lots = _take(lots, instrument.ask_taken, instrument.touch_ask_tick, instrument.ask_size, parameters)
        trade = arguments.Trade(_BUY, instrument.my_bid_tick, lots, event.ts, row, n, rule)
        fill(instrument, trade, parameters, log)


@jit.kernel
def replace_quotes(
    instrument: Record, parameters: Record, bid_tick: int, bid_lot: int, ask_tick: int, ask_lot: int
) -> None:
    """Replaces both sides of our quote; lots 0: no quote on that side."""
    if parameters.touch == _TOUCH_QUEUE:
        queue.join(instrument, parameters, bid_tick, bid_lot, ask_tick, ask_lot)
    if parameters.minimum_fee > 0.0:
        fees.new_orders(instrument, bid_tick, bid_lot, ask_tick, ask_lot)
    instrument.my_bid_tick, instrument.my_bid_lot = bid_tick, bid_lot
    instrument.my_ask_tick, instrument.my_ask_lot = ask_tick, ask_lot


@jit.kernel
def cancel_all(instrument: Record, parameters: Record) -> None:
    """Over a hole in the data: no quote of ours rests, and there is no market until the next quote."""
    replace_quotes(instrument, parameters, _NO_BID, 0, _NO_ASK, 0)
    instrument.has_market = 0
    instrument.touch_bid_tick, instrument.touch_ask_tick = _NO_BID, _NO_ASK
    instrument.bid_taken.count = instrument.ask_taken.count = 0
