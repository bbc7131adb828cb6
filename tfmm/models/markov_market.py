"""The simple model in a market that changes: dynamic programming over the inventory and the state of the market.

The market is in one of X states: a Markov chain that does not depend on us. In state x its spread is S_x and its mid
moves by m_x on average until the next decision. A quote of distance d from the mid, in spreads, is taken with
probability p(d). With Q orders held, |Q| <= L, and the mid now counted as 0,
    V(Q, x) = max_{a, b} p(a) (a S_x - m_x) + p(b) (b S_x + m_x) + Q m_x - c |Q| + beta E V(Q - sold + bought, x'),
both sides filled independently; the side that would leave the limits is not quoted. With one state and no drift it is
models.inventory, and so is a hedge: W(Q, x) on the right, V(Q, x) = max_T W(T, x) - h(x) |Q - T|. Each side is chosen
against the other's choice of the round before.
"""

from typing import NamedTuple

import numpy as np

from tfmm.models import inventory

_ROUNDS, _TOLERANCE = 100, 1e-9


class Chain(NamedTuple):
    """spread: (X,) tick. move: (X,) tick per decision. transition: (X, X) rows that sum to 1."""

    spread: np.ndarray
    move: np.ndarray
    transition: np.ndarray


class Solution(NamedTuple):
    """value: (2 L + 1, X), tick x order. ask, bid: (2 L + 1, X) distances in spreads after the hedge; NaN: not quoted.
    worth: (2 L + 1, X, 2) what a fill of ask and bid brings beside its distance from the mid: the mid's move and
        beta E V, ticks; NaN: not allowed. held: (2 L + 1, X) int64 T, orders."""

    value: np.ndarray
    ask: np.ndarray
    bid: np.ndarray
    worth: np.ndarray
    held: np.ndarray


def estimate(spread, move, state, mirrored, count):
    """The Chain of what was seen, every path together with its mirror image: up and down are alike.

    Args:
        spread, move: sequences of (T,) arrays, tick: at a decision, and from it to the next. state, mirrored: of (T,)
            int64, the state and that of the mirrored market. count: X. A state never seen stays in itself.
    """
    moves, spreads, seen = np.zeros(count), np.zeros(count), np.zeros(count)
    transition = np.zeros((count, count))
    for s, m, *sides in zip(spread, move, state, mirrored, strict=True):
        for sign, places in zip((1.0, -1.0), sides, strict=True):
            np.add.at(transition, (places[:-1], places[1:]), 1.0)
            np.add.at(moves, places, sign * m)
            np.add.at(spreads, places, s)
            np.add.at(seen, places, 1.0)
    left = transition.sum(axis=1, keepdims=True)
    transition = np.where(left > 0.0, transition / np.maximum(left, 1.0), np.eye(count))
    return Chain(spreads / np.maximum(seen, 1.0), moves / np.maximum(seen, 1.0), transition)


def solve(chain, distance, chance, cost, beta=inventory.BETA, hedge=None):
    """The best distances of both sides: policy iteration.

    Args:
        distance: (J,) from the mid, in spreads. chance: (J,) fills per decision. cost: (2 L + 1,) of holding, tick x
            order per decision. hedge: inventory.Hedge, its cost (X,), tick per order; None: nothing is hedged.

    Returns:
        Solution.
    """
    held = np.arange(len(cost)) - len(cost) // 2
    asks = chance * (distance * chain.spread[:, np.newaxis] - chain.move[:, np.newaxis])  # (X, J)
    bids = chance * (distance * chain.spread[:, np.newaxis] + chain.move[:, np.newaxis])
    still = held[:, np.newaxis] * chain.move - cost[:, np.newaxis]
    value, sold, bought = np.zeros((3, *still.shape))
    target = np.repeat(inventory.first_targets(len(cost), hedge)[:, np.newaxis], len(chain.spread), axis=1)
    for _ in range(_ROUNDS):
        before, after = value, beta * value @ chain.transition.T
        # mirrored, the inventory after a sale is the one after a purchase
        sold, ask, ask_gain, ask_worth = (one[::-1] for one in _best(asks, chance, after[::-1], bought[::-1]))
        bought, bid, bid_gain, bid_worth = _best(bids, chance, after, sold)
        gain, down, up = still + ask_gain + bid_gain, sold * (1.0 - bought), bought * (1.0 - sold)
        if hedge is not None and hedge.keep is None:
            worth = gain + (1.0 - down - up) * after
            worth[1:] += down[1:] * after[:-1]
            worth[:-1] += up[:-1] * after[1:]
            target = inventory.best_targets(worth, target, hedge.cost)
        value = _evaluate(gain, down, up, beta * chain.transition, target, hedge)
        if np.max(np.abs(value - before)) <= _TOLERANCE * max(1.0, float(np.max(np.abs(value)))):
            break
    choices = np.append(distance, np.nan)
    worths = ask_worth - chain.move, bid_worth + chain.move
    ask, bid, *worths = (np.take_along_axis(one, target, axis=0) for one in (ask, bid, *worths))
    return Solution(value, choices[ask], choices[bid], np.stack(worths, axis=-1), target - len(held) // 2)


def _evaluate(gain, down, up, discounted, target, hedge):
    """(2 L + 1, X) value of quotes that earn `gain` and move the inventory with these probabilities, after a hedge."""
    count, states = gain.shape
    move = np.zeros((count, states, count, states))
    for q in range(count):
        for step, weight in ((-1, down[q]), (0, 1.0 - down[q] - up[q]), (1, up[q])):
            if 0 <= q + step < count:
                move[q, :, q + step] += weight[:, np.newaxis] * discounted
    gain = np.take_along_axis(gain, target, axis=0)
    if hedge is not None:
        gain = gain - hedge.cost * np.abs(np.arange(count)[:, np.newaxis] - target)
        move = move[target, np.arange(states)]
    system = np.eye(gain.size) - move.reshape(gain.size, gain.size)
    return np.linalg.solve(system, gain.reshape(-1)).reshape(gain.shape)


def _best(gains, chance, after, other):
    """(chance, place in the distances or -1, gain, worth of a fill's inventory) of the best bid, (2 L + 1, X) each.

    Args:
        gains: (X, J). after: (2 L + 1, X) value of what is held at the end. other: (2 L + 1, X) chance that the ask is
            filled too: then what is held stays the same, where without the bid it would have fallen.
    """
    step = np.diff(after, axis=0)
    worth = (1.0 - other[:-1]) * step
    worth[1:] += other[1:-1] * step[:-1]
    total = gains + chance * worth[:, :, np.newaxis]
    place = np.argmax(total, axis=2)
    every = np.arange(len(gains))
    quoted = np.take_along_axis(total, place[..., np.newaxis], axis=2)[..., 0] > 0.0
    last = after[:1]  # a full dealer bids for nothing
    return (
        np.vstack([np.where(quoted, chance[place], 0.0), np.zeros_like(last)]),
        np.vstack([np.where(quoted, place, -1), np.full(last.shape, -1)]),
        np.vstack([np.where(quoted, gains[every, place], 0.0), np.zeros_like(last)]),
        np.vstack([worth, np.full_like(last, np.nan)]),
    )
