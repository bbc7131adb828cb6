"""The model of models.inventory with several instruments, whose inventories together have a price.

Of J distances it is known for each instrument how often a quote is filled in a decision interval and what it earns:
    V(Q) = max sum_n g_n,i + g_n,j - c(Q) + beta E V(Q'),    |Q_n| <= L,
Q in orders, each side of each instrument at the best of its distances or unquoted. Assumes: all sides fill
independently, the market looks the same at every decision.
"""

from typing import NamedTuple

import numpy as np

from tfmm import jit
from tfmm.models import inventory
from tfmm.simulation.rewards import joint_inventory

MOST_MOVES = 30_000_000
"""Books times the 3^N books that each may become: what is kept of the chain."""
_TOLERANCE = 1e-9
_SWEEPS = 100
_COORDINATES = 40


class Solution(NamedTuple):
    """Attributes, the S books in the order of tfmm.simulation.rewards.joint_inventory.

    value: (S,) V(Q). places: (S, N, 2) int64 of ask and bid in the J distances; -1: not quoted.
    change: (S, N, 2) what a fill of that side adds to beta E V(Q'), the other quotes as they are; where it is not
        allowed NaN.
    """

    value: np.ndarray
    places: np.ndarray
    change: np.ndarray


def most_orders(instruments):
    """The largest L that can be solved for so many instruments."""
    states = MOST_MOVES // 3**instruments
    return int((states ** (1.0 / instruments) + 1e-9 - 1.0) // 2)


def solve(chance, gain, cost, beta=inventory.BETA):
    """The best distances by modified policy iteration (Puterman and Shin 1978).

    A side's best distance is found given the other ones, in turn until none changes. The rest of the way is known
    once every book's value grows by the same (MacQueen 1966), long before the values themselves stand still.

    Args:
        chance, gain: (N, J) fills and money per decision. cost: (2 L + 1, ..., 2 L + 1) of holding, per decision.

    Returns:
        Solution.
    """
    count, width = len(chance), cost.shape[0]
    strides = joint_inventory.strides(count, width // 2)
    nothing = np.zeros((count, 1))  # the last one: no quote
    chance, gain = np.hstack([chance, nothing]), np.hstack([gain, nothing])
    places = np.full((cost.size, count, 2), chance.shape[1] - 1)
    change = np.full(places.shape, np.nan)
    value, cost = np.zeros(cost.size), np.ascontiguousarray(cost, np.float64).reshape(-1)
    offsets = np.array([(np.array(np.unravel_index(k, (3,) * count)) - 1) @ strides for k in range(3**count)])
    weights = np.empty((cost.size, len(offsets)))
    while True:
        _improve(value, beta, chance, gain, strides, width, places, change)
        earned = sum(gain[n][places[:, n]].sum(axis=1) for n in range(count)) - cost
        _chain(chance, places, weights)
        after = _sweep(value, beta, earned, weights, offsets, 1)
        grown = after - value
        if np.ptp(grown) <= _TOLERANCE * max(1.0, np.max(np.abs(earned))):
            places = np.where(places == chance.shape[1] - 1, -1, places)
            return Solution(value + 0.5 * (grown.min() + grown.max()) / (1.0 - beta), places, change)
        value = _sweep(after, beta, earned, weights, offsets, _SWEEPS)


@jit.kernel
def _chain(chance, places, weights):
    """Writes the probabilities of the 3^N moves, the last instrument's varying fastest, into weights (S, 3^N)."""
    count = places.shape[1]
    moves = np.empty((count, 3))
    for s in range(places.shape[0]):
        for n in range(count):
            joint_inventory.spread_out(chance[n, places[s, n, 0]], chance[n, places[s, n, 1]], moves[n])
        for code in range(weights.shape[1]):
            weight, rest = 1.0, code
            for n in range(count - 1, -1, -1):
                weight *= moves[n, rest % 3]
                rest //= 3
            weights[s, code] = weight


@jit.kernel
def _sweep(value, beta, earned, weights, offsets, times):
    """earned + beta P V, so many times over."""
    for _ in range(times):
        after = earned.copy()
        for s in range(len(value)):
            total = 0.0
            for k in range(len(offsets)):
                if weights[s, k] > 0.0:
                    total += weights[s, k] * value[s + offsets[k]]
            after[s] += beta * total
        value = after
    return value


@jit.kernel
def _improve(value, beta, chance, gain, strides, width, places, change):
    """Improves places (S, N, 2) in every book by coordinate ascent and writes `change`."""
    count = len(strides)
    moves, around = np.empty((count, 3)), np.empty(3)
    for s in range(len(value)):
        for _ in range(_COORDINATES):
            changed = False
            for n in range(count):
                joint_inventory.spread_out(chance[n, places[s, n, 0]], chance[n, places[s, n, 1]], moves[n])
            for n in range(count):
                held = (s // strides[n]) % width
                for k in range(3):
                    # beyond the limit, where no fill leads: as in the middle
                    inside = 0 <= held + k - 1 < width
                    moves[n] = 0.0
                    moves[n, k if inside else joint_inventory.STAY] = 1.0
                    around[k] = joint_inventory.mean(value, s, moves, strides)
                for side in range(2):
                    if held == (0 if side == 0 else width - 1):
                        continue
                    p = chance[n, places[s, n, 1 - side]]
                    one, opposite = (around[0], around[2]) if side == 0 else (around[2], around[0])
                    gains = beta * ((1.0 - p) * (one - around[1]) + p * (around[1] - opposite))
                    change[s, n, side] = gains
                    changed |= _best(chance[n], gain[n], gains, places[s, n], side)
                joint_inventory.spread_out(chance[n, places[s, n, 0]], chance[n, places[s, n, 1]], moves[n])
            if not changed:
                break


@jit.kernel
def _best(chance, gain, change, places, side):
    """Moves places[side] to the best distance; whether it was another one."""
    best, most = places[side], gain[places[side]] + chance[places[side]] * change + 1e-15
    for j in range(len(chance)):
        total = gain[j] + chance[j] * change
        if total > most:
            best, most = j, total
    changed = best != places[side]
    places[side] = best
    return changed
