"""The simple model with two currencies: quotes in both, Risk(Q) = (Q' Omega Q)^u of the whole book.

As models.simple, with Q in orders of each currency, both sides of both quoted at once, fills independent of each other:
    V(Q) = max E[sum of distances of the fills - r (Q' Omega Q)^u + beta V(Q')],    |Q_n| <= L_n.
A limit of 0 leaves a currency out, and with u = 1/2 and Omega = 1 the model is the scalar one.
"""

import functools
from typing import NamedTuple

import numpy as np

from tfmm import jit

_TOLERANCE = 1e-10
_SWEEPS = 40


class Model(NamedTuple):
    """curve: of both currencies. risk: r. omega: two rows. power: u. limits: (L_1, L_2), orders. beta: discount.
    far: largest distance that is tried. grid: how many are."""

    curve: object
    risk: float
    omega: tuple = ((1.0, 0.0), (0.0, 1.0))
    power: float = 0.5
    limits: tuple = (10, 10)
    beta: float = 0.99
    far: float = 3.0
    grid: int = 601

    @property
    def inventories(self):
        """(S, 2) int64: every book, the second currency varying fastest."""
        first, second = (np.arange(-limit, limit + 1) for limit in self.limits)
        return np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)

    @property
    def costs(self):
        """(S,) r (Q' Omega Q)^u."""
        held = self.inventories
        squares = np.einsum("si,ij,sj->s", held, np.array(self.omega), held)
        return self.risk * np.maximum(squares, 0.0) ** self.power

    @property
    def allowed(self):
        """(S, 2, 2) bool: whether a fill of a currency's ask, bid stays inside its limit."""
        moved = self.inventories[:, :, np.newaxis] + np.array([-1, 1])
        return np.abs(moved) <= np.array(self.limits)[np.newaxis, :, np.newaxis]


class Solution(NamedTuple):
    """value: (S,). distances: (S, 2, 2) ask and bid of each currency, NaN where that side is not quoted."""

    value: np.ndarray
    distances: np.ndarray


def evaluate(model, distances):
    """(S,) V_pi of a policy: the linear system V = F + beta P V. distances: (S, 2, 2), NaN: not quoted."""
    on = model.allowed & ~np.isnan(distances)
    distances = np.where(on, distances, 0.0)
    chance = np.where(on, model.curve(distances), 0.0)
    reward = (chance * distances).sum(axis=(1, 2)) - model.costs
    # (S, 2, 3): probability that a currency's inventory falls by one, stays, rises by one
    sold, bought = chance[..., 0], chance[..., 1]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    move = np.stack([down, 1.0 - down - up, up], axis=-1)
    width = 2 * model.limits[1] + 1
    count = len(reward)
    here = np.arange(count)
    matrix = np.zeros((count, count))
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            weight = move[:, 0, i + 1] * move[:, 1, j + 1]
            on = weight > 0
            np.add.at(matrix, (here[on], here[on] + i * width + j), weight[on])
    return np.linalg.solve(np.eye(count) - model.beta * matrix, reward)


@functools.lru_cache(maxsize=16)
def solve(model):
    """The optimal policy by policy iteration; each of the four distances is improved in turn on a grid.

    Given V and the other currency's quotes, a currency faces the problem of the simple model with V averaged over
    what the other one does.

    Returns:
        Solution; read-only.
    """
    tried = np.linspace(0.0, model.far, model.grid)
    chance = model.curve(tried)
    allowed = model.allowed
    places = np.where(allowed, int(np.searchsorted(tried, min(1.0, model.far))), -1)
    value = evaluate(model, _at(tried, places))
    shape = tuple(2 * limit + 1 for limit in model.limits)
    while True:
        _improve(value.reshape(shape), model.beta, tried, chance, allowed, places)
        better = evaluate(model, _at(tried, places))
        if np.max(np.abs(better - value)) <= _TOLERANCE * np.max(np.abs(better)):
            out = Solution(better, _at(tried, places))
            for array in out:
                array.flags.writeable = False  # the same solution is given to everyone who asks
            return out
        value = better


def _at(tried, places):
    return np.where(places < 0, np.nan, tried[np.maximum(places, 0)])


@jit.kernel
def _improve(value, beta, tried, chance, allowed, places):
    """Improves places (S, 2, 2) in every state by coordinate ascent."""
    width = value.shape[1]
    around = np.zeros(3)
    for s in range(places.shape[0]):
        for _ in range(_SWEEPS):
            changed = False
            for n in range(2):
                _average(value, s // width, s % width, n, chance, places[s, 1 - n], around)
                for side in range(2):
                    if not allowed[s, n, side]:
                        continue
                    other = places[s, n, 1 - side]
                    p = chance[other] if other >= 0 else 0.0
                    one, opposite = (around[0], around[2]) if side == 0 else (around[2], around[0])
                    change = beta * ((1.0 - p) * (one - around[1]) + p * (around[1] - opposite))
                    best = np.argmax(chance * (tried + change))
                    changed |= best != places[s, n, side]
                    places[s, n, side] = best
            if not changed:
                break


@jit.kernel
def _average(value, i, j, n, chance, other, out):
    """out: V with currency n one lower, as it is, one higher, averaged over the fills of the other currency.

    A neighbour outside the grid is given the value in the middle: no fill leads there.
    """
    sold = chance[other[0]] if other[0] >= 0 else 0.0
    bought = chance[other[1]] if other[1] >= 0 else 0.0
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    for k in range(3):
        a, b = (i + k - 1, j) if n == 0 else (i, j + k - 1)
        if a < 0 or b < 0 or a >= value.shape[0] or b >= value.shape[1]:
            a, b = i, j
        out[k] = (1.0 - down - up) * value[a, b]
        if down > 0.0:
            out[k] += down * (value[a, b - 1] if n == 0 else value[a - 1, b])
        if up > 0.0:
            out[k] += up * (value[a, b + 1] if n == 0 else value[a + 1, b])
