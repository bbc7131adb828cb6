"""The value function of inventory that shapes rewards: from known fill probabilities, or from probed fills on train."""

import functools
from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats, Records
from tfmm.calibration import fill_probes, market_sample
from tfmm.calibration.known_fills import require_known_fills
from tfmm.calibration.task import TapeTask
from tfmm.models import inventory, joint_inventory, markov_market
from tfmm.simulation import state
from tfmm.simulation.rewards import expected_fills, kinds

MARKOUT_REWARDS = ("markout", "shaped_markout")
"""Values of environment.reward that tfmm.simulation.rewards.markout computes."""
EXPECTED_REWARDS = ("expected_pnl", "shaped_expected_pnl")
"""Values of environment.reward that tfmm.simulation.rewards.expected_fills computes."""


def baseline(task: TapeTask) -> kinds.Baseline:
    """What is subtracted from the reward: environment.reward_baseline, else the reference quote's where that is sound.

    At a discount of 0 the expected reward of any reference may be subtracted, since no action changes it.
    """
    config = task.config
    if config.environment.reward_baseline == "flat_dealer":
        return kinds.Baseline.FLAT_DEALER
    has_reference = config.rules.inventory_limit_orders <= state.REFERENCE_ORDERS
    is_bandit = config.environment.reward in EXPECTED_REWARDS and config.agent.gamma == 0.0
    return kinds.Baseline.REFERENCE if is_bandit and has_reference else kinds.Baseline.NONE


def n_spread_states(task: TapeTask) -> int:
    """States of the spread that the value function tells apart: environment.n_spread_states where each instrument has
    a value function of its own, else 1."""
    environment = task.config.environment
    return environment.n_spread_states if environment.reward in EXPECTED_REWARDS and not task.risk.is_joint else 1


def value_function(task: TapeTask) -> Floats | None:
    """V of environment.reward, tick x lot, 0 without inventory.

    Returns:
        (N, X (2 L + 1)) float64 by state of the spread and orders held; with joint risk and shaped_expected_pnl (1, S)
        by joint inventory; zeros for expected_pnl; None where the reward needs no value function.

    Raises:
        ConfigError: the reward does not fit the instruments, hedging or fills.
    """
    config, reward = task.config, task.config.environment.reward
    if reward in MARKOUT_REWARDS and any(instrument.inverse for instrument in task.instruments):
        raise errors.ConfigError(f"environment.reward is {reward}, but an instrument is inverse, wanted linear ones")
    if reward in ("realised_pnl", "markout"):
        return None
    if reward == "shaped_markout":
        if config.rules.hedge == "action":
            raise errors.ConfigError(
                "environment.reward is shaped_markout, but rules.hedge is action, wanted another one"
            )
        solutions = [solution for _, solution in solve_probed(task)]
        lots = [scale.order_lot for scale in task.scales]
        return np.array([_above_flat(one.value) * lot for one, lot in zip(solutions, lots, strict=True)])
    require_known_fills(config, task.instruments)
    if task.risk.is_joint and config.rules.hedge != "none":
        raise errors.ConfigError(
            f"environment.risk is covariance and environment.reward {reward}, but rules.hedge is {config.rules.hedge}, "
            "wanted none: the value function of joint inventory knows no hedge"
        )
    if reward == "shaped_expected_pnl" and task.risk.is_joint:
        # the inventory at the end of the interval is held for about half of what it has changed by
        return _above_flat(solve_joint(task).value - 0.5 * _joint_holding_cost(task).reshape(-1))[np.newaxis]
    count, width = len(task.scales), 2 * config.rules.inventory_limit_orders + 1
    if reward == "expected_pnl":
        return np.zeros((count, n_spread_states(task) * width))
    if n_spread_states(task) > 1:
        values = [solution.value for solution in solve_by_spread(task)]
    else:
        values = [solve_known(task, n)[1].value[:, np.newaxis] for n in range(count)]
    by_state = [_above_flat(value).T.reshape(-1) for value in values]
    return np.array([value * scale.order_lot for value, scale in zip(by_state, task.scales, strict=True)])


@functools.lru_cache(maxsize=4)
def solve_probed(task: TapeTask) -> tuple[tuple[Floats, inventory.Solution], ...]:
    """For each instrument what `solve_known` returns, with the fills of fill_probes in the place of known ones."""
    return tuple(
        (fills.distance_tick, fill_probes.solve(task, n, fills, task.costs.hedge(n)))
        for n, fills in enumerate(fill_probes.probe(task))
    )


def with_spread_states(task: TapeTask, parameters: Records) -> Records:
    """A copy of (N,) state.PARAMETERS with the states of the spread that `value_function` tells apart."""
    out = parameters.copy()
    out["n_value_states"] = n_spread_states(task)
    for n, solution in enumerate(solve_by_spread(task)):
        out["value_cuts"][n, : len(solution.cuts)] = solution.cuts
    return out


class SpreadValue(NamedTuple):
    """The value function of one instrument by state of the spread.

    Attributes:
        cuts: (X - 1,) float64 between the states, tick; a cut itself belongs to the state below.
        value: (2 L + 1, X) float64, tick x order.
        fill_probability: (N_DISTANCES,) float64 that a client takes a quote at 0, DISTANCE_STEP, ... market spreads
            from the mid.
        marginal_value: (2 L + 1, X) float64 that a sale adds to its distance from the mid, tick; at the limit, where
            nothing is sold, that of the inventory above.
    """

    cuts: Floats
    value: Floats
    fill_probability: Floats
    marginal_value: Floats


@functools.lru_cache(maxsize=4)
def solve_by_spread(task: TapeTask) -> tuple[SpreadValue, ...]:
    """Solves models.markov_market for each instrument, the spread cut at even quantiles of train.

    The chain has no drift: the fair price accounts for it.
    """
    sample, count = market_sample.sample(task), task.config.environment.n_spread_states
    out = []
    for n, scales in enumerate(task.scales):
        by_stretch = np.maximum(sample.ask_tick[..., n] - sample.bid_tick[..., n], state.LOCKED_TICK).T  # (W, T)
        spreads = [spread[np.isfinite(spread)] for spread in by_stretch]
        cuts = np.quantile(np.concatenate(spreads), np.linspace(0.0, 1.0, count + 1)[1:-1])
        states = [np.searchsorted(cuts, spread) for spread in spreads]
        no_moves = [np.zeros(len(spread)) for spread in spreads]
        chain = markov_market.estimate(spreads, no_moves, states, states, count)
        distance, fill_probability = fill_curve(task, n)
        hedge = task.costs.hedge(n, 0.5 * chain.spread_tick)
        solution = markov_market.solve(
            chain, distance / (2.0 * scales.half_spread_tick), fill_probability, task.costs.holding_cost(n), hedge=hedge
        )
        marginal_value = solution.marginal_value[:, :, 0].copy()
        marginal_value[0] = marginal_value[1]
        out.append(SpreadValue(cuts, solution.value, fill_probability, marginal_value))
    return tuple(out)


def _above_flat(value):
    return value - value[len(value) // 2]


@functools.lru_cache(maxsize=4)
def solve_joint(task: TapeTask) -> joint_inventory.Solution:
    """models.joint_inventory of the quoted instruments at their mean spreads, tick x lot of the first instrument.

    Raises:
        ConfigError: there are more joint inventories than can be solved for.
    """
    quoted = np.flatnonzero(task.parameters["quoted"])
    limit, most = task.config.rules.inventory_limit_orders, joint_inventory.most_orders(len(quoted))
    if limit > most:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with {len(quoted)} instruments whose risk is priced together, "
            f"wanted at most {most}"
        )
    units = (task.parameters["weight"] * task.parameters["order_lot"])[quoted, np.newaxis]
    curves = [fill_curve(task, n) for n in quoted]
    distance, fill_probability = (np.stack(part) for part in zip(*curves, strict=True))
    return joint_inventory.solve(fill_probability, fill_probability * distance * units, _joint_holding_cost(task))


def _joint_holding_cost(task):
    """(2 L + 1, ..., 2 L + 1): cost of holding each joint inventory per decision, tick x lot of the first."""
    quoted, limit = np.flatnonzero(task.parameters["quoted"]), task.config.rules.inventory_limit_orders
    orders = np.stack(np.meshgrid(*[np.arange(-limit, limit + 1)] * len(quoted), indexing="ij"), axis=-1)
    omega, cost, power = task.risk.omega, task.risk.cost_per_s, task.risk.power
    squares = np.einsum("...i,ij,...j->...", orders, omega[np.ix_(quoted, quoted)], orders)
    return cost * task.config.environment.interval_s * np.maximum(squares, 0.0) ** power


def solve_known(task: TapeTask, n: int) -> tuple[Floats, inventory.Solution]:
    """(distances tried, tick; solution, tick x order) of instrument n with known fills, at its mean spread."""
    distance, fill_probability = fill_curve(task, n)
    gain = fill_probability * distance
    return distance, inventory.solve(fill_probability, gain, task.costs.holding_cost(n), hedge=task.costs.hedge(n))


def fill_curve(task: TapeTask, n: int) -> tuple[Floats, Floats]:
    """(J,) float64 distances from instrument n's mid, ticks, and the probability that a client takes a quote there in
    an interval, at the mean spread of train."""
    interval_s, parameters = task.config.environment.interval_s, task.parameters[n]
    spread = 2.0 * task.scales[n].half_spread_tick
    distance = np.linspace(0.0, state.FARTHEST_SPREADS * spread, state.N_DISTANCES)
    from_touch = distance - 0.5 * spread
    return distance, np.array([expected_fills.fill_probability(d, spread, interval_s, parameters) for d in from_touch])
