"""Dynamic programming over the inventory, the places of ask and bid in their queues, and a state of the market.

A side is in one of Y places, the last of which is no quote (the value of a place: Moallemi and Yuan 2016, "A model for
queue position valuation in a limit order book"; queues that depend on the market's state: Huang, Lehalle and Rosenbaum
2015). Each decision chooses the places ya and yb that both sides begin the interval with, among those that can be
reached from where they stand: a quote that stays keeps its place, a new one joins at the end. Then the market moves
from m to m', each side is filled or comes to another place, and with Q orders, |Q| <= L,
    W(Q, ya, yb, m) = g(ya, m~) + g(yb, m) + Q mu(m) - c(Q) + beta E V(Q - sold + bought, xa', xb', m'),
    V(Q, xa, xb, m) = max W over what is reachable,
m~ the state of the market seen by the ask, in which up is down. Assumes: given m and m' the sides are independent; the
places and states are a Markov chain; a side whose fill would exceed the limit is not quoted.
"""

from typing import NamedTuple

import numpy as np

from tfmm.arrays import Bools, Floats, Ints
from tfmm.models import inventory

_TOLERANCE = 1e-6
MAX_ITERATIONS = 2_000


class Queue(NamedTuple):
    """One side of the market, seen as a bid, with M states of the market.

    Attributes:
        market: (M, M) float64 probability of m' given m.
        reflected: (M,) int64, m~ of each m.
        outcome: (M, M, Y, Y + 1) float64 probability, by m, m' and place y, of each place at the next decision; in the
            last column of a fill, after which there is no quote.
        gain: (M, Y) float64 g, money per decision, marked to the mid at the interval's end.
        reachable: (M, Y, Y) bool, by m and place x before a decision: whether a place y can follow it.
        drift: (M,) float64 mu, money per decision of an order held.
    """

    market: Floats
    reflected: Ints
    outcome: Floats
    gain: Floats
    reachable: Bools
    drift: Floats


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (M, 2 L + 1, Y, Y) float64 V by m, inventory, place of the ask and of the bid, less its value when flat
            and not quoted in the first state of the market; money.
        place: (M, 2 L + 1, Y, Y, 2) int64 places of ask and bid that are chosen there.
    """

    value: Floats
    place: Ints


def solve(
    queue: Queue, holding_cost: Floats, beta: float = inventory.BETA, max_iterations: int = MAX_ITERATIONS
) -> Solution:
    """The best places of both sides: relative value iteration, until no difference of values changes any more.

    Inventories or states that never meet keep it from ending: then it is optimal for a horizon of max_iterations.

    Args:
        holding_cost: (2 L + 1,) c, money per decision. beta: discount of a decision.
        max_iterations: decisions of the longest horizon.
    """
    n_states, n_places = queue.gain.shape
    count = len(holding_cost)
    none, limit = n_places - 1, count // 2
    ask_gain, ask_outcome = queue.gain[queue.reflected], queue.outcome[np.ix_(queue.reflected, queue.reflected)]
    # chance of m' goes with the ask's outcomes; the bid's are transposed for the product from the right
    ask = (queue.market[..., np.newaxis, np.newaxis] * ask_outcome)[:, :, np.newaxis]
    bid = queue.outcome.swapaxes(2, 3)[:, :, np.newaxis]
    income = ask_gain[:, np.newaxis, :, np.newaxis] + queue.gain[:, np.newaxis, np.newaxis, :]
    income = income + (queue.drift[:, np.newaxis] * np.arange(-limit, limit + 1) - holding_cost)[..., None, None]
    income[:, 0, :none] = income[:, -1, :, :none] = -np.inf
    forbidden_bid = np.where(queue.reachable, 0.0, -np.inf)
    forbidden_ask = forbidden_bid[queue.reflected]
    value = np.zeros((n_states, count, n_places, n_places))
    for _ in range(max_iterations):
        total = income + beta * ((ask @ _after(value)[np.newaxis]) @ bid).sum(axis=1)
        # (M, Q, xa, ya, yb), then (M, Q, xa, xb, yb)
        of_ask = total[:, :, np.newaxis] + forbidden_ask[:, np.newaxis, :, :, np.newaxis]
        best_ask = of_ask.max(axis=3)
        of_bid = best_ask[:, :, :, np.newaxis] + forbidden_bid[:, np.newaxis, np.newaxis]
        new = of_bid.max(axis=4)
        change = new - value
        value = new - new[0, limit, none, none]
        if np.ptp(change) <= _TOLERANCE * max(1.0, float(np.ptp(value))):
            break
    bid_place = of_bid.argmax(axis=4)
    ask_given_bid = of_ask.argmax(axis=3)
    ask_place = np.take_along_axis(ask_given_bid, bid_place, axis=3)
    return Solution(value, np.stack([ask_place, bid_place], axis=-1))


def _after(value):
    """(M, 2 L + 1, Y + 1, Y + 1): the value with a further row and column, of a sale and of a purchase."""
    n_states, count, n_places, _ = value.shape
    out = np.empty((n_states, count, n_places + 1, n_places + 1))
    below, above = np.maximum(np.arange(count) - 1, 0), np.minimum(np.arange(count) + 1, count - 1)
    out[..., :-1, :-1] = value
    out[..., -1, :-1] = value[:, below, -1]
    out[..., :-1, -1] = value[:, above][..., -1]
    out[..., -1, -1] = value[..., -1, -1]
    return out
