"""The value of inventory that prices fills in a reward: from known curves, or from what quotes did on train."""

import functools

import numpy as np

from tfmm import errors
from tfmm.environments import measurement
from tfmm.models import inventory
from tfmm.simulation import lesson

MARKED_LATER = ("markout", "markout_value")
"""Rewards of tfmm.simulation.markout."""
_GRID = 241
_FARTHEST = 6.0  # market spreads


def check(config, instruments):
    """Raises ConfigError where fills have no known probabilities: other fills than clients', or unknown sizes."""
    rules, clients, environment = config.rules, config.clients, config.environment
    wanted = (
        (clients.rate_s > 0, "clients.rate_s is 0", "above 0"),
        (not rules.tape_fills, "rules.tape_fills is true", "false"),
        (rules.hedge == "none", f"rules.hedge is {rules.hedge}", "none"),
        (not np.any(rules.latency_s), f"rules.latency_s is {rules.latency_s}", "0"),
        (
            not clients.random_size and clients.size_orders == 1.0,
            "clients are of other sizes than orders",
            "of one order",
        ),
        (not environment.sizes, "environment.sizes is true", "false"),
        (clients.branching == 0, f"clients.branching is {clients.branching:g}", "0"),
        (clients.informed == 0, f"clients.informed is {clients.informed:g}", "0"),
        (environment.clock == "time", f"environment.clock is {environment.clock}", "time"),
        (not any(one.inverse for one in instruments), "an instrument is inverse", "linear ones"),
    )
    for fits, found, text in wanted:
        if not fits:
            raise errors.ConfigError(f"environment.reward is {environment.reward}, but {found}, wanted {text}")


def known(config, instruments):
    """Whether fills have the known probabilities that `check` wants."""
    try:
        check(config, instruments)
    except errors.ConfigError:
        return False
    return True


def values(problem):
    """(N, 2 L + 1) float64, tick x lot: see Problem.values."""
    config, reward = problem.config, problem.config.environment.reward
    if reward in MARKED_LATER and any(one.inverse for one in problem.instruments):
        raise errors.ConfigError(f"environment.reward is {reward}, but an instrument is inverse, wanted linear ones")
    if reward in ("drawn", "markout"):
        return None
    if reward == "markout_value":
        return _measured(problem)
    check(config, problem.instruments)
    out = np.zeros((len(problem.scales), 2 * config.rules.inventory_limit_orders + 1))
    if reward == "bellman":
        for n, scale in enumerate(problem.scales):
            out[n] = _above_flat(solve(problem, n)[1].value) * scale.order_lot
    return out


@functools.lru_cache(maxsize=4)
def _measured(problem):
    found = [measurement.solve(problem, n, one) for n, one in enumerate(measurement.measure(problem))]
    return np.array([_above_flat(one.value) * own.order_lot for one, own in zip(found, problem.scales, strict=True)])


def _above_flat(value):
    return value - value[len(value) // 2]


def solve(problem, n):
    """(distances tried, tick; models.inventory.Solution, tick x order) of an instrument whose fills `check` knows, with
    its mean spread."""
    interval_s, rules = problem.config.environment.interval_s, problem.parameters[n]
    spread = 2.0 * problem.scales[n].half_spread_tick
    distance = np.linspace(0.0, _FARTHEST * spread, _GRID)
    chance = np.array([lesson.chance(d - 0.5 * spread, spread, interval_s, rules) for d in distance])
    return distance, inventory.solve(chance, chance * distance, problem.holding_cost(n))
