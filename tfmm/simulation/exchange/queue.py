"""Our place in the queue at our price (`touch = queue`).

Assumes that we join behind everything displayed at our price; that trades at the price take from the front; and
that what disappears beyond those trades was cancelled evenly along the queue, before and behind us. A price inside
the spread has nobody before us; behind the best price nothing is displayed, so we stand behind all that is shown
when it first becomes the best. Ignores hidden orders and that our own order would be displayed.

For each side: `ahead` size before us (infinite while unknown), `seen` size last displayed at our price, `traded`
size traded there since.
"""

import numpy as np

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import state

_NEVER, _QUEUE = state.TOUCH_NEVER, state.TOUCH_QUEUE


@jit.kernel
def join(instrument: Record, bid_tick: int, bid_lot: int, ask_tick: int, ask_lot: int) -> None:
    """Our place in the queue before `replace_quotes` replaces both sides: a quote at the same price and no larger keeps
    its place."""
    if bid_lot == 0 or bid_tick != instrument.my_bid_tick or bid_lot > instrument.my_bid_lot:
        shown = instrument.bid_size if instrument.has_market and bid_tick == instrument.bid_tick else 0.0
        unknown = not instrument.has_market or bid_tick < instrument.bid_tick
        instrument.bid_ahead = np.inf if unknown else shown
        instrument.bid_seen, instrument.bid_traded = shown, 0.0
    if ask_lot == 0 or ask_tick != instrument.my_ask_tick or ask_lot > instrument.my_ask_lot:
        shown = instrument.ask_size if instrument.has_market and ask_tick == instrument.ask_tick else 0.0
        unknown = not instrument.has_market or ask_tick > instrument.ask_tick
        instrument.ask_ahead = np.inf if unknown else shown
        instrument.ask_seen, instrument.ask_traded = shown, 0.0


@jit.kernel
def _moved(ahead, seen, traded, shown):
    """Size before us once `shown` is displayed: of what was left after the trades, the same share stays."""
    left = seen - traded
    if shown < left:
        ahead = ahead * shown / left
    return min(ahead, shown)


@jit.kernel
def on_depth(instrument: Record, event: Record) -> None:
    """A new quote: at our price its size moves us forward; a market behind our price leaves us alone in front."""
    if event.lo_tick == instrument.my_bid_tick:
        instrument.bid_ahead = _moved(instrument.bid_ahead, instrument.bid_seen, instrument.bid_traded, event.lo_size)
        instrument.bid_seen, instrument.bid_traded = event.lo_size, 0.0
    elif event.lo_tick < instrument.my_bid_tick:
        instrument.bid_ahead = instrument.bid_seen = instrument.bid_traded = 0.0
    if event.hi_tick == instrument.my_ask_tick:
        instrument.ask_ahead = _moved(instrument.ask_ahead, instrument.ask_seen, instrument.ask_traded, event.hi_size)
        instrument.ask_seen, instrument.ask_traded = event.hi_size, 0.0
    elif event.hi_tick > instrument.my_ask_tick:
        instrument.ask_ahead = instrument.ask_seen = instrument.ask_traded = 0.0


@jit.kernel
def on_trade_at_ask(instrument: Record, size: float, parameters: Record) -> float:
    """A trade of `size` at our ask: what of it is left for us. 0 unless the rule is `queue`."""
    if parameters.touch != _QUEUE:
        return 0.0
    left = size - instrument.ask_ahead
    instrument.ask_ahead = max(0.0, -left)
    instrument.ask_traded += size
    return left


@jit.kernel
def on_trade_at_bid(instrument: Record, size: float, parameters: Record) -> float:
    """A trade of `size` at our bid: what of it is left for us. 0 unless the rule is `queue`."""
    if parameters.touch != _QUEUE:
        return 0.0
    left = size - instrument.bid_ahead
    instrument.bid_ahead = max(0.0, -left)
    instrument.bid_traded += size
    return left
