"""The model of models.inventory in a market whose spread and drift change: dynamic programming over the inventory and
the state of the market.

Assumes: the market is in one of X states, a Markov chain that our quotes do not move; both sides fill independently.
Ignores: everything of the market but its state. In state x the spread is S_x and the mid moves by m_x on average until
the next decision. A quote of distance d from the mid, in spreads, is filled with probability p(d). With Q orders,
|Q| <= L, and the present mid counted as 0,
    V(Q, x) = max_{a, b} p(a) (a S_x - m_x) + p(b) (b S_x + m_x) + Q m_x - c(Q) + beta E V(Q - sold + bought, x');
a side that would leave the limits is not quoted. With one state and no drift it is models.inventory, and hedges are
those of that model: W(Q, x) on the right, V(Q, x) = max_T W(T, x) - h(x) |Q - T|. Each side is optimised against the
other side's quotes of the previous round.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.models import inventory

_ROUNDS, _TOLERANCE = 100, 1e-9


class Chain(NamedTuple):
    """A market of X states.

    Attributes:
        spread_tick: (X,) float64 S. move_tick: (X,) float64 m, per decision. transition: (X, X) rows that sum to 1.
    """

    spread_tick: Floats
    move_tick: Floats
    transition: Floats


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (2 L + 1, X) float64 V, tick x order.
        ask, bid: (2 L + 1, X) float64 distances after the hedge, spreads; NaN: not quoted.
        marginal_value: (2 L + 1, X, 2) float64 what a fill of ask and bid earns besides its distance from the mid, the
            mid's move and the change of beta E V, ticks; NaN: not allowed.
        inventory_after_hedge: (2 L + 1, X) int64 T, orders.
    """

    value: Floats
    ask: Floats
    bid: Floats
    marginal_value: Floats
    inventory_after_hedge: Ints


def estimate(
    spread: Sequence[Floats], move: Sequence[Floats], state: Sequence[Ints], reflected: Sequence[Ints], count: int
) -> Chain:
    """The Chain of observed paths, every path together with its reflection, in which up and down are exchanged.

    Args:
        spread, move: of each path (T,), tick: at a decision, and from it to the next.
        state, reflected: of each path (T,) int64, the state of the market and of the reflected market.
        count: X. A state that never occurs stays in itself.
    """
    moves, spreads, visits = np.zeros(count), np.zeros(count), np.zeros(count)
    transition = np.zeros((count, count))
    for path_spread, path_move, *both in zip(spread, move, state, reflected, strict=True):
        for sign, states in zip((1.0, -1.0), both, strict=True):
            np.add.at(transition, (states[:-1], states[1:]), 1.0)
            np.add.at(moves, states, sign * path_move)
            np.add.at(spreads, states, path_spread)
            np.add.at(visits, states, 1.0)
    departures = transition.sum(axis=1, keepdims=True)
    transition = np.where(departures > 0.0, transition / np.maximum(departures, 1.0), np.eye(count))
    return Chain(spreads / np.maximum(visits, 1.0), moves / np.maximum(visits, 1.0), transition)


def solve(
    chain: Chain,
    distance: Floats,
    fill_probability: Floats,
    holding_cost: Floats,
    beta: float = inventory.BETA,
    hedge: inventory.Hedge | None = None,
) -> Solution:
    """The best distances of both sides: policy iteration.

    Args:
        distance: (J,) from the mid, spreads. fill_probability: (J,) fills per decision.
        holding_cost: (2 L + 1,) c, tick x order per decision. beta: discount of a decision.
        hedge: its cost (X,), tick per order; None: nothing is hedged.
    """
    inventories = np.arange(len(holding_cost)) - len(holding_cost) // 2
    move_tick = chain.move_tick
    ask_gains = fill_probability * (distance * chain.spread_tick[:, np.newaxis] - move_tick[:, np.newaxis])  # (X, J)
    bid_gains = fill_probability * (distance * chain.spread_tick[:, np.newaxis] + move_tick[:, np.newaxis])
    without_fills = inventories[:, np.newaxis] * move_tick - holding_cost[:, np.newaxis]
    value, sold, bought = np.zeros((3, *without_fills.shape))
    target = np.repeat(inventory.first_targets(len(holding_cost), hedge)[:, np.newaxis], len(move_tick), axis=1)
    for _ in range(_ROUNDS):
        before, after = value, beta * value @ chain.transition.T
        # with the sign of the inventory changed, a sale is a purchase
        reflected = _best(ask_gains, fill_probability, after[::-1], bought[::-1])
        sold, ask, ask_gain, ask_change = (array[::-1] for array in reflected)
        bought, bid, bid_gain, bid_change = _best(bid_gains, fill_probability, after, sold)
        gain, down, up = without_fills + ask_gain + bid_gain, sold * (1.0 - bought), bought * (1.0 - sold)
        if hedge is not None and hedge.threshold is None:
            unhedged_value = gain + (1.0 - down - up) * after
            unhedged_value[1:] += down[1:] * after[:-1]
            unhedged_value[:-1] += up[:-1] * after[1:]
            target = inventory.best_targets(unhedged_value, target, hedge)
        value = _evaluate(gain, (down, up), beta * chain.transition, target, hedge)
        if np.max(np.abs(value - before)) <= _TOLERANCE * max(1.0, float(np.max(np.abs(value)))):
            break
    choices = np.append(distance, np.nan)
    after_hedge = (
        np.take_along_axis(array, target, axis=0)
        for array in (ask, bid, ask_change - move_tick, bid_change + move_tick)
    )
    ask, bid, *marginal_values = after_hedge
    marginal_value = np.stack(marginal_values, axis=-1)
    return Solution(value, choices[ask], choices[bid], marginal_value, target - len(inventories) // 2)


def _evaluate(gain, moves, discounted, target, hedge):
    """(2 L + 1, X) value of quotes that earn `gain` and move the inventory with probabilities (down, up), after a
    hedge."""
    count, states = gain.shape
    down, up = moves
    transition = np.zeros((count, states, count, states))
    for q in range(count):
        for step, weight in ((-1, down[q]), (0, 1.0 - down[q] - up[q]), (1, up[q])):
            if 0 <= q + step < count:
                transition[q, :, q + step] += weight[:, np.newaxis] * discounted
    gain = np.take_along_axis(gain, target, axis=0)
    if hedge is not None:
        gain = gain - hedge.total(np.abs(np.arange(count)[:, np.newaxis] - target))
        transition = transition[target, np.arange(states)]
    matrix = np.eye(gain.size) - transition.reshape(gain.size, gain.size)
    return np.linalg.solve(matrix, gain.reshape(-1)).reshape(gain.shape)


def _best(gains, fill_probability, after, sold):
    """The best bid.

    Args:
        gains: (X, J). fill_probability: (J,). after: (2 L + 1, X) beta E V of the inventory at the end.
        sold: (2 L + 1, X) probability that the ask is filled too: then the bid's fill keeps the inventory where it
            would have fallen.

    Returns:
        (2 L + 1, X) each: fill probability; index of the distance, -1: none; gain; change of `after` by a fill, NaN:
        not allowed.
    """
    step = np.diff(after, axis=0)
    change = (1.0 - sold[:-1]) * step
    change[1:] += sold[1:-1] * step[:-1]
    total = gains + fill_probability * change[:, :, np.newaxis]
    index = np.argmax(total, axis=2)
    states = np.arange(len(gains))
    is_quoted = np.take_along_axis(total, index[..., np.newaxis], axis=2)[..., 0] > 0.0
    last = after[:1]  # only for its shape: at the limit there is no bid
    return (
        np.vstack([np.where(is_quoted, fill_probability[index], 0.0), np.zeros_like(last)]),
        np.vstack([np.where(is_quoted, index, -1), np.full(last.shape, -1)]),
        np.vstack([np.where(is_quoted, gains[states, index], 0.0), np.zeros_like(last)]),
        np.vstack([change, np.full_like(last, np.nan)]),
    )
