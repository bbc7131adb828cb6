"""The value of inventory that prices fills in a reward: from known curves, or from what quotes did on train."""

import functools

import numpy as np

from tfmm import errors
from tfmm.environments import measurement
from tfmm.models import book, inventory
from tfmm.simulation import lesson, state

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


def compares(problem):
    """Whether the reward is what quotes gain over dynamic programming's on the same tape: at a discount of 0, where
    what no action changes may be left out."""
    config = problem.config
    few = config.rules.inventory_limit_orders <= state.BASE_ORDERS
    return config.environment.reward in ("expected", "bellman") and config.agent.gamma == 0.0 and few


def values(problem):
    """(N, 2 L + 1) float64, tick x lot, or (1, S) where the whole book has a price: see Problem.values."""
    config, reward = problem.config, problem.config.environment.reward
    if reward in MARKED_LATER and any(one.inverse for one in problem.instruments):
        raise errors.ConfigError(f"environment.reward is {reward}, but an instrument is inverse, wanted linear ones")
    if reward in ("drawn", "markout"):
        return None
    if reward == "markout_value":
        if config.rules.hedge == "action":
            raise errors.ConfigError(
                "environment.reward is markout_value, but rules.hedge is action, wanted another one"
            )
        found = [solution.value for _, solution in measured(problem)]
        return np.array([_above_flat(one) * own.order_lot for one, own in zip(found, problem.scales, strict=True)])
    check(config, problem.instruments)
    if problem.risk is not None and config.rules.hedge != "none":
        raise errors.ConfigError(
            f"environment.risk is covariance and environment.reward {reward}, but rules.hedge is {config.rules.hedge}, "
            "wanted none: the value of a whole book knows no hedge"
        )
    if reward == "bellman" and problem.risk is not None:
        # the inventory at the end of the interval is held for about half of what it has changed by
        return _above_flat(whole(problem).value - 0.5 * _costs(problem).reshape(-1))[np.newaxis]
    out = np.zeros((len(problem.scales), 2 * config.rules.inventory_limit_orders + 1))
    if reward == "bellman":
        for n, scale in enumerate(problem.scales):
            out[n] = _above_flat(solve(problem, n)[1].value) * scale.order_lot
    return out


@functools.lru_cache(maxsize=4)
def measured(problem):
    """What `solve` returns, of every instrument, by what quotes did on train."""
    return tuple(
        (one.distance_tick, measurement.solve(problem, n, one, problem.hedge(n)))
        for n, one in enumerate(measurement.measure(problem))
    )


def _above_flat(value):
    return value - value[len(value) // 2]


@functools.lru_cache(maxsize=4)
def whole(problem):
    """models.book of the instruments that are quoted with their mean spreads, tick x lot of the first instrument.

    Raises:
        ConfigError: more books than can be solved.
    """
    own = np.flatnonzero(problem.parameters["quoted"])
    limit, most = problem.config.rules.inventory_limit_orders, book.most_orders(len(own))
    if limit > most:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with {len(own)} instruments whose risk is priced together, "
            f"wanted at most {most}"
        )
    units = (problem.parameters["weight"] * problem.parameters["order_lot"])[own, np.newaxis]
    distance, chance = (np.stack(one) for one in zip(*(_curve(problem, n) for n in own), strict=True))
    return book.solve(chance, chance * distance * units, _costs(problem))


def _costs(problem):
    """(2 L + 1, ..., 2 L + 1): what holding what is quoted costs per decision, tick x lot of the first instrument."""
    own, limit = np.flatnonzero(problem.parameters["quoted"]), problem.config.rules.inventory_limit_orders
    held = np.stack(np.meshgrid(*[np.arange(-limit, limit + 1)] * len(own), indexing="ij"), axis=-1)
    omega, cost, power = problem.risk
    squares = np.einsum("...i,ij,...j->...", held, omega[np.ix_(own, own)], held)
    return cost * problem.config.environment.interval_s * np.maximum(squares, 0.0) ** power


def solve(problem, n):
    """(distances tried, tick; models.inventory.Solution, tick x order) of an instrument whose fills `check` knows, with
    its mean spread."""
    distance, chance = _curve(problem, n)
    return distance, inventory.solve(chance, chance * distance, problem.holding_cost(n), hedge=problem.hedge(n))


def _curve(problem, n):
    """(J,) distances, ticks, and the probability that a client takes a quote there, at the mean spread."""
    interval_s, rules = problem.config.environment.interval_s, problem.parameters[n]
    spread = 2.0 * problem.scales[n].half_spread_tick
    distance = np.linspace(0.0, _FARTHEST * spread, _GRID)
    return distance, np.array([lesson.chance(d - 0.5 * spread, spread, interval_s, rules) for d in distance])
