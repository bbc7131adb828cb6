"""The model of models.inventory for several instruments whose inventories have a common price of risk.

Each of N instruments has J distances, each with its fill probability and its mean profit. Assumes: all sides fill
independently; the market is the same at every decision. Ignores: the present spreads and drifts, hedges. With
Q = (Q_1, ..., Q_N) orders, |Q_n| <= L, each side of each instrument at one of its distances or not quoted
    V(Q) = max sum_n g_n,i + g_n,j - c(Q) + beta E V(Q').
There are S = (2 L + 1)^N joint inventories, in the order of tfmm.simulation.rewards.joint_inventory.
"""

from typing import NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats, Ints
from tfmm.models import inventory
from tfmm.simulation.rewards import joint_inventory

MOST_MOVES = 30_000_000
"""Largest number of stored transitions: joint inventories times the 3^N that each may move to."""
_TOLERANCE = 1e-9
_SWEEPS = 100
_COORDINATES = 40


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (S,) float64 V(Q).
        quote_index: (S, N, 2) int64 index of ask and bid in the J distances; -1: not quoted.
        value_change: (S, N, 2) float64 what a fill of that side adds to beta E V(Q'), the other quotes as they are; NaN
            where the limit forbids it.
    """

    value: Floats
    quote_index: Ints
    value_change: Floats


def most_orders(instruments: int) -> int:
    """The largest L that can be solved for a number of instruments."""
    states = MOST_MOVES // 3**instruments
    return int((states ** (1.0 / instruments) + 1e-9 - 1.0) // 2)


def solve(fill_probability: Floats, gain: Floats, holding_cost: Floats, beta: float = inventory.BETA) -> Solution:
    """The best distances by modified policy iteration (Puterman and Shin 1978).

    A side's best distance is found given the other ones, in turn until none changes. The iteration stops once the
    values of all joint inventories grow by the same amount (MacQueen 1966), long before the values converge.

    Args:
        fill_probability, gain: (N, J) fills and money per decision.
        holding_cost: (2 L + 1, ..., 2 L + 1), one axis per instrument, money per decision. beta: discount.
    """
    count, width = len(fill_probability), holding_cost.shape[0]
    strides = joint_inventory.strides(count, width // 2)
    no_quote = np.zeros((count, 1))  # the last distance
    fill_probability, gain = np.hstack([fill_probability, no_quote]), np.hstack([gain, no_quote])
    quote_index = np.full((holding_cost.size, count, 2), fill_probability.shape[1] - 1)
    value_change = np.full(quote_index.shape, np.nan)
    value = np.zeros(holding_cost.size)
    holding_cost = np.ascontiguousarray(holding_cost, np.float64).reshape(-1)
    offsets = np.array([(np.array(np.unravel_index(k, (3,) * count)) - 1) @ strides for k in range(3**count)])
    weights = np.empty((holding_cost.size, len(offsets)))
    while True:
        _improve(value, beta, (fill_probability, gain), (strides, width), quote_index, value_change)
        income = sum(gain[n][quote_index[:, n]].sum(axis=1) for n in range(count)) - holding_cost
        _move_probabilities(fill_probability, quote_index, weights)
        after = _sweep(value, beta, income, weights, offsets, 1)
        growth = after - value
        if np.ptp(growth) <= _TOLERANCE * max(1.0, np.max(np.abs(income))):
            quote_index = np.where(quote_index == fill_probability.shape[1] - 1, -1, quote_index)
            value = value + 0.5 * (growth.min() + growth.max()) / (1.0 - beta)
            return Solution(value, quote_index, value_change)
        value = _sweep(after, beta, income, weights, offsets, _SWEEPS)


@jit.kernel
def _move_probabilities(fill_probability, quote_index, weights):
    """Writes the probabilities of the 3^N moves, the last instrument's varying fastest, into weights (S, 3^N)."""
    count = quote_index.shape[1]
    moves = np.empty((count, 3))
    for s in range(quote_index.shape[0]):
        _fill_moves(fill_probability, quote_index[s], moves)
        for code in range(weights.shape[1]):
            weight, rest = 1.0, code
            for n in range(count - 1, -1, -1):
                weight *= moves[n, rest % 3]
                rest //= 3
            weights[s, code] = weight


@jit.kernel
def _fill_moves(fill_probability, quote_index, moves):
    """Writes the probabilities that each inventory falls, stays, rises by an order into moves (N, 3)."""
    for n in range(len(moves)):
        sold, bought = fill_probability[n, quote_index[n, 0]], fill_probability[n, quote_index[n, 1]]
        joint_inventory.write_move_probabilities(sold, bought, moves[n])


@jit.kernel
def _sweep(value, beta, income, weights, offsets, times):
    """income + beta P V, applied `times` times."""
    for _ in range(times):
        after = income.copy()
        for s in range(len(value)):
            total = 0.0
            for k in range(len(offsets)):
                if weights[s, k] > 0.0:
                    total += weights[s, k] * value[s + offsets[k]]
            after[s] += beta * total
        value = after
    return value


@jit.kernel
def _improve(value, beta, fills, layout, quote_index, value_change):
    """Improves quote_index (S, N, 2) of every joint inventory by coordinate ascent and writes value_change.

    Args:
        fills: (fill_probability, gain). layout: (strides, 2 L + 1).
    """
    fill_probability, gain = fills
    strides, width = layout
    count = len(strides)
    moves, near = np.empty((count, 3)), np.empty(3)
    for s in range(len(value)):
        for _ in range(_COORDINATES):
            changed = False
            _fill_moves(fill_probability, quote_index[s], moves)
            for n in range(count):
                q = (s // strides[n]) % width
                for k in range(3):
                    # an inventory beyond the limit, where no fill leads, gets the value of the present one
                    is_inside = 0 <= q + k - 1 < width
                    moves[n] = 0.0
                    moves[n, k if is_inside else joint_inventory.STAY] = 1.0
                    near[k] = joint_inventory.expected_value(value, s, moves, strides)
                for side in range(2):
                    if q == (0 if side == 0 else width - 1):
                        continue
                    p = fill_probability[n, quote_index[s, n, 1 - side]]
                    filled, reverse = (near[0], near[2]) if side == 0 else (near[2], near[0])
                    change = beta * ((1.0 - p) * (filled - near[1]) + p * (near[1] - reverse))
                    value_change[s, n, side] = change
                    changed |= _best(fill_probability[n], gain[n], change, quote_index[s, n], side)
                sold, bought = fill_probability[n, quote_index[s, n, 0]], fill_probability[n, quote_index[s, n, 1]]
                joint_inventory.write_move_probabilities(sold, bought, moves[n])
            if not changed:
                break


@jit.kernel
def _best(fill_probability, gain, change, quote_index, side):
    """Moves quote_index[side] to the best distance; returns whether it was another one."""
    best = quote_index[side]
    most = gain[best] + fill_probability[best] * change + 1e-15
    for j in range(len(fill_probability)):
        total = gain[j] + fill_probability[j] * change
        if total > most:
            best, most = j, total
    changed = best != quote_index[side]
    quote_index[side] = best
    return changed
