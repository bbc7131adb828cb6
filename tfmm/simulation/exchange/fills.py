"""The fill rules (README, "Fill rules"): activation, the market through us, a print at or through us."""

import numpy as np

from tfmm import jit
from tfmm.arrays import Record
from tfmm.market import schema
from tfmm.simulation import arguments, state
from tfmm.simulation.exchange import ledger, queue

_QUOTE, _BUY, _SELL = schema.QUOTE, schema.BUY, schema.SELL
_NO_BID, _NO_ASK, _FOREVER = state.NO_BID, state.NO_ASK, state.FOREVER
_MARKET, _TRADE, _TOUCH, _QUEUE, _TAKER = state.MARKET, state.TRADE, state.TOUCH, state.QUEUE, state.TAKER
_TOUCH_NEVER, _TOUCH_ALWAYS, _TOUCH_QUEUE = state.TOUCH_NEVER, state.TOUCH_ALWAYS, state.TOUCH_QUEUE
_CLIENT, _HEDGE = state.CLIENT, state.HEDGE
_CLAMP, _REJECT = state.CLAMP, state.REJECT
_IN_LOTS = 1e-9


@jit.kernel
def activate(instrument: Record, order: Record, parameters: Record, log: arguments.FillLog, row: int, n: int) -> None:
    """Replaces both sides by a quote that reached the venue.

    A side whose fill could breach a limit is not quoted. A marketable price is moved to one tick behind the
    far touch (clamp), refused (reject) or filled at the touch (take).

    Args:
        row: the next event; a taker fill names the one before it. n: instrument.
    """
    bid, ask = order.bid_tick, order.ask_tick
    bid_lot, ask_lot = order.bid_lot, order.ask_lot
    bid_is, ask_is = state.QUOTED if bid_lot > 0 else state.NOT_SENT, state.QUOTED if ask_lot > 0 else state.NOT_SENT
    if bid_lot > 0 and instrument.inventory_lot + bid_lot > parameters.limit_lot:
        bid_lot, bid_is = 0, state.INVENTORY_LIMIT
    elif bid_lot > 0 and instrument.cash - instrument.fees - bid_lot * float(bid) < -parameters.cash_limit:
        bid_lot, bid_is = 0, state.CASH_LIMIT
    if ask_lot > 0 and instrument.inventory_lot - ask_lot < -parameters.limit_lot:
        ask_lot, ask_is = 0, state.INVENTORY_LIMIT
    take_bid = instrument.has_market and bid_lot > 0 and bid >= instrument.ask_tick
    take_ask = instrument.has_market and ask_lot > 0 and ask <= instrument.bid_tick
    if take_bid and parameters.marketable == _CLAMP:
        bid, bid_is, take_bid = instrument.ask_tick - 1, state.MOVED, False
    elif take_bid and parameters.marketable == _REJECT:
        bid_lot, bid_is, take_bid = 0, state.REJECTED, False
    if take_ask and parameters.marketable == _CLAMP:
        ask, ask_is, take_ask = instrument.bid_tick + 1, state.MOVED, False
    elif take_ask and parameters.marketable == _REJECT:
        ask_lot, ask_is, take_ask = 0, state.REJECTED, False
    replace_quotes(
        instrument, parameters, bid if bid_lot > 0 else _NO_BID, bid_lot, ask if ask_lot > 0 else _NO_ASK, ask_lot
    )
    if take_ask:
        lots = _available(instrument.my_ask_lot, instrument.bid_size, parameters)
        trade = arguments.Trade(_SELL, instrument.bid_tick, lots, order.active_ns, row - 1, n, _TAKER)
        fill(instrument, trade, parameters, log)
        ask_is = state.TAKEN
    if take_bid:
        lots = _available(instrument.my_bid_lot, instrument.ask_size, parameters)
        trade = arguments.Trade(_BUY, instrument.ask_tick, lots, order.active_ns, row - 1, n, _TAKER)
        fill(instrument, trade, parameters, log)
        bid_is = state.TAKEN
    instrument.n_refused += (bid_is >= state.INVENTORY_LIMIT) + (ask_is >= state.INVENTORY_LIMIT)
    order.bid_outcome, order.ask_outcome = bid_is, ask_is


@jit.kernel
def activate_due(account: arguments.Account, until: int, row: int, log: arguments.FillLog) -> int:
    """Activates, in order, every quote in flight with active_ns <= until.

    One that arrives more than the gap after the last event meets no market.

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
            if order.active_ns - instruments[0].last_ns > parameters[0].gap_ns:
                cancel_all(instrument, parameters[n])
            activate(instrument, order, parameters[n], log, row, n)
            instrument.head += 1
    return soonest


@jit.kernel
def _available(lots, size, parameters):
    """Lots that may be filled against a size (size unit)."""
    if not parameters.partial:
        return lots
    return min(lots, np.int64(np.floor(size / parameters.lot_size + _IN_LOTS)))


@jit.kernel
def book_fill(instrument: Record, trade: arguments.Trade, parameters: Record, log: arguments.FillLog) -> None:
    """Moves inventory and cash by a trade of ours and logs it."""
    rate = parameters.maker_rate
    if trade.rule == _TAKER or trade.rule == _HEDGE:
        rate = parameters.taker_rate
    elif trade.rule == _CLIENT:
        rate = 0.0
    fee = ledger.apply_fill(instrument, trade.side, trade.tick, trade.lots, rate, parameters.reference_tick, trade.ts)
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
    if event.lo_tick >= instrument.my_ask_tick:
        lots = _available(instrument.my_ask_lot, event.lo_size, parameters)
        trade = arguments.Trade(_SELL, instrument.my_ask_tick, lots, event.ts, row, n, _MARKET)
        fill(instrument, trade, parameters, log)
    if event.hi_tick <= instrument.my_bid_tick:
        lots = _available(instrument.my_bid_lot, event.hi_size, parameters)
        trade = arguments.Trade(_BUY, instrument.my_bid_tick, lots, event.ts, row, n, _MARKET)
        fill(instrument, trade, parameters, log)
    if parameters.touch == _TOUCH_QUEUE:
        queue.on_depth(instrument, event)
    set_market(instrument, event)


@jit.kernel
def set_market(instrument: Record, event: Record) -> None:
    """The market moves to the event's quote."""
    instrument.bid_tick = event.lo_tick
    instrument.ask_tick = event.hi_tick
    instrument.bid_size = event.lo_size
    instrument.ask_size = event.hi_size
    instrument.has_market = 1


@jit.kernel
def on_trade(instrument: Record, event: Record, row: int, parameters: Record, log: arguments.FillLog) -> None:
    """Rule 3."""
    if not instrument.has_market:
        return
    n, on_tick = event.instrument, event.lo_tick == event.hi_tick
    if event.hi_tick > instrument.my_ask_tick:
        lots = _available(instrument.my_ask_lot, event.lo_size, parameters)
        trade = arguments.Trade(_SELL, instrument.my_ask_tick, lots, event.ts, row, n, _TRADE)
        fill(instrument, trade, parameters, log)
    elif on_tick and event.hi_tick == instrument.my_ask_tick and event.side != _SELL:
        left = event.lo_size
        if parameters.touch != _TOUCH_ALWAYS:
            left = queue.on_trade_at_ask(instrument, event.lo_size, parameters)
        if left > 0.0:
            lots = _available(instrument.my_ask_lot, left, parameters)
            rule = _TOUCH if parameters.touch == _TOUCH_ALWAYS else _QUEUE
            trade = arguments.Trade(_SELL, instrument.my_ask_tick, lots, event.ts, row, n, rule)
            fill(instrument, trade, parameters, log)
    if event.lo_tick < instrument.my_bid_tick:
        lots = _available(instrument.my_bid_lot, event.lo_size, parameters)
        trade = arguments.Trade(_BUY, instrument.my_bid_tick, lots, event.ts, row, n, _TRADE)
        fill(instrument, trade, parameters, log)
    elif on_tick and event.lo_tick == instrument.my_bid_tick and event.side != _BUY:
        left = event.lo_size
        if parameters.touch != _TOUCH_ALWAYS:
            left = queue.on_trade_at_bid(instrument, event.lo_size, parameters)
        if left > 0.0:
            lots = _available(instrument.my_bid_lot, left, parameters)
            rule = _TOUCH if parameters.touch == _TOUCH_ALWAYS else _QUEUE
            trade = arguments.Trade(_BUY, instrument.my_bid_tick, lots, event.ts, row, n, rule)
            fill(instrument, trade, parameters, log)


@jit.kernel
def replace_quotes(
    instrument: Record, parameters: Record, bid_tick: int, bid_lot: int, ask_tick: int, ask_lot: int
) -> None:
    """Replaces both sides of our quote; lots 0: no quote on that side."""
    if parameters.touch == _TOUCH_QUEUE:
        queue.join(instrument, bid_tick, bid_lot, ask_tick, ask_lot)
    instrument.my_bid_tick, instrument.my_bid_lot = bid_tick, bid_lot
    instrument.my_ask_tick, instrument.my_ask_lot = ask_tick, ask_lot


@jit.kernel
def cancel_all(instrument: Record, parameters: Record) -> None:
    """Over a hole in the data: no quote of ours rests, and there is no market until the next quote."""
    replace_quotes(instrument, parameters, _NO_BID, 0, _NO_ASK, 0)
    instrument.has_market = 0
