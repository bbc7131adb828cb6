"""Avellaneda and Stoikov 2008, "High-frequency trading in a limit order book", and its discrete decision problem.

The mid is a Brownian motion, dS = sigma dW; a quote at distance d from it is hit at rate A exp(-k d); one unit a fill;
the dealer has exponential utility with risk aversion gamma of wealth at T. Reservation price and total spread are their
equations (29) and (30), first-order approximations in q:
    r(s, q, t) = s - q gamma sigma^2 (T - t),    spread = gamma sigma^2 (T - t) + (2 / gamma) ln(1 + gamma / k).
Ignores: drift, an inventory bound, that the two sides share a mid that jumps; fills carry no information.

The decision problem lives on a grid of steps dt: in each, either side is hit with probability A exp(-k d) dt, and the
reward is dPnL - phi q^2 dt with |q| <= L. The mid is a martingale, so its moves drop out of the expected reward:
    V_t(q) = max_{a,b} p(a) a + p(b) b - phi q^2 dt + E V_{t+1}(q'),    V_T = 0.
"""

import functools
import math
from typing import NamedTuple

import numpy as np

from tfmm import jit


class Model(NamedTuple):
    """horizon: T. step: dt. sigma: of the mid. rate: A. decay: k. limit: L. far: largest distance that is tried."""

    horizon: float = 1.0
    step: float = 0.005
    sigma: float = 2.0
    rate: float = 140.0
    decay: float = 1.5
    limit: int = 10
    far: float = 3.0

    @property
    def steps(self):
        return round(self.horizon / self.step)

    def chance(self, distance):
        """Probability that a quote at a distance is hit in a step."""
        return np.minimum(1.0, self.rate * np.exp(-self.decay * np.asarray(distance)) * self.step)


class Summary(NamedTuple):
    """Of many paths: means, standard deviations and the number of paths. spread: mean over a path."""

    spread: float
    profit: float
    profit_std: float
    inventory: float
    inventory_std: float
    paths: int


def reservation_shift(model, gamma, inventory, time):
    """Reservation price minus mid, equation (29)."""
    return -inventory * gamma * model.sigma**2 * (model.horizon - time)


def total_spread(model, gamma, time):
    """Distance between bid and ask, equation (30)."""
    return gamma * model.sigma**2 * (model.horizon - time) + 2.0 / gamma * math.log(1.0 + gamma / model.decay)


def distances(model, gamma):
    """(steps, 2 L + 1, 2) ask and bid distance from the mid of the inventory strategy, for the decision problem."""
    times = np.arange(model.steps)[:, np.newaxis] * model.step
    held = np.arange(-model.limit, model.limit + 1)
    half = 0.5 * np.array([total_spread(model, gamma, time) for time in times[:, 0]])[:, np.newaxis]
    shift = reservation_shift(model, gamma, held, times)
    return np.clip(np.stack([half + shift, half - shift], axis=-1), 0.0, model.far)


def simulate(model, gamma, symmetric, paths, seed):
    """Their section 3.3: profit and final inventory of the inventory or the symmetric strategy, as a Summary.

    The mid moves by +/- sigma sqrt(dt) with equal chance. The symmetric strategy quotes the same spread around the mid.
    """
    random = np.random.default_rng(seed)
    half = 0.5 * np.array([total_spread(model, gamma, k * model.step) for k in range(model.steps)])
    skew = 0.0 if symmetric else gamma * model.sigma**2
    profit, held = np.empty(paths), np.empty(paths)
    _paths(random, half, skew, model.step, model.horizon, model.sigma, model.rate, model.decay, profit, held)
    return Summary(
        float(2.0 * half.mean()), float(profit.mean()), float(profit.std(ddof=1)), float(held.mean()),
        float(held.std(ddof=1)), paths,
    )  # fmt: skip


@jit.kernel
def _paths(random, half, skew, step, horizon, sigma, rate, decay, profit, held):
    for path in range(len(profit)):
        mid, cash, q = 100.0, 0.0, 0
        for k in range(len(half)):
            shift = -q * skew * (horizon - k * step)
            ask, bid = half[k] + shift, half[k] - shift
            sold = random.random() < rate * math.exp(-decay * ask) * step
            bought = random.random() < rate * math.exp(-decay * bid) * step
            cash += sold * (mid + ask) - bought * (mid - bid)
            q += np.int64(bought) - np.int64(sold)
            mid += sigma * math.sqrt(step) * (1.0 if random.random() < 0.5 else -1.0)
        profit[path], held[path] = cash + q * mid, q


@functools.lru_cache(maxsize=16)
def solve(model, phi, grid=601):
    """The optimum of the decision problem by backward induction.

    Args:
        phi: price of q^2 per unit of time. grid: distances that are tried on each side.

    Returns:
        (steps + 1, 2 L + 1) V, (steps, 2 L + 1, 2) ask and bid distance, NaN where a side would leave the bounds.
    """
    tried = np.linspace(0.0, model.far, grid)
    p = model.chance(tried)
    held = np.arange(-model.limit, model.limit + 1)
    value = np.zeros((model.steps + 1, len(held)))
    best = np.full((model.steps, len(held), 2), np.nan)
    for t in range(model.steps - 1, -1, -1):
        for k, q in enumerate(held):
            gains, picked = _best_pair(value[t + 1], k, tried, p)
            value[t, k] = gains - phi * q * q * model.step
            best[t, k] = picked
    value.flags.writeable = best.flags.writeable = False  # the same solution is given to everyone who asks
    return value, best


def _best_pair(after, k, tried, p):
    """(max expected spread and next value, (ask, bid)) at inventory place k; the sides are improved in turn."""
    can_sell, can_buy = k > 0, k < len(after) - 1
    stay = after[k]
    down = after[k - 1] - stay if can_sell else 0.0
    up = after[k + 1] - stay if can_buy else 0.0
    ask = bid = len(tried) // 2
    both = 0.0 - down - up  # a fill on both sides leaves the inventory as it was
    for _ in range(20):
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


def evaluate(model, phi, policy):
    """(steps + 1, 2 L + 1) V_pi of any policy. policy: (steps, 2 L + 1, 2) ask and bid distance, NaN: not quoted."""
    held = np.arange(-model.limit, model.limit + 1)
    value = np.zeros((model.steps + 1, len(held)))
    for t in range(model.steps - 1, -1, -1):
        ask, bid = policy[t, :, 0], policy[t, :, 1]
        sold = np.where(np.isnan(ask) | (held == -model.limit), 0.0, model.chance(np.nan_to_num(ask)))
        bought = np.where(np.isnan(bid) | (held == model.limit), 0.0, model.chance(np.nan_to_num(bid)))
        after = value[t + 1]
        down = np.concatenate([[0.0], after[:-1] - after[1:]])
        up = np.concatenate([after[1:] - after[:-1], [0.0]])
        value[t] = after - phi * held**2 * model.step + sold * (np.nan_to_num(ask) + down)
        value[t] += bought * (np.nan_to_num(bid) + up) - sold * bought * (down + up)
    return value
