"""The state-DP reference quote: the whole tick that is optimal given spread, predicted drift and inventory.

Where clients take an ask at a distance d above the mid with probability P(d) in an interval, and a sale changes the
value of the inventory by w, the optimal ask is the whole tick with the largest P(d) (d + w). With m the fair mid
(rewards.expected_fills.fair_price)
    w = V(Q - 1, S) - V(Q, S) - (m - mid),
V the value function of dynamic programming over inventory and spread (models.markov_market), which includes the
probability that both sides are filled. A bid is the ask of the reflected market.

Assumes that spread, P and drift last for the interval; P is that of train whoever trades now.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import interpolation, state

_FARTHEST = state.FARTHEST_SPREADS
_STEPS_PER_SPREAD = 16  # of the coarse search, where ticks are finer


@jit.kernel
def marginal_values(instrument: Record, parameters: Record, orders: float) -> tuple[float, float]:
    """w of a sale and of a purchase, tick, at an instrument's market with an inventory in orders."""
    spread = max(float(instrument.ask_tick - instrument.bid_tick), state.LOCKED_TICK)
    index = interpolation.bin_index(parameters.reference_cuts, parameters.n_reference_states, spread)
    values = parameters.reference_marginal_value_tick[index]
    drift = instrument.drift * parameters.half_spread_tick
    return interpolation.interpolate(values, orders) - drift, interpolation.interpolate(values, -orders) + drift


@jit.kernel
def distances(instrument: Record, parameters: Record, sale: float, purchase: float) -> tuple[float, float]:
    """Distances of the optimal ask and bid from the mid, tick; sale, purchase: see `marginal_values`."""
    raw = float(instrument.ask_tick - instrument.bid_tick)
    spread = max(raw, state.LOCKED_TICK)
    return _optimal(raw, spread, sale, parameters), _optimal(raw, spread, purchase, parameters)


@jit.kernel
def _optimal(raw, spread, marginal_value, parameters):
    """Searches from a tick behind the far touch, as quotes are post-only, to _FARTHEST; the latter where none gains."""
    nearest = 1.0 - 0.5 * raw
    count = int(_FARTHEST * spread - nearest) + 1
    stride = max(1, int(spread) // _STEPS_PER_SPREAD)
    best = _search(0, count, stride, nearest, spread, marginal_value, parameters)
    if stride > 1:
        start, stop = max(best - stride, 0), min(best + stride + 1, count)
        best = _search(start, stop, 1, nearest, spread, marginal_value, parameters)
    return nearest + best


@jit.kernel
def _search(start, stop, stride, nearest, spread, marginal_value, parameters):
    best, most = stop - 1, 0.0
    for k in range(start, stop, stride):
        distance = nearest + k
        position = distance / (spread * state.DISTANCE_STEP)
        probability = interpolation.interpolate_from_start(parameters.reference_fill_probability, position)
        gain = probability * (distance + marginal_value)
        if gain > most:
            best, most = k, gain
    return best
