"""The simple model: a dealer with constant mid, client flow of known probability, and a price on inventory.

Each step one client wants to buy and one wants to sell, independently, each one order of size q. Quoting the ask a
distance a and the bid a distance b from the mid (in market spreads S = 1), they trade with probability p(a) and
p(b). With inventory Q bounded by |Q| <= L (a side that would leave the bounds is not quoted)
    F = a p(a) q + b p(b) q - r |Q|,    V(Q) = max_{a,b} E[F + beta V(Q')],    Q' = Q - q sold + q bought.
Assumes: the mid stands still, so a trade earns its distance; clients know nothing; fills are independent of each
other. The inventory that costs is the one held at the beginning of the step.
"""

import functools
from typing import NamedTuple

import numpy as np

_GRID = 301
_REFINEMENTS = 4
_TOLERANCE = 1e-11


class Model(NamedTuple):
    """curve: curves.Curve, or any function of distances (K,) -> probabilities. risk: r. beta: discount. limit: L in
    orders. far: largest distance that is tried, in market spreads. power: u of r (Q^2)^u, 1/2 for r |Q|."""

    curve: object
    risk: float
    beta: float = 0.99
    limit: int = 10
    far: float = 6.0
    power: float = 0.5

    @property
    def costs(self):
        """(2 L + 1,) r Risk(Q) of a step."""
        return self.risk * np.abs(self.inventories) ** (2.0 * self.power)

    @property
    def inventories(self):
        """(2 L + 1,) int64: -L, ..., L."""
        return np.arange(-self.limit, self.limit + 1)


class Solution(NamedTuple):
    """value: (2 L + 1,) V(Q). ask, bid: (2 L + 1,) distances from the mid; NaN where that side is not quoted."""

    value: np.ndarray
    ask: np.ndarray
    bid: np.ndarray


def evaluate(model, ask, bid):
    """V_pi(Q) of a policy: the linear system V = F + beta P V.

    Args:
        model: Model. ask, bid: (2 L + 1,) distances, NaN: not quoted.

    Returns:
        (2 L + 1,) float64.
    """
    earned, move = step(model, ask, bid)
    return np.linalg.solve(np.eye(len(earned)) - model.beta * move, earned - model.costs)


def step(model, ask, bid):
    """What a policy does in a step: (2 L + 1,) expected income, (2 L + 1, 2 L + 1) chances of the next inventory."""
    quoted = [_allowed(model, side) & ~np.isnan(distances) for side, distances in ((-1, ask), (1, bid))]
    chance = [np.where(on, model.curve(np.nan_to_num(d)), 0.0) for on, d in zip(quoted, (ask, bid), strict=True)]
    earned = sum(p * np.nan_to_num(d) for p, d in zip(chance, (ask, bid), strict=True))
    sold, bought = chance
    move = np.diag(1.0 - sold - bought + 2.0 * sold * bought)
    move += np.diag((sold * (1.0 - bought))[1:], -1) + np.diag((bought * (1.0 - sold))[:-1], 1)
    return earned, move


@functools.lru_cache(maxsize=64)
def solve(model):
    """The optimal policy, by policy iteration; the two distances are improved in turn on a grid that is refined.

    Given V, the gain of selling alone, buying alone and both is linear in each probability, so for a given p(b) the
    best a maximises p(a) (a + w_a) with w_a the expected change of beta V.

    Returns:
        Solution; its value solves the Bellman equation to 1e-11 of its size.
    """
    ask = np.where(_allowed(model, -1), 1.0, np.nan)
    bid = np.where(_allowed(model, 1), 1.0, np.nan)
    value = evaluate(model, ask, bid)
    while True:
        ask, bid = _improve(model, value, ask, bid)
        better = evaluate(model, ask, bid)
        if np.max(np.abs(better - value)) <= _TOLERANCE * np.max(np.abs(better)):
            for array in (better, ask, bid):
                array.flags.writeable = False  # the same solution is given to everyone who asks
            return Solution(better, ask, bid)
        value = better


def gap(model, ask, bid):
    """`shortfall` of a policy against the optimum, from Q = 0."""
    return shortfall(solve(model).value, evaluate(model, ask, bid), model.limit)


def shortfall(best, own, start):
    """{"value", "policy_value", "ratio", "max_gap"}: V*, V_pi and V_pi / V* at the start, max (V* - V_pi) / |V*|.

    Args:
        best, own: values in every state, one shape. start: index of the state that is played from.
    """
    return {
        "value": float(best[start]),
        "policy_value": float(own[start]),
        "ratio": float(own[start] / best[start]),
        "max_gap": float(np.max(best - own) / abs(best[start])),
    }


def simulate(model, ask, bid, paths, steps, seed):
    """(paths,) discounted rewards of a policy from Q = 0, over `steps` steps, fills drawn."""
    random = np.random.default_rng(seed)
    held = np.zeros(paths, np.int64)
    total, weight, costs = np.zeros(paths), 1.0, model.costs
    for _ in range(steps):
        place = held + model.limit
        total -= weight * costs[place]
        for side, distances in ((-1, ask), (1, bid)):
            distance = distances[place]
            on = ~np.isnan(distance)
            filled = on & (random.random(paths) < np.where(on, model.curve(np.nan_to_num(distance)), 0.0))
            total += weight * np.where(filled, np.nan_to_num(distance), 0.0)
            held = held + side * filled
        weight *= model.beta
    return total


def _allowed(model, side):
    """Whether a fill on a side (-1 ask, +1 bid) stays inside the bounds."""
    return np.abs(model.inventories + side) <= model.limit


def best_pair(model, near, ask, bid, turns=50):
    """The best distances at one inventory, improved in turn from the given ones; NaN stays: not quoted.

    Args:
        near: (3,) value with one order less, as many, one more; of a side that is not quoted it is not used.
        turns: at most.
    """
    for _ in range(turns):
        before = ask, bid
        _, bought = _chances(model, ask, bid)
        if not np.isnan(ask):
            up = near[2] if bought else 0.0
            change = (1.0 - bought) * (near[0] - near[1]) + bought * (near[1] - up)
            ask = _best(model, model.beta * change)
        sold, _ = _chances(model, ask, bid)
        if not np.isnan(bid):
            down = near[0] if sold else 0.0
            change = (1.0 - sold) * (near[2] - near[1]) + sold * (near[1] - down)
            bid = _best(model, model.beta * change)
        if np.allclose(before, (ask, bid), rtol=0, atol=1e-12, equal_nan=True):
            break
    return ask, bid


def move_of(model, ask, bid):
    """(3,) probabilities that the inventory falls by one, stays, rises by one."""
    sold, bought = _chances(model, ask, bid)
    down, up = sold * (1.0 - bought), bought * (1.0 - sold)
    return np.array([down, 1.0 - down - up, up])


def _chances(model, ask, bid):
    return [0.0 if np.isnan(one) else float(model.curve(one)) for one in (ask, bid)]


def _improve(model, value, ask, bid):
    padded = np.concatenate([[np.nan], value, [np.nan]])
    pairs = [best_pair(model, padded[k : k + 3], ask[k], bid[k]) for k in range(len(value))]
    return np.array(pairs).T


def _best(model, change):
    """argmax over d of p(d) (d + change), on a grid that closes in."""
    low, high = 0.0, model.far
    for _ in range(_REFINEMENTS + 1):
        tried = np.linspace(low, high, _GRID)
        best = tried[np.argmax(model.curve(tried) * (tried + change))]
        step = tried[1] - tried[0]
        low, high = max(0.0, best - step), min(model.far, best + step)
    return best
