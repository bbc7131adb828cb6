"""The value of inventory that prices fills in a reward: from known curves, or from what quotes did on train."""

import functools
from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.calibration import fill_probes, known_fills, market_sample
from tfmm.models import inventory, joint_inventory, markov_market
from tfmm.simulation import state
from tfmm.simulation.rewards import expected_fills

MARKED_LATER = ("markout", "shaped_markout")
"""Rewards of tfmm.simulation.rewards.markout."""
EXPECTED = ("expected_pnl", "shaped_expected_pnl")
"""Rewards of tfmm.simulation.rewards.expected_fills."""


def compares(task):
    """Whether the reward is what quotes gain over dynamic programming's on the same tape: at a discount of 0, where
    what no action changes may be left out."""
    config = task.config
    few = config.rules.inventory_limit_orders <= state.BASE_ORDERS
    return config.environment.reward in EXPECTED and config.agent.gamma == 0.0 and few


def spread_states(task):
    """States of the spread that have a value of their own: environment.n_spread_states where each instrument has one by
    itself, else 1."""
    environment = task.config.environment
    return environment.n_spread_states if environment.reward in EXPECTED and task.risk is None else 1


def values(task):
    """(N, X (2 L + 1)) float64, tick x lot, by state of the spread and orders held; or (1, S) where the whole book has
    a price: see TapeTask.values."""
    config, reward = task.config, task.config.environment.reward
    if reward in MARKED_LATER and any(one.inverse for one in task.instruments):
        raise errors.ConfigError(f"environment.reward is {reward}, but an instrument is inverse, wanted linear ones")
    if reward in ("realised_pnl", "markout"):
        return None
    if reward == "shaped_markout":
        if config.rules.hedge == "action":
            raise errors.ConfigError(
                "environment.reward is shaped_markout, but rules.hedge is action, wanted another one"
            )
        found = [solution.value for _, solution in measured(task)]
        return np.array([_above_flat(one) * own.order_lot for one, own in zip(found, task.scales, strict=True)])
    known_fills.check(config, task.instruments)
    if task.risk is not None and config.rules.hedge != "none":
        raise errors.ConfigError(
            f"environment.risk is covariance and environment.reward {reward}, but rules.hedge is {config.rules.hedge}, "
            "wanted none: the value of a whole book knows no hedge"
        )
    if reward == "shaped_expected_pnl" and task.risk is not None:
        # the inventory at the end of the interval is held for about half of what it has changed by
        return _above_flat(whole(task).value - 0.5 * _costs(task).reshape(-1))[np.newaxis]
    count, width = len(task.scales), 2 * config.rules.inventory_limit_orders + 1
    if reward == "expected_pnl":
        return np.zeros((count, spread_states(task) * width))
    if spread_states(task) > 1:
        found = [one.value for one in by_spread(task)]
    else:
        found = [solve(task, n)[1].value[:, np.newaxis] for n in range(count)]
    rows = [_above_flat(one).T.reshape(-1) * scale.order_lot for one, scale in zip(found, task.scales, strict=True)]
    return np.array(rows)


@functools.lru_cache(maxsize=4)
def measured(task):
    """What `solve` returns, of every instrument, by what quotes did on train."""
    return tuple(
        (one.distance_tick, fill_probes.solve(task, n, one, task.hedge(n)))
        for n, one in enumerate(fill_probes.measure(task))
    )


def with_spreads(task, parameters):
    """Copies of state.PARAMETERS with the states of the spread that `values` tells apart."""
    out = parameters.copy()
    out["value_states"] = spread_states(task)
    for n, one in enumerate(by_spread(task)):
        out["value_cuts"][n, : len(one.cuts)] = one.cuts
    return out


class BySpread(NamedTuple):
    """cuts: (X - 1,) between the states of the spread, tick; a cut itself belongs to the state below. value: (2 L + 1,
    X), tick x order. chance: (CHANCE_SIZE,) that a client takes a quote at 0, CHANCE_STEP, ... market spreads from the
    mid. worth: (2 L + 1, X) of a sale beside the ask's distance, tick; the limit's as the next one's."""

    cuts: np.ndarray
    value: np.ndarray
    chance: np.ndarray
    worth: np.ndarray


@functools.lru_cache(maxsize=4)
def by_spread(task):
    """A BySpread of every instrument: models.markov_market with states of the spread cut at even quantiles of train,
    and no
    drift, which the fair price has."""
    seen, count = market_sample.train(task), task.config.environment.n_spread_states
    out = []
    for n in range(len(task.scales)):
        spreads = np.maximum(seen.ask_tick[..., n] - seen.bid_tick[..., n], state.LOCKED_TICK).T  # (W, T)
        spreads = [one[np.isfinite(one)] for one in spreads]
        cuts = np.quantile(np.concatenate(spreads), np.linspace(0.0, 1.0, count + 1)[1:-1])
        states = [np.searchsorted(cuts, one) for one in spreads]
        still = [np.zeros(len(one)) for one in spreads]
        chain = markov_market.estimate(spreads, still, states, states, count)
        distance, chance = _curve(task, n)
        hedge = task.hedge(n, 0.5 * chain.spread_tick)
        solved = markov_market.solve(
            chain, distance / (2.0 * task.scales[n].half_spread_tick), chance, task.holding_cost(n), hedge=hedge
        )
        worth = solved.marginal_value[:, :, 0].copy()
        worth[0] = worth[1]
        out.append(BySpread(cuts, solved.value, chance, worth))
    return tuple(out)


def _above_flat(value):
    return value - value[len(value) // 2]


@functools.lru_cache(maxsize=4)
def whole(task):
    """models.joint_inventory of the instruments that are quoted with their mean spreads, tick x lot of the first
    instrument.

    Raises:
        ConfigError: more books than can be solved.
    """
    own = np.flatnonzero(task.parameters["quoted"])
    limit, most = task.config.rules.inventory_limit_orders, joint_inventory.most_orders(len(own))
    if limit > most:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with {len(own)} instruments whose risk is priced together, "
            f"wanted at most {most}"
        )
    units = (task.parameters["weight"] * task.parameters["order_lot"])[own, np.newaxis]
    distance, chance = (np.stack(one) for one in zip(*(_curve(task, n) for n in own), strict=True))
    return joint_inventory.solve(chance, chance * distance * units, _costs(task))


def _costs(task):
    """(2 L + 1, ..., 2 L + 1): what holding what is quoted costs per decision, tick x lot of the first instrument."""
    own, limit = np.flatnonzero(task.parameters["quoted"]), task.config.rules.inventory_limit_orders
    held = np.stack(np.meshgrid(*[np.arange(-limit, limit + 1)] * len(own), indexing="ij"), axis=-1)
    omega, cost, power = task.risk
    squares = np.einsum("...i,ij,...j->...", held, omega[np.ix_(own, own)], held)
    return cost * task.config.environment.interval_s * np.maximum(squares, 0.0) ** power


def solve(task, n):
    """(distances tried, tick; models.inventory.Solution, tick x order) of an instrument whose fills `check` knows, with
    its mean spread."""
    distance, chance = _curve(task, n)
    return distance, inventory.solve(chance, chance * distance, task.holding_cost(n), hedge=task.hedge(n))


def _curve(task, n):
    """(J,) distances, ticks, and the probability that a client takes a quote there, at the mean spread."""
    interval_s, rules = task.config.environment.interval_s, task.parameters[n]
    spread = 2.0 * task.scales[n].half_spread_tick
    distance = np.linspace(0.0, state.CHANCE_TO * spread, state.CHANCE_SIZE)
    return distance, np.array([expected_fills.chance(d - 0.5 * spread, spread, interval_s, rules) for d in distance])
