"""The simple model of models.simple with measured fills: what a quote at each distance really did.

Of J distances it is known how often a quote is filled in a decision interval and what it earns in it, marked to the mid
at the interval's end: adverse selection, fees and rebates are inside. The dealer holds Q orders, |Q| <= L:
    V(Q) = max_{i,j} g_i + g_j - c |Q| + beta E V(Q - sold_i + bought_j),
each side may also be left unquoted. Where inventory may be hedged, every decision begins with that: with W(Q) the
right-hand side above, V(Q) = max_T W(T) - h |Q - T| over T from Q to 0, h the cost of an order closed at the market.
Where instead what is beyond a limit K must be closed, T is the nearest to Q in -K, ..., K.
Assumes: the sides fill independently, the market looks the same at every decision.
"""

from typing import NamedTuple

import numpy as np

_TOLERANCE = 1e-9
BETA = 0.999


class Hedge(NamedTuple):
    """cost: h, money per order. keep: K, None: any inventory may be closed, whenever it is best."""

    cost: float
    keep: int | None = None


class Solution(NamedTuple):
    """value: (2 L + 1,) V(Q). places: (2 L + 1, 2) int64 of ask and bid in the J distances after the hedge; -1: not
    quoted. held: (2 L + 1,) int64 T(Q), orders held after it."""

    value: np.ndarray
    places: np.ndarray
    held: np.ndarray

    def quotes(self, distance):
        """(2 L + 1, 2) ask and bid distance by inventory, from the (J,) that were tried; NaN: not quoted."""
        return np.append(distance, np.nan)[self.places]


def solve(chance, gain, cost, beta=BETA, hedge=None):
    """The best distance of each side by inventory: policy iteration.

    Args:
        chance: (J,) fills per decision. gain: (J,) money per decision. cost: (2 L + 1,) of holding, money per decision.
        hedge: Hedge, None: nothing is hedged.

    Returns:
        Solution.
    """
    count = len(cost)
    target = first_targets(count, hedge)
    chance, gain = np.append(chance, 0.0), np.append(gain, 0.0)  # the last one: no quote
    sold, bought = chance[:, np.newaxis], chance[np.newaxis, :]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    earned = gain[:, np.newaxis] + gain[np.newaxis, :]
    places = np.full((count, 2), len(chance) - 1)
    value = np.zeros(count)
    while True:
        before = value
        value = _evaluate(places, chance, gain, cost, beta, target, hedge)
        if np.max(np.abs(value - before)) <= _TOLERANCE * max(1.0, np.max(np.abs(value))):
            quoted = places[target]
            return Solution(value, np.where(quoted == len(chance) - 1, -1, quoted), target - count // 2)
        worth = np.empty(count)
        for q in range(count):
            low, high = value[max(q - 1, 0)], value[min(q + 1, count - 1)]  # outside the bounds: ruled out below
            total = earned + beta * (down * (low - value[q]) + up * (high - value[q]))
            if q == 0:
                total = np.where(sold > 0, -np.inf, total)
            if q == count - 1:
                total = np.where(bought > 0, -np.inf, total)
            best = np.unravel_index(np.argmax(total), total.shape)
            if total[best] > total[tuple(places[q])] + 1e-15:
                places[q] = best
            worth[q] = total[tuple(places[q])] + beta * value[q] - cost[q]
        if hedge is not None and hedge.keep is None:
            target = best_targets(worth[:, np.newaxis], target[:, np.newaxis], hedge.cost)[:, 0]


def first_targets(count, hedge):
    """(2 L + 1,) int64 places of T(Q) that a policy iteration begins with: what must be closed is."""
    limit = count // 2
    keep = limit if hedge is None or hedge.keep is None else min(hedge.keep, limit)
    return np.clip(np.arange(count), limit - keep, limit + keep)


def best_targets(worth, target, cost):
    """Places of T(Q) = argmax W(T) - h |Q - T| over T from Q to 0; as they were unless another one is better.

    Args:
        worth: (2 L + 1, X) W. target: (2 L + 1, X) int64 places so far. cost: h, a number or (X,).
    """
    limit, out = len(worth) // 2, target.copy()
    for q in range(len(worth)):
        tried = np.arange(min(q, limit), max(q, limit) + 1)
        total = worth[tried] - cost * np.abs(q - tried)[:, np.newaxis]
        now = np.take_along_axis(total, (target[q] - tried[0])[np.newaxis], axis=0)[0]
        out[q] = np.where(total.max(axis=0) > now + 1e-12, tried[np.argmax(total, axis=0)], target[q])
    return out


def _evaluate(places, chance, gain, cost, beta, target, hedge):
    sold, bought = chance[places[:, 0]], chance[places[:, 1]]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    move = np.diag(1.0 - down - up) + np.diag(down[1:], -1) + np.diag(up[:-1], 1)
    earned = (gain[places].sum(axis=1) - cost)[target]
    if hedge is not None:
        earned -= hedge.cost * np.abs(np.arange(len(cost)) - target)
    return np.linalg.solve(np.eye(len(cost)) - beta * move[target], earned)
