"""Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book", and its discrete decision problem.

Assumes: the mid is a Brownian motion, dS = sigma dW; a quote at distance d from it is filled at rate A exp(-k d), one
unit a fill; the dealer has exponential utility with risk aversion gamma of wealth at T. Ignores: drift, a limit of the
inventory, jumps of the mid, the information in a fill.

Reservation price and total spread are their equations (29) and (30), first-order approximations in q:
    r(s, q, t) = s - q gamma sigma^2 (T - t),    spread = gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k).

The decision problem lives on a grid of steps dt: in each, either side is filled with probability A exp(-k d) dt, and
the reward is dPnL - phi q^2 dt with |q| <= L. The mid is a martingale, so its moves drop out of the expected reward:
    V_t(q) = max_{a,b} p(a) a + p(b) b - phi q^2 dt + E V_{t+1}(q'),    V_T = 0.
"""

import functools
import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tfmm import jit
from tfmm.arrays import Floats, Ints

_TURNS = 20  # of ask and bid, each improved given the other one


class Model(NamedTuple):
    """Parameters, called as in the paper.

    Attributes:
        horizon: T, time units. dt: length of a step, time units.
        sigma: volatility of the mid, price per square root of a time unit.
        A: fills per time unit at distance 0. k: decay of the fill rate, per unit of price.
        limit: L, units of inventory. max_distance: largest distance that `solve` tries, price.
    """

    horizon: float = 1.0
    dt: float = 0.005
    sigma: float = 2.0
    A: float = 140.0
    k: float = 1.5
    limit: int = 10
    max_distance: float = 3.0

    @property
    def steps(self) -> int:
        """Number of steps until the horizon."""
        return round(self.horizon / self.dt)

    @property
    def inventories(self) -> Ints:
        """(2 L + 1,) int64: -L, ..., L."""
        return np.arange(-self.limit, self.limit + 1)

    def fill_probability(self, distance: npt.ArrayLike) -> Floats:
        """Probability that a quote at a distance is filled in a step, float64 in the shape of the distance."""
        return np.minimum(1.0, self.A * np.exp(-self.k * np.asarray(distance)) * self.dt)


class Summary(NamedTuple):
    """Results of many paths.

    Attributes:
        spread: mean total spread over a path, price.
        profit, profit_std: mean and standard deviation of wealth at T, price.
        inventory, inventory_std: mean and standard deviation of the inventory at T. paths: their number.
    """

    spread: float
    profit: float
    profit_std: float
    inventory: float
    inventory_std: float
    paths: int


def reservation_shift(model: Model, gamma: float, inventory: npt.ArrayLike, time: npt.ArrayLike) -> Floats:
    """Reservation price minus mid, equation (29): -q gamma sigma^2 (T - t)."""
    return -np.asarray(inventory) * gamma * model.sigma**2 * (model.horizon - np.asarray(time))


def total_spread(model: Model, gamma: float, time: float) -> float:
    """Distance between bid and ask, equation (30)."""
    return gamma * model.sigma**2 * (model.horizon - time) + 2.0 / gamma * math.log(1.0 + gamma / model.k)


def distances(model: Model, gamma: float) -> Floats:
    """(steps, 2 L + 1, 2) ask and bid distance of the paper's strategy on the grid of the decision problem, clipped to
    0, ..., max_distance."""
    times = np.arange(model.steps)[:, np.newaxis] * model.dt
    half_spread = 0.5 * np.array([total_spread(model, gamma, time) for time in times[:, 0]])[:, np.newaxis]
    shift = reservation_shift(model, gamma, model.inventories, times)
    return np.clip(np.stack([half_spread + shift, half_spread - shift], axis=-1), 0.0, model.max_distance)


def simulate(model: Model, gamma: float, symmetric: bool, paths: int, seed: int) -> Summary:
    """Profit and final inventory of the inventory or the symmetric strategy: section 3.3 of the paper.

    The mid moves by +/- sigma sqrt(dt) with equal probability. The symmetric strategy quotes the same spread around
    the mid. Neither is held to the limit L.
    """
    random = np.random.default_rng(seed)
    half_spreads = 0.5 * np.array([total_spread(model, gamma, t * model.dt) for t in range(model.steps)])
    skew = 0.0 if symmetric else gamma * model.sigma**2
    profit, inventory = np.empty(paths), np.empty(paths)
    _paths(random, half_spreads, skew, model, profit, inventory)
    return Summary(
        spread=float(2.0 * half_spreads.mean()),
        profit=float(profit.mean()),
        profit_std=float(profit.std(ddof=1)),
        inventory=float(inventory.mean()),
        inventory_std=float(inventory.std(ddof=1)),
        paths=paths,
    )


@jit.kernel
def _paths(random, half_spreads, skew, model, profit, inventory):
    for path in range(len(profit)):
        mid, cash, q = 100.0, 0.0, 0
        for t in range(len(half_spreads)):
            shift = -q * skew * (model.horizon - t * model.dt)
            ask, bid = half_spreads[t] + shift, half_spreads[t] - shift
            sold = random.random() < model.A * math.exp(-model.k * ask) * model.dt
            bought = random.random() < model.A * math.exp(-model.k * bid) * model.dt
            cash += sold * (mid + ask) - bought * (mid - bid)
            q += np.int64(bought) - np.int64(sold)
            mid += model.sigma * math.sqrt(model.dt) * (1.0 if random.random() < 0.5 else -1.0)
        profit[path], inventory[path] = cash + q * mid, q


@functools.lru_cache(maxsize=16)
def solve(model: Model, phi: float, grid: int = 601) -> tuple[Floats, Floats]:
    """The optimum of the decision problem by backward induction.

    Args:
        phi: price of q^2 per unit of time. grid: number of distances that are tried on each side.

    Returns:
        (steps + 1, 2 L + 1) V, (steps, 2 L + 1, 2) ask and bid distance, NaN where a side would leave the limits; both
        read-only.
    """
    tried = np.linspace(0.0, model.max_distance, grid)
    p = model.fill_probability(tried)
    inventories = model.inventories
    value = np.zeros((model.steps + 1, len(inventories)))
    best = np.full((model.steps, len(inventories), 2), np.nan)
    for t in range(model.steps - 1, -1, -1):
        for index, q in enumerate(inventories):
            gains, pair = _best_pair(value[t + 1], index, tried, p)
            value[t, index] = gains - phi * q * q * model.dt
            best[t, index] = pair
    value.flags.writeable = best.flags.writeable = False  # every caller gets the same arrays from the cache
    return value, best


def _best_pair(next_value, index, tried, p):
    """(max expected spread plus next value, (ask, bid)) at one inventory; ask and bid are improved in turn."""
    can_sell, can_buy = index > 0, index < len(next_value) - 1
    stay = next_value[index]
    down = next_value[index - 1] - stay if can_sell else 0.0
    up = next_value[index + 1] - stay if can_buy else 0.0
    ask = bid = len(tried) // 2
    both = 0.0 - down - up  # a fill on both sides leaves the inventory as it was
    for _ in range(_TURNS):
        before = ask, bid
        if can_sell:
            ask = int(np.argmax(p * (tried + down + (p[bid] * both if can_buy else 0.0))))
        if can_buy:
            bid = int(np.argmax(p * (tried + up + (p[ask] * both if can_sell else 0.0))))
        if (ask, bid) == before:
            break
    sold, bought = p[ask] * can_sell, p[bid] * can_buy
    total = stay + sold * (tried[ask] + down) + bought * (tried[bid] + up) + sold * bought * both
    return total, (tried[ask] if can_sell else np.nan, tried[bid] if can_buy else np.nan)


def evaluate(model: Model, phi: float, policy: Floats) -> Floats:
    """(steps + 1, 2 L + 1) V_pi of any policy: (steps, 2 L + 1, 2) ask and bid distance, NaN: not quoted."""
    q = model.inventories
    value = np.zeros((model.steps + 1, len(q)))
    for t in range(model.steps - 1, -1, -1):
        ask, bid = policy[t, :, 0], policy[t, :, 1]
        sold = np.where(np.isnan(ask) | (q == -model.limit), 0.0, model.fill_probability(np.nan_to_num(ask)))
        bought = np.where(np.isnan(bid) | (q == model.limit), 0.0, model.fill_probability(np.nan_to_num(bid)))
        after = value[t + 1]
        down = np.concatenate([[0.0], after[:-1] - after[1:]])
        up = np.concatenate([after[1:] - after[:-1], [0.0]])
        value[t] = after - phi * q**2 * model.dt + sold * (np.nan_to_num(ask) + down)
        value[t] += bought * (np.nan_to_num(bid) + up) - sold * bought * (down + up)
    return value
