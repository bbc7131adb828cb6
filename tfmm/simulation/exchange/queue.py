"""Our place in the queue at our price (`touch = queue`).

Assumes that we join behind everything displayed at our price; that trades at the price take from the front; and
that what disappears beyond those trades was cancelled evenly along the queue, before and behind us. A price inside
the spread has nobody before us; behind the best price nothing is displayed, so we stand behind all that is shown
when it first becomes the best. A trade fills us if it leaves at least a whole lot beyond the queue before us; what is
less fills nobody. Ignores hidden orders and that our own order would be displayed.

For each side, in millionths of a lot: `ahead` size before us (sizes.UNKNOWN while unknown), `seen` size last displayed
at our price, `traded` size traded there since.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import sizes, state

_QUEUE = state.TOUCH_QUEUE
_UNKNOWN = sizes.UNKNOWN


@jit.kernel
def join(instrument: Record, parameters: Record, bid_tick: int, bid_lot: int, ask_tick: int, ask_lot: int) -> None:
    """Our place in the queue before `replace_quotes` replaces both sides: a quote at the same price and no larger keeps
    its place."""
    nobody = instrument.touch_bid_tick == state.NO_BID and instrument.touch_ask_tick == state.NO_ASK
    if bid_lot == 0 or bid_tick != instrument.my_bid_tick or bid_lot > instrument.my_bid_lot:
        at_best = bid_tick == instrument.touch_bid_tick
        shown = sizes.millionths(instrument.bid_size, parameters) if at_best else 0
        unknown = nobody or bid_tick < instrument.touch_bid_tick
        instrument.bid_ahead = _UNKNOWN if unknown else shown
        instrument.bid_seen, instrument.bid_traded = shown, 0
    if ask_lot == 0 or ask_tick != instrument.my_ask_tick or ask_lot > instrument.my_ask_lot:
        at_best = ask_tick == instrument.touch_ask_tick
        shown = sizes.millionths(instrument.ask_size, parameters) if at_best else 0
        unknown = nobody or ask_tick > instrument.touch_ask_tick
        instrument.ask_ahead = _UNKNOWN if unknown else shown
        instrument.ask_seen, instrument.ask_traded = shown, 0


@jit.kernel
def _moved(ahead, seen, traded, shown):
    """Size before us once `shown` is displayed: of what was left after the trades, the same share stays."""
    left = seen - traded
    if shown < left:
        ahead = sizes.in_proportion(ahead, shown, left)
    return min(ahead, shown)


@jit.kernel
def on_depth(instrument: Record, event: Record, parameters: Record) -> None:
    """A new quote: at our price its size moves us forward; a market behind our price leaves us alone in front."""
    if event.lo_tick == instrument.my_bid_tick:
        shown = sizes.millionths(event.lo_size, parameters)
        instrument.bid_ahead = _moved(instrument.bid_ahead, instrument.bid_seen, instrument.bid_traded, shown)
        instrument.bid_seen, instrument.bid_traded = shown, 0
    elif event.lo_tick < instrument.my_bid_tick:
        instrument.bid_ahead = instrument.bid_seen = instrument.bid_traded = 0
    if event.hi_tick == instrument.my_ask_tick:
        shown = sizes.millionths(event.hi_size, parameters)
        instrument.ask_ahead = _moved(instrument.ask_ahead, instrument.ask_seen, instrument.ask_traded, shown)
        instrument.ask_seen, instrument.ask_traded = shown, 0
    elif event.hi_tick > instrument.my_ask_tick:
        instrument.ask_ahead = instrument.ask_seen = instrument.ask_traded = 0


@jit.kernel
def _after_trade(ahead, traded):
    """Size before us after a trade at our price."""
    return ahead if ahead == _UNKNOWN else max(0, ahead - traded)


@jit.kernel
def on_trade_at_ask(instrument: Record, size: float, parameters: Record) -> int:
    """A trade of `size` at our ask: whole lots of it that are left for us. 0 unless the rule is `queue`."""
    if parameters.touch != _QUEUE:
        return 0
    traded = sizes.millionths(size, parameters)
    left = max(0, traded - instrument.ask_ahead)
    instrument.ask_ahead = _after_trade(instrument.ask_ahead, traded)
    instrument.ask_traded += traded
    return left // sizes.LOT


@jit.kernel
def on_trade_at_bid(instrument: Record, size: float, parameters: Record) -> int:
    """A trade of `size` at our bid: whole lots of it that are left for us. 0 unless the rule is `queue`."""
    if parameters.touch != _QUEUE:
        return 0
    traded = sizes.millionths(size, parameters)
    left = max(0, traded - instrument.bid_ahead)
    instrument.bid_ahead = _after_trade(instrument.bid_ahead, traded)
    instrument.bid_traded += traded
    return left // sizes.LOT
