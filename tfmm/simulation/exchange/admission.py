"""Which sides of a quote may rest, and at which price: limits, post-only, an unknown market, the gap rule.

The simulator asks this when a quote reaches the venue, a live session before it prints one.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import price_steps, state

_NEVER = state.NEVER
_CLAMP, _REJECT = state.CLAMP, state.REJECT


@jit.kernel
def is_after_gap(ts: int, last_ns: int, gap_ns: int) -> bool:
    """Whether a time is so long after the last event that the market is no longer known; not before the first one."""
    return last_ns > _NEVER and ts - last_ns > gap_ns


@jit.kernel
def admit(instrument: Record, order: Record, parameters: Record, after_gap: bool) -> None:
    """Makes an order what may rest at an instrument's market and inventory: a side refused has no lots.

    A side whose fill could breach a limit is refused, as is every side where the market is unknown. A price that would
    trade at once is moved to one price step behind the far touch (clamp), refused (reject) or left (take). No order
    has a price of zero or less. What became of each side is in `bid_outcome`, `ask_outcome`.

    Args:
        order: state.ORDER, overwritten. after_gap: see is_after_gap.
    """
    bid_is = state.QUOTED if order.bid_lot > 0 else state.NOT_SENT
    ask_is = state.QUOTED if order.ask_lot > 0 else state.NOT_SENT
    if order.bid_lot > 0:
        cost = order.bid_lot * float(order.bid_tick)
        if instrument.inventory_lot + order.bid_lot > parameters.limit_lot:
            bid_is = state.INVENTORY_LIMIT
        elif instrument.cash - instrument.fees - cost < -parameters.cash_limit:
            bid_is = state.CASH_LIMIT
    if order.ask_lot > 0 and instrument.inventory_lot - order.ask_lot < -parameters.limit_lot:
        ask_is = state.INVENTORY_LIMIT
    if after_gap or instrument.touch_bid_tick > instrument.touch_ask_tick:
        bid_is = state.UNKNOWN_MARKET if bid_is == state.QUOTED else bid_is
        ask_is = state.UNKNOWN_MARKET if ask_is == state.QUOTED else ask_is
    if bid_is == state.QUOTED and order.bid_tick >= instrument.touch_ask_tick:
        if parameters.marketable == _CLAMP:
            order.bid_tick, bid_is = price_steps.down(instrument.touch_ask_tick - 1, instrument.price_step), state.MOVED
        elif parameters.marketable == _REJECT:
            bid_is = state.REJECTED
    if ask_is == state.QUOTED and order.ask_tick <= instrument.touch_bid_tick:
        if parameters.marketable == _CLAMP:
            order.ask_tick, ask_is = price_steps.up(instrument.touch_bid_tick + 1, instrument.price_step), state.MOVED
        elif parameters.marketable == _REJECT:
            ask_is = state.REJECTED
    if bid_is in (state.QUOTED, state.MOVED) and order.bid_tick <= 0:
        bid_is = state.REJECTED
    if ask_is in (state.QUOTED, state.MOVED) and order.ask_tick <= 0:
        ask_is = state.REJECTED
    if bid_is not in (state.QUOTED, state.MOVED):
        order.bid_lot = 0
    if ask_is not in (state.QUOTED, state.MOVED):
        order.ask_lot = 0
    order.bid_outcome, order.ask_outcome = bid_is, ask_is
