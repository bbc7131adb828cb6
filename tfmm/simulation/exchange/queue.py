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
from tfmm.simulation import state

_NEVER, _QUEUE = state.TOUCH_NEVER, state.TOUCH_QUEUE


@jit.kernel
def join(book, bid_tick, bid_lot, ask_tick, ask_lot):
    """Our place before `rest` replaces both sides: one at the same price and no larger keeps it."""
    if bid_lot == 0 or bid_tick != book.my_bid_tick or bid_lot > book.my_bid_lot:
        shown = book.bid_size if book.has_market and bid_tick == book.bid_tick else 0.0
        unknown = not book.has_market or bid_tick < book.bid_tick
        book.bid_ahead = np.inf if unknown else shown
        book.bid_seen, book.bid_traded = shown, 0.0
    if ask_lot == 0 or ask_tick != book.my_ask_tick or ask_lot > book.my_ask_lot:
        shown = book.ask_size if book.has_market and ask_tick == book.ask_tick else 0.0
        unknown = not book.has_market or ask_tick > book.ask_tick
        book.ask_ahead = np.inf if unknown else shown
        book.ask_seen, book.ask_traded = shown, 0.0


@jit.kernel
def _moved(ahead, seen, traded, shown):
    """Size before us once `shown` is displayed: of what was left after the trades, the same share stays."""
    left = seen - traded
    if shown < left:
        ahead = ahead * shown / left
    return min(ahead, shown)


@jit.kernel
def see(book, event):
    """A new quote: at our price its size moves us forward; a market behind our price leaves us alone in front."""
    if event.lo_tick == book.my_bid_tick:
        book.bid_ahead = _moved(book.bid_ahead, book.bid_seen, book.bid_traded, event.lo_size)
        book.bid_seen, book.bid_traded = event.lo_size, 0.0
    elif event.lo_tick < book.my_bid_tick:
        book.bid_ahead = book.bid_seen = book.bid_traded = 0.0
    if event.hi_tick == book.my_ask_tick:
        book.ask_ahead = _moved(book.ask_ahead, book.ask_seen, book.ask_traded, event.hi_size)
        book.ask_seen, book.ask_traded = event.hi_size, 0.0
    elif event.hi_tick > book.my_ask_tick:
        book.ask_ahead = book.ask_seen = book.ask_traded = 0.0


@jit.kernel
def sell(book, size, rules):
    """A trade of `size` at our ask: what of it is left for us. 0 unless the rule is `queue`."""
    if rules.touch != _QUEUE:
        return 0.0
    left = size - book.ask_ahead
    book.ask_ahead = max(0.0, -left)
    book.ask_traded += size
    return left


@jit.kernel
def buy(book, size, rules):
    """A trade of `size` at our bid: what of it is left for us. 0 unless the rule is `queue`."""
    if rules.touch != _QUEUE:
        return 0.0
    left = size - book.bid_ahead
    book.bid_ahead = max(0.0, -left)
    book.bid_traded += size
    return left
