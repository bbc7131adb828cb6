"""The simple model with two currencies, whose inventories have a common price of risk, r (Q' Omega Q)^u.

Assumes what models.simple assumes, with Q in orders of each currency, both sides of both quoted at once and all fills
independent; it ignores the same. With |Q_n| <= L_n
    V(Q) = max E[sum of distances of the fills - r (Q' Omega Q)^u + beta V(Q')].
A limit of 0 leaves a currency out; with u = 1/2 and Omega = 1 the model is then the scalar one.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Bools, Floats, Ints

_TOLERANCE = 1e-10
_SWEEPS = 40


class Model(NamedTuple):
    """Parameters; S = (2 L_1 + 1) (2 L_2 + 1) inventories.

    Attributes:
        curve: fill curve of both currencies, see simple.Model. risk: r. omega: (2, 2) Omega, two rows.
        risk_power: u. limits: (L_1, L_2), orders. beta: discount of a step.
        max_distance: largest distance that is tried, market spreads. grid: number of distances that are tried.
    """

    curve: Callable[[Any], Any]
    risk: float
    omega: tuple[tuple[float, ...], ...] = ((1.0, 0.0), (0.0, 1.0))
    risk_power: float = 0.5
    limits: tuple[int, int] = (10, 10)
    beta: float = 0.99
    max_distance: float = 3.0
    grid: int = 601

    @property
    def inventories(self) -> Ints:
        """(S, 2) int64: every pair of inventories, the second currency varying fastest."""
        first, second = (np.arange(-limit, limit + 1) for limit in self.limits)
        return np.stack(np.meshgrid(first, second, indexing="ij"), axis=-1).reshape(-1, 2)

    @property
    def costs(self) -> Floats:
        """(S,) r (Q' Omega Q)^u of a step."""
        inventories = self.inventories
        squares = np.einsum("si,ij,sj->s", inventories, np.array(self.omega), inventories)
        return self.risk * np.maximum(squares, 0.0) ** self.risk_power

    @property
    def allowed(self) -> Bools:
        """(S, 2, 2) bool: whether a fill of a currency's ask, bid stays inside its limit."""
        after_fill = self.inventories[:, :, np.newaxis] + np.array([-1, 1])
        return np.abs(after_fill) <= np.array(self.limits)[np.newaxis, :, np.newaxis]


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (S,) float64 V(Q).
        distances: (S, 2, 2) float64 ask and bid of each currency, market spreads; NaN where a side is not quoted.
    """

    value: Floats
    distances: Floats


def evaluate(model: Model, distances: Floats) -> Floats:
    """(S,) V_pi of a policy, which solves the linear system V = F + beta P V. distances: (S, 2, 2), NaN: not quoted."""
    is_quoted = model.allowed & ~np.isnan(distances)
    distances = np.where(is_quoted, distances, 0.0)
    probabilities = np.where(is_quoted, model.curve(distances), 0.0)
    reward = (probabilities * distances).sum(axis=(1, 2)) - model.costs
    # (S, 2, 3): probability that a currency's inventory falls by one, stays, rises by one
    sold, bought = probabilities[..., 0], probabilities[..., 1]
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    move = np.stack([down, 1.0 - down - up, up], axis=-1)
    width = 2 * model.limits[1] + 1
    count = len(reward)
    state = np.arange(count)
    transition = np.zeros((count, count))
    for i in (-1, 0, 1):
        for j in (-1, 0, 1):
            weight = move[:, 0, i + 1] * move[:, 1, j + 1]
            possible = weight > 0
            next_state = state[possible] + i * width + j
            np.add.at(transition, (state[possible], next_state), weight[possible])
    return np.linalg.solve(np.eye(count) - model.beta * transition, reward)


@functools.lru_cache(maxsize=16)
def solve(model: Model) -> Solution:
    """The optimal policy by policy iteration; each of the four distances is improved in turn on a grid.

    Given V and the other currency's quotes, a currency faces the problem of the simple model with V averaged over the
    fills of the other currency.

    Returns:
        Read-only Solution.
    """
    tried = np.linspace(0.0, model.max_distance, model.grid)
    probabilities = model.curve(tried)
    allowed = model.allowed
    indices = np.where(allowed, int(np.searchsorted(tried, min(1.0, model.max_distance))), -1)
    value = evaluate(model, _distances(tried, indices))
    shape = tuple(2 * limit + 1 for limit in model.limits)
    while True:
        _improve(value.reshape(shape), model.beta, tried, probabilities, allowed, indices)
        improved = evaluate(model, _distances(tried, indices))
        if np.max(np.abs(improved - value)) <= _TOLERANCE * np.max(np.abs(improved)):
            out = Solution(improved, _distances(tried, indices))
            for array in out:
                array.flags.writeable = False  # every caller gets the same arrays from the cache
            return out
        value = improved


def _distances(tried, indices):
    return np.where(indices < 0, np.nan, tried[np.maximum(indices, 0)])


@jit.kernel
def _improve(value, beta, tried, probabilities, allowed, indices):
    """Improves the indices (S, 2, 2) of the distances in every state by coordinate ascent, in place."""
    width = value.shape[1]
    near = np.zeros(3)
    for s in range(indices.shape[0]):
        for _ in range(_SWEEPS):
            changed = False
            for n in range(2):
                _average(value, (s // width, s % width), n, probabilities, indices[s, 1 - n], near)
                for side in range(2):
                    if not allowed[s, n, side]:
                        continue
                    opposite = indices[s, n, 1 - side]
                    p = probabilities[opposite] if opposite >= 0 else 0.0
                    filled, reverse = (near[0], near[2]) if side == 0 else (near[2], near[0])
                    change = beta * ((1.0 - p) * (filled - near[1]) + p * (near[1] - reverse))
                    best = np.argmax(probabilities * (tried + change))
                    changed |= best != indices[s, n, side]
                    indices[s, n, side] = best
            if not changed:
                break


@jit.kernel
def _average(value, state, n, probabilities, quotes, out):
    """Writes V with currency n one order lower, as it is and one order higher, averaged over the fills of the other
    currency's quotes (2,), into out (3,).

    An inventory beyond the limit gets the value of the present one: no fill leads there.
    """
    sold = probabilities[quotes[0]] if quotes[0] >= 0 else 0.0
    bought = probabilities[quotes[1]] if quotes[1] >= 0 else 0.0
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    i, j = state
    for k in range(3):
        a, b = (i + k - 1, j) if n == 0 else (i, j + k - 1)
        if a < 0 or b < 0 or a >= value.shape[0] or b >= value.shape[1]:
            a, b = i, j
        out[k] = (1.0 - down - up) * value[a, b]
        if down > 0.0:
            out[k] += down * (value[a, b - 1] if n == 0 else value[a - 1, b])
        if up > 0.0:
            out[k] += up * (value[a, b + 1] if n == 0 else value[a + 1, b])
