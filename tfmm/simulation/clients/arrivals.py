"""Clients who trade with the dealer: arrivals, sizes, and whether a price is taken.

Clients of either side arrive as a Poisson process, or excite each other (Hawkes 1971, exponential kernel, thinned
after Ogata 1981). One who wants to buy takes our ask a with a probability that falls with x = (a - A) / S, where A is
the market's ask and S its spread; one who wants to sell takes our bid b with x = (B - b) / S. A trade is for the
smaller of what is wanted and what we quote, at our price, without a fee.
A share of the clients may know more than the market: they buy where the mid will be higher a while later and sell
where it will be lower (Glosten and Milgrom 1985). Every client uses three draws whatever is quoted, so policies on the
same seed meet the same clients.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.simulation import arguments, randomness, state
from tfmm.simulation.exchange import events as events_lib, fees, fills

_EXPONENTIAL, _POWER, _LOGISTIC = state.CURVE_EXPONENTIAL, state.CURVE_POWER, state.CURVE_LOGISTIC
_FOREVER, _BUY, _SELL = state.FOREVER, 1, -1
_CLIENT, _HEDGE = state.CLIENT, state.HEDGE


@jit.kernel
def fill_probability(x: float, parameters: Record) -> float:
    """Probability that a client takes a price x market spreads beyond the market's.

    exponential: min(1, exp(-k x)); power: min(1, (1 + max(x, 0))^-k); logistic: 1 / (1 + exp(k (x - m)));
    table: linear between the given values, which are at state.TABLE_X, constant outside.
    """
    k = parameters.client_k
    if parameters.client_curve == _EXPONENTIAL:
        return min(1.0, math.exp(min(0.0, -k * x)))
    if parameters.client_curve == _POWER:
        return (1.0 + max(x, 0.0)) ** -k
    if parameters.client_curve == _LOGISTIC:
        return 1.0 / (1.0 + math.exp(min(max(k * (x - parameters.client_middle), -700.0), 700.0)))
    last = parameters.client_table.shape[0] - 1
    position, table = (x - state.TABLE_FROM) / state.TABLE_STEP, parameters.client_table
    if position <= 0.0:
        return table[0]
    if position >= last:
        return table[last]
    low = int(position)
    return table[low] + (position - low) * (table[low + 1] - table[low])


@jit.kernel
def begin(row: Record, account: arguments.Account) -> None:
    """Starts the clients of a window at row.ts; the clients of each instrument have a random stream of their own."""
    for n in range(account.instruments.shape[0]):
        instrument = account.instruments[n]
        row.random += np.uint64(1)
        instrument.random = randomness.mixed(row.random + np.uint64(n) * np.uint64(0xD1B54A32D192ED03))
        instrument.client_excess = 0.0
        instrument.client_ns = row.ts
        _draw_next(instrument, account.parameters[n])


@jit.kernel
def _draw_next(instrument, parameters):
    """Moves instrument.client_ns on to the next arrival; FOREVER without clients."""
    if parameters.client_rate <= 0.0:
        instrument.client_ns = _FOREVER
        return
    base = 2.0 * parameters.client_rate * (1.0 - parameters.client_branching)
    waited = 0.0
    while True:
        bound = base + instrument.client_excess
        wait = randomness.exponential(instrument) / bound
        waited += wait
        if parameters.client_branching == 0.0:
            break
        instrument.client_excess *= math.exp(-parameters.client_decay * wait)
        if randomness.uniform(instrument) * bound <= base + instrument.client_excess:
            break
    instrument.client_excess += parameters.client_branching * parameters.client_decay
    instrument.client_ns += np.int64(waited * 1e9) + 1


@jit.kernel
def next_arrival(instruments: Records) -> tuple[int, int]:
    """(instrument, time in ns) of the next client."""
    first = 0
    for n in range(1, instruments.shape[0]):
        if instruments[n].client_ns < instruments[first].client_ns:
            first = n
    return first, instruments[first].client_ns


@jit.kernel
def _wants(events, row, instrument, n, parameters):
    """Side of the client who has just arrived, informed or not; one draw."""
    draw = randomness.uniform(instrument)
    if draw >= parameters.client_informed:
        return _BUY if draw - parameters.client_informed < 0.5 * (1.0 - parameters.client_informed) else _SELL
    now = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    later = events_lib.mid_at(events, row.cursor, row.stop, instrument.client_ns + parameters.client_ahead_ns, n, now)
    if later == now:
        return _BUY if draw < 0.5 * parameters.client_informed else _SELL
    return _BUY if later > now else _SELL


@jit.kernel
def on_arrival(events: Records, row: Record, account: arguments.Account, n: int, log: arguments.FillLog) -> None:
    """The client of instrument n who has just arrived trades or not, and the next one is drawn.

    Args:
        events: (E,) schema.EVENT, events[row.cursor:row.stop] still to come: what informed clients know.
    """
    instrument, parameters = account.instruments[n], account.parameters[n]
    wants = _wants(events, row, instrument, n, parameters)
    size = randomness.exponential(instrument)
    decides = randomness.uniform(instrument)
    lots = parameters.client_lot
    if parameters.client_random_size:
        lots = np.int64(1 + size * (parameters.client_lot - 1) + 0.5)
    if instrument.has_market:
        spread = max(float(instrument.ask_tick - instrument.bid_tick), state.LOCKED_TICK)
        side, tick, ours = _SELL, instrument.my_ask_tick, instrument.my_ask_lot
        beyond = instrument.my_ask_tick - instrument.ask_tick
        if wants == _SELL:
            side, tick, ours = _BUY, instrument.my_bid_tick, instrument.my_bid_lot
            beyond = instrument.bid_tick - instrument.my_bid_tick
        if ours > 0 and decides < fill_probability(beyond / spread, parameters):
            filled = min(lots, ours)
            trade = arguments.Trade(side, tick, filled, instrument.client_ns, row.cursor - 1, n, _CLIENT)
            fills.fill(instrument, trade, parameters, log)
    _draw_next(instrument, parameters)


@jit.kernel
def closing_gain(bid_tick: int, ask_tick: int, side: int, lots: int, fair_price: float, parameters: Record) -> float:
    """Gain of closing lots at the touch over keeping them at their fair price, after the fee, tick x lot.

    Args:
        side: of the inventory, +1 long, -1 short.
    """
    touch = bid_tick if side > 0 else ask_tick
    return lots * (side * (touch - fair_price)) - fees.hedge(lots, touch, parameters)


@jit.kernel
def hedge_share(
    instrument: Record, n: int, share: float, ts: int, event_row: int, parameters: Record, log: arguments.FillLog
) -> None:
    """Closes a share of the inventory as `hedge` does, rounded to whole lots; below 0 or NaN none, above 1 all."""
    if not share > 0.0:
        return
    inventory_lot = abs(instrument.inventory_lot)
    closed_lot = np.int64(min(share, 1.0) * inventory_lot + 0.5)
    hedge(instrument, n, inventory_lot - closed_lot, ts, event_row, parameters, log)


@jit.kernel
def hedge(
    instrument: Record, n: int, threshold_lot: int, ts: int, event_row: int, parameters: Record, log: arguments.FillLog
) -> None:
    """Closes the inventory beyond +/- threshold_lot at the market's touch, with the taker fee.

    Args:
        n: index of the instrument. event_row: row of the tape that the fill names.
    """
    excess = abs(instrument.inventory_lot) - threshold_lot
    if excess <= 0 or not instrument.has_market:
        return
    side = _SELL if instrument.inventory_lot > 0 else _BUY
    tick = instrument.bid_tick if side == _SELL else instrument.ask_tick
    trade = arguments.Trade(side, tick, excess, ts, event_row, n, _HEDGE)
    fills.book_fill(instrument, trade, parameters, log)
