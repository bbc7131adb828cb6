"""The price that earns most at the market of the moment: a base quote that knows its spread, its ticks and its drift.

Where clients take an ask that is d above the mid with probability P(d) in an interval, and selling brings w beside that
distance, the best ask is argmax over whole ticks of P(d) (d + w). P is that of training, whoever trades now. With m the
fair mid (tfmm.simulation.rewards.expected_fills.fair)
    w = V(Q - 1, S) - V(Q, S) - (m - mid),
V the value of dynamic programming over the inventory and the spread (models.markov_market), the chance that both sides
are taken inside. A bid is the ask of the mirrored market. Spread, P and drift are taken to last for the interval.
"""

from tfmm import jit
from tfmm.simulation import interpolation, state

_FARTHEST = state.CHANCE_TO  # market spreads
_PARTS = 16  # of a spread: steps of the first of two searches where ticks are finer


@jit.kernel
def worth(book, rules, orders):
    """What a sale and a purchase bring beside the distance, ticks, in a book's market with an inventory of so many
    orders."""
    spread = max(float(book.ask_tick - book.bid_tick), state.LOCKED_TICK)
    values = rules.base_worth[interpolation.part(rules.base_cuts, rules.base_states, spread)]
    moves = book.drift * rules.half_spread_tick
    return interpolation.between(values, orders) - moves, interpolation.between(values, -orders) + moves


@jit.kernel
def distances(book, rules, sale, purchase):
    """Distances of the best ask and bid from the mid of a book's market, ticks; sale, purchase: see `worth`."""
    raw = float(book.ask_tick - book.bid_tick)
    spread = max(raw, state.LOCKED_TICK)
    return _best(raw, spread, sale, rules), _best(raw, spread, purchase, rules)


@jit.kernel
def _best(raw, spread, worth, rules):
    """From a tick behind the far touch, which is post-only, to _FARTHEST; there where no price earns anything."""
    least = 1.0 - 0.5 * raw
    count = int(_FARTHEST * spread - least) + 1
    stride = max(1, int(spread) // _PARTS)
    place = _search(0, count, stride, least, spread, worth, rules)
    if stride > 1:
        place = _search(max(place - stride, 0), min(place + stride + 1, count), 1, least, spread, worth, rules)
    return least + place


@jit.kernel
def _search(start, stop, stride, least, spread, worth, rules):
    place, most = stop - 1, 0.0
    for k in range(start, stop, stride):
        distance = least + k
        gain = interpolation.from_start(rules.base_chance, distance / (spread * state.CHANCE_STEP)) * (distance + worth)
        if gain > most:
            place, most = k, gain
    return place
