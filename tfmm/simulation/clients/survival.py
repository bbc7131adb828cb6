"""What a quote that rests meets until the next decision, along the tape: clients who come with known intensities.

While the market stands still a client takes our ask with the intensity lambda p(x), x how far it is beyond the
market's; so the ask still rests after `seconds` with the probability exp(-lambda p(x) seconds), the bid too, and both
independently. The price path does not depend on us, so that is known of every stretch of it.
"""

import math

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import state
from tfmm.simulation.clients import arrivals

_QUOTE = schema.QUOTE
_NO_ASK, _NO_BID = state.NO_ASK, state.NO_BID


@jit.kernel
def change(events, place, stop, until, n, gap_ns, bid_tick, ask_tick, met, last_ns):
    """The end of a stretch of the tape in which instrument n's best prices stand still.

    Args:
        events: (E,) schema.EVENT, those from `place` to `stop` are still to come. until: ns, the latest end.
        gap_ns: over a longer hole in the data quotes are pulled. bid_tick, ask_tick: what the best prices are.
        met: whether clients meet our quotes. last_ns: time of the tape's event before.

    Returns:
        place, the stretch's end (ns; `until` when nothing changes before), bid_tick, ask_tick, met, last_ns after it.
    """
    for k in range(place, stop):
        event = events[k]
        if event.ts > until:
            break
        # pulled quotes do not come back before the next decision
        pulled = met and event.ts - last_ns > gap_ns
        last_ns = event.ts
        moved = event.kind == _QUOTE and event.instrument == n
        moved = moved and (event.lo_tick != bid_tick or event.hi_tick != ask_tick)
        if moved:
            bid_tick, ask_tick = event.lo_tick, event.hi_tick
        if pulled or moved:
            return k + 1, event.ts, bid_tick, ask_tick, met and not pulled, last_ns
    return stop, until, bid_tick, ask_tick, met, last_ns


@jit.kernel
def rest(rules, held_lot, ask, bid, bid_tick, ask_tick, seconds, met, ask_kept, bid_kept):
    """A stretch of the tape goes by for a quote of an order a side and the inventory that it was sent with.

    Args:
        ask, bid: our prices, ticks; state.NO_ASK, state.NO_BID: none. ask_kept, bid_kept: probabilities that they still
            rest. bid_tick, ask_tick, met: see `change`.

    Returns:
        ask_kept, bid_kept after it; the expected integral of |inventory| dt over it, lot x s.
    """
    if seconds <= 0.0:
        return ask_kept, bid_kept, 0.0
    spread = max(float(ask_tick - bid_tick), state.LOCKED_TICK)
    sells = buys = 0.0
    if met and ask != _NO_ASK:
        sells = rules.client_rate * arrivals.fill_probability((ask - ask_tick) / spread, rules)
    if met and bid != _NO_BID:
        buys = rules.client_rate * arrivals.fill_probability((bid_tick - bid) / spread, rules)
    ask_s = ask_kept * _resting(sells, seconds)
    bid_s = bid_kept * _resting(buys, seconds)
    both_s = ask_kept * bid_kept * _resting(sells + buys, seconds)
    lot = rules.order_lot
    lot_s = abs(held_lot) * (seconds - ask_s - bid_s + 2.0 * both_s)
    lot_s += abs(held_lot - lot) * (bid_s - both_s) + abs(held_lot + lot) * (ask_s - both_s)
    return ask_kept * math.exp(-sells * seconds), bid_kept * math.exp(-buys * seconds), lot_s


@jit.kernel
def _resting(rate, seconds):
    """int_0^seconds exp(-rate s) ds."""
    return seconds if rate <= 0.0 else -math.expm1(-rate * seconds) / rate
