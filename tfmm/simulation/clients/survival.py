"""How long a quote survives along the tape, where clients come with known intensities.

While the best prices stand still a client takes our ask with intensity lambda p(x), x its distance beyond the market's
ask; so nobody has taken it after s seconds with probability exp(-lambda p(x) s). The same holds for the bid, both are
independent, and the price path does not depend on us: along a tape the survival of a quote is a product over its
stretches.
"""

import math
from typing import NamedTuple

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.market import schema
from tfmm.simulation import state
from tfmm.simulation.clients import arrivals

_QUOTE, _TRADE, _NO_MARKET = schema.QUOTE, schema.TRADE, schema.NO_MARKET
_NO_ASK, _NO_BID = state.NO_ASK, state.NO_BID


class Stretch(NamedTuple):
    """A stretch of the tape in which an instrument's best prices stand still.

    Attributes:
        start_ns: when it begins. cursor: next event.
        bid_tick, ask_tick: best prices. is_met: whether our quotes rest, for clients to meet.
        last_ns: time of the tape's event before.
        is_open: whether the market has two sides; without them no client comes.
    """

    start_ns: int
    cursor: int
    bid_tick: int
    ask_tick: int
    is_met: bool
    last_ns: int
    is_open: bool


class Quote(NamedTuple):
    """A quote of an order a side. ask_tick, bid_tick: prices; state.NO_ASK, state.NO_BID: none. ask_survival,
    bid_survival: probabilities that nobody has taken them yet."""

    ask_tick: int
    bid_tick: int
    ask_survival: float
    bid_survival: float


@jit.kernel
def next_change(events: Records, stretch: Stretch, stop: int, until: int, n: int, gap_ns: int) -> Stretch:
    """The stretch after this one.

    Args:
        events: (E,) schema.EVENT, those from stretch.cursor to `stop` are still to come. until: ns, the latest start.
        n: instrument. gap_ns: over a longer hole in the data quotes are cancelled.

    Returns:
        A Stretch; it starts at `until` when nothing changes before.
    """
    last_ns, bid_tick, ask_tick, is_open = stretch.last_ns, stretch.bid_tick, stretch.ask_tick, stretch.is_open
    for k in range(stretch.cursor, stop):
        event = events[k]
        if event.ts > until:
            break
        # cancelled quotes do not come back before the next decision
        cancelled = stretch.is_met and event.ts - last_ns > gap_ns
        last_ns = event.ts
        moved = False
        if event.kind != _TRADE and event.instrument == n:
            cancelled = cancelled or event.kind == _NO_MARKET
            moved = is_open != (event.kind == _QUOTE)
            is_open = event.kind == _QUOTE
            if is_open and (event.lo_tick != bid_tick or event.hi_tick != ask_tick):
                moved, bid_tick, ask_tick = True, event.lo_tick, event.hi_tick
        if cancelled or moved:
            return Stretch(event.ts, k + 1, bid_tick, ask_tick, stretch.is_met and not cancelled, last_ns, is_open)
    return Stretch(until, stop, bid_tick, ask_tick, stretch.is_met, last_ns, is_open)


@jit.kernel
def risk_lot(inventory_lot: int, parameters: Record) -> float:
    """order_lot |Q|^p with Q the inventory in orders and p the risk_power, lot: |inventory| where p = 1."""
    lots = float(abs(inventory_lot))
    if parameters.risk_power == 1.0:
        return lots
    return parameters.order_lot * (lots / parameters.order_lot) ** parameters.risk_power


@jit.kernel
def outlive(parameters: Record, inventory_lot: int, quote: Quote, stretch: Stretch, end_ns: int) -> tuple[Quote, float]:
    """Takes a quote, and the inventory it was sent with, from the start of a stretch to end_ns.

    Returns:
        The Quote at end_ns; the expected integral of `risk_lot` dt over the stretch, lot x s.
    """
    seconds = (end_ns - stretch.start_ns) * 1e-9
    if seconds <= 0.0:
        return quote, 0.0
    spread = max(float(stretch.ask_tick - stretch.bid_tick), state.LOCKED_TICK)
    sells = buys = 0.0
    if stretch.is_met and stretch.is_open and quote.ask_tick != _NO_ASK:
        beyond = (quote.ask_tick - stretch.ask_tick) / spread
        sells = parameters.client_rate * arrivals.fill_probability(beyond, parameters)
    if stretch.is_met and stretch.is_open and quote.bid_tick != _NO_BID:
        beyond = (stretch.bid_tick - quote.bid_tick) / spread
        buys = parameters.client_rate * arrivals.fill_probability(beyond, parameters)
    ask_s = quote.ask_survival * _resting(sells, seconds)
    bid_s = quote.bid_survival * _resting(buys, seconds)
    both_s = quote.ask_survival * quote.bid_survival * _resting(sells + buys, seconds)
    lot = parameters.order_lot
    lot_s = risk_lot(inventory_lot, parameters) * (seconds - ask_s - bid_s + 2.0 * both_s)
    less, more = risk_lot(inventory_lot - lot, parameters), risk_lot(inventory_lot + lot, parameters)
    lot_s += less * (bid_s - both_s) + more * (ask_s - both_s)
    ask_survival = quote.ask_survival * math.exp(-sells * seconds)
    return Quote(quote.ask_tick, quote.bid_tick, ask_survival, quote.bid_survival * math.exp(-buys * seconds)), lot_s


@jit.kernel
def _resting(rate, seconds):
    """int_0^seconds exp(-rate s) ds."""
    return seconds if rate <= 0.0 else -math.expm1(-rate * seconds) / rate
