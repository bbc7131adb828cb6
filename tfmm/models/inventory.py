"""The simple model of models.simple with measured fills: what a quote at each distance really did.

Of J distances it is known how often a quote is filled in a decision interval and what it earns in it, marked to the mid
at the interval's end: adverse selection, fees and rebates are inside. The dealer holds Q orders, |Q| <= L:
    V(Q) = max_{i,j} g_i + g_j - c |Q| + beta E V(Q - sold_i + bought_j),
each side may also be left unquoted. Assumes: the sides fill independently, the market looks the same at every decision.
"""

from typing import NamedTuple

import numpy as np

_TOLERANCE = 1e-9
BETA = 0.999


class Solution(NamedTuple):
    """value: (2 L + 1,) V(Q). places: (2 L + 1, 2) int64 of ask and bid in the J distances; -1: not quoted."""

    value: np.ndarray
    places: np.ndarray

    def quotes(self, distance):
        """(2 L + 1, 2) ask and bid distance by inventory, from the (J,) that were tried; NaN: not quoted."""
        return np.append(distance, np.nan)[self.places]


def solve(chance, gain, cost, beta=BETA):
    """The best distance of each side by inventory: policy iteration.

    Args:
        chance: (J,) fills per decision. gain: (J,) money per decision. cost: (2 L + 1,) of holding, money per decision.

    Returns:
        Solution.
    """
    count = len(cost)
    chance, gain = np.append(chance, 0.0), np.append(gain, 0.0)  # the last one: no quote
    sold, bought = chance[:, np.newaxis], chance[np.newaxis, :]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    earned = gain[:, np.newaxis] + gain[np.newaxis, :]
    places = np.full((count, 2), len(chance) - 1)
    value = np.zeros(count)
    while True:
        before = value
        value = _evaluate(places, chance, gain, cost, beta)
        if np.max(np.abs(value - before)) <= _TOLERANCE * max(1.0, np.max(np.abs(value))):
            return Solution(value, np.where(places == len(chance) - 1, -1, places))
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


def _evaluate(places, chance, gain, cost, beta):
    sold, bought = chance[places[:, 0]], chance[places[:, 1]]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    move = np.diag(1.0 - down - up) + np.diag(down[1:], -1) + np.diag(up[:-1], 1)
    return np.linalg.solve(np.eye(len(cost)) - beta * move, gain[places].sum(axis=1) - cost)
