"""The simple model: a dealer with constant mid, client flow of known probability, and a price of inventory.

Assumes: each step one client wants to buy and one wants to sell, independently, each one order; the mid is constant, so
that a trade earns its distance from it. Ignores: what clients know, fees, drift of the mid, quotes of other dealers.

With the ask a distance a and the bid a distance b from the mid (in market spreads), clients trade with probability p(a)
and p(b). With the inventory Q bounded by |Q| <= L (a side that would leave the bounds is not quoted)
    F = a p(a) + b p(b) - r (Q^2)^u,    V(Q) = max_{a,b} E[F + beta V(Q')],    Q' = Q - sold + bought.
The inventory that costs is the one at the beginning of the step.
"""

import functools
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Bools, Floats, Ints

_GRID = 301
_REFINEMENTS = 4
_TOLERANCE = 1e-11
_SELL, _BUY = -1, 1


class Model(NamedTuple):
    """Parameters.

    Attributes:
        curve: curves.Curve, or any function of distances (K,) -> fill probabilities (K,).
        risk: r, market spreads per step. beta: discount of a step. limit: L, orders.
        max_distance: largest distance that is tried, market spreads. risk_power: u; 1/2 for r |Q|.
    """

    curve: Callable[[Any], Any]
    risk: float
    beta: float = 0.99
    limit: int = 10
    max_distance: float = 6.0
    risk_power: float = 0.5

    @property
    def costs(self) -> Floats:
        """(2 L + 1,) r (Q^2)^u of a step."""
        return self.risk * np.abs(self.inventories) ** (2.0 * self.risk_power)

    @property
    def inventories(self) -> Ints:
        """(2 L + 1,) int64: -L, ..., L."""
        return np.arange(-self.limit, self.limit + 1)


class Solution(NamedTuple):
    """An optimal policy.

    Attributes:
        value: (2 L + 1,) float64 V(Q), market spreads x order.
        ask, bid: (2 L + 1,) float64 distances from the mid, market spreads; NaN where that side is not quoted.
    """

    value: Floats
    ask: Floats
    bid: Floats


def evaluate(model: Model, ask: Floats, bid: Floats) -> Floats:
    """(2 L + 1,) float64 V_pi(Q) of a policy, which solves the linear system V = F + beta P V.

    Args:
        ask, bid: (2 L + 1,) distances, NaN: not quoted.
    """
    income, transition = expected_step(model, ask, bid)
    return np.linalg.solve(np.eye(len(income)) - model.beta * transition, income - model.costs)


def expected_step(model: Model, ask: Floats, bid: Floats) -> tuple[Floats, Floats]:
    """(2 L + 1,) expected income of a step without its risk, and (2 L + 1, 2 L + 1) probabilities of the next
    inventory."""
    quoted = [_is_allowed(model, side) & ~np.isnan(distances) for side, distances in ((_SELL, ask), (_BUY, bid))]
    sold: Floats
    bought: Floats
    sold, bought = (
        np.where(is_quoted, model.curve(np.nan_to_num(distances)), 0.0)
        for is_quoted, distances in zip(quoted, (ask, bid), strict=True)
    )
    income = sold * np.nan_to_num(ask) + bought * np.nan_to_num(bid)
    transition = np.diag(1.0 - sold - bought + 2.0 * sold * bought)
    transition += np.diag((sold * (1.0 - bought))[1:], -1) + np.diag((bought * (1.0 - sold))[:-1], 1)
    return income, transition


@functools.lru_cache(maxsize=64)
def solve(model: Model) -> Solution:
    """The optimal policy, by policy iteration; the two distances are improved in turn on a grid that is refined.

    Given V, the gain of selling alone, buying alone and both is linear in each probability, so for a given p(b) the
    best a maximises p(a) (a + w_a) with w_a the expected change of beta V.

    Returns:
        Read-only Solution, whose value solves the Bellman equation to 1e-11 of its size.
    """
    ask = np.where(_is_allowed(model, _SELL), 1.0, np.nan)
    bid = np.where(_is_allowed(model, _BUY), 1.0, np.nan)
    value = evaluate(model, ask, bid)
    while True:
        ask, bid = _improve(model, value, ask, bid)
        improved = evaluate(model, ask, bid)
        if np.max(np.abs(improved - value)) <= _TOLERANCE * np.max(np.abs(improved)):
            for array in (improved, ask, bid):
                array.flags.writeable = False  # every caller gets the same arrays from the cache
            return Solution(improved, ask, bid)
        value = improved


def gap(model: Model, ask: Floats, bid: Floats) -> dict[str, float]:
    """`shortfall` of a policy against the optimum, from Q = 0."""
    return shortfall(solve(model).value, evaluate(model, ask, bid), model.limit)


def shortfall(optimal_value: Floats, policy_value: Floats, start: Any) -> dict[str, float]:
    """{"value", "policy_value", "ratio", "max_gap"}: V*, V_pi and V_pi / V* at the start, max (V* - V_pi) / |V*|.

    Args:
        optimal_value, policy_value: V* and V_pi in every state, of one shape. start: index of the initial state.
    """
    return {
        "value": float(optimal_value[start]),
        "policy_value": float(policy_value[start]),
        "ratio": float(policy_value[start] / optimal_value[start]),
        "max_gap": float(np.max(optimal_value - policy_value) / abs(optimal_value[start])),
    }


def simulate(model: Model, ask: Floats, bid: Floats, paths: int, steps: int, seed: int) -> Floats:
    """(paths,) discounted rewards of a policy from Q = 0 over `steps` steps, with random fills."""
    random = np.random.default_rng(seed)
    inventory = np.zeros(paths, np.int64)
    total, discount, costs = np.zeros(paths), 1.0, model.costs
    for _ in range(steps):
        index = inventory + model.limit
        total -= discount * costs[index]
        for side, distances in ((_SELL, ask), (_BUY, bid)):
            distance = distances[index]
            is_quoted = ~np.isnan(distance)
            probability = np.where(is_quoted, model.curve(np.nan_to_num(distance)), 0.0)
            filled = is_quoted & (random.random(paths) < probability)
            total += discount * np.where(filled, np.nan_to_num(distance), 0.0)
            inventory = inventory + side * filled
        discount *= model.beta
    return total


def _is_allowed(model: Model, side: int) -> Bools:
    """(2 L + 1,) whether a fill on a side (-1 ask, +1 bid) stays inside the bounds."""
    return np.abs(model.inventories + side) <= model.limit


def best_pair(model: Model, near: Floats, ask: float, bid: float, turns: int = 50) -> tuple[float, float]:
    """The best distances at one inventory, improved in turn from the given ones; NaN stays: not quoted.

    Args:
        near: (3,) V(Q - 1), V(Q), V(Q + 1); the value on the far side of a side that is not quoted is not used.
        turns: at most.
    """
    for _ in range(turns):
        before = ask, bid
        _, bought = _fill_probabilities(model, ask, bid)
        if not np.isnan(ask):
            up = near[2] if bought else 0.0
            change = (1.0 - bought) * (near[0] - near[1]) + bought * (near[1] - up)
            ask = _best(model, model.beta * change)
        sold, _ = _fill_probabilities(model, ask, bid)
        if not np.isnan(bid):
            down = near[0] if sold else 0.0
            change = (1.0 - sold) * (near[2] - near[1]) + sold * (near[1] - down)
            bid = _best(model, model.beta * change)
        if np.allclose(before, (ask, bid), rtol=0, atol=1e-12, equal_nan=True):
            break
    return ask, bid


def move_probabilities(model: Model, ask: float, bid: float) -> Floats:
    """(3,) probabilities that the inventory falls by one, stays, rises by one."""
    sold, bought = _fill_probabilities(model, ask, bid)
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    return np.array([down, 1.0 - down - up, up])


def _fill_probabilities(model, ask, bid):
    return [0.0 if np.isnan(distance) else float(model.curve(distance)) for distance in (ask, bid)]


def _improve(model, value, ask, bid):
    padded = np.concatenate([[np.nan], value, [np.nan]])
    pairs = [best_pair(model, padded[k : k + 3], ask[k], bid[k]) for k in range(len(value))]
    return np.array(pairs).T


def _best(model, change):
    """argmax over d of p(d) (d + change), on a grid that is refined around the maximum."""
    low, high = 0.0, model.max_distance
    for _ in range(_REFINEMENTS + 1):
        tried = np.linspace(low, high, _GRID)
        best = tried[np.argmax(model.curve(tried) * (tried + change))]
        step = tried[1] - tried[0]
        low, high = max(0.0, best - step), min(model.max_distance, best + step)
    return best
