"""The three simulators of a tape task: for training, for backtests and for probes of fills and of the market."""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np

from tfmm import errors
from tfmm.arrays import Ints, Records
from tfmm.calibration import flat_quote, inventory_value, reference_quote
from tfmm.calibration.task import TapeTask as CalibrationTask
from tfmm.config.environment import Environment
from tfmm.environments.tape import parameters as parameters_lib
from tfmm.market.splits import Segment
from tfmm.market.store import Store
from tfmm.simulation import simulator, state
from tfmm.simulation.rewards import kinds


class Task(CalibrationTask, Protocol):
    """What the simulators read of a TapeTask."""

    @property
    def store(self) -> Store: ...

    @property
    def reward_scale(self) -> float: ...


class Run(NamedTuple):
    """What a simulator runs over.

    Attributes:
        segments: of one split. rows: B. seed: of random windows and clients.
        windows: (W, 3) int64, consecutive ones or a choice; None: random windows of environment.window_s.
        record: whether the fills of every step are kept.
    """

    segments: Sequence[Segment]
    rows: int
    seed: int = 0
    windows: Ints | None = None
    record: bool = False


def training(task: Task, run: Run, distances: bool = False) -> simulator.Simulator:
    """A simulator whose rewards are those of environment.reward.

    Args:
        distances: see `action_parameters`.
    """
    parameters = action_parameters(task, distances)
    if inventory_value.n_spread_states(task) > 1:
        parameters = inventory_value.with_spread_states(task, parameters)
    if inventory_value.baseline(task) == kinds.Baseline.REFERENCE:
        parameters = parameters_lib.with_reference_quote(parameters, reference_quote.fit_once(task))
    at_random = task.config.environment.random_inventory
    return _create(task, run, parameters, _training_reward(task), at_random)


def backtest(task: Task, run: Run, distances: bool = False) -> simulator.Simulator:
    """A simulator whose rewards are the realised P&L less the cost of inventory risk.

    Args:
        distances: see `action_parameters`.
    """
    return _create(task, run, action_parameters(task, distances), _realised_pnl(task))


def probe(task: Task, run: Run) -> simulator.Simulator:
    """A simulator that takes raw distances and has no inventory limits, to measure fills or to watch the market."""
    parameters = action_parameters(task, distances=True).copy()
    parameters["limit_lot"] = state.FOREVER
    return _create(task, run, parameters, _realised_pnl(task))


def action_parameters(task: CalibrationTask, distances: bool) -> Records:
    """(N,) state.PARAMETERS for the agent's actions, or for raw distances.

    Args:
        distances: actions are raw distances from the mid in ticks, and of one order; where the agent hedges, the share
            that is closed may follow them, see quoting.padded.
    """
    if not distances:
        return task.parameters
    out = task.parameters.copy()
    out["action"], out["sizes"] = state.DISTANCES, 0
    return out


def windows(environment: Environment, segments: Sequence[Segment], window_s: float) -> Ints:
    """(W, 3) int64 consecutive windows of the segments; window_s 0: one for each. ConfigError where none fits."""
    out = simulator.consecutive_windows(segments, window_s, environment.warmup_s, environment.interval_s)
    if not len(out):
        raise errors.ConfigError(
            f"data: no part of {', '.join(segment.session for segment in segments)} is longer than warmup_s "
            f"{environment.warmup_s:g} and two intervals of {environment.interval_s:g} s"
        )
    return out


def _create(task, run, parameters, reward, random_inventory=False):
    environment = task.config.environment
    decisions = simulator.Decisions(
        environment.interval_s,
        environment.window_s,
        environment.warmup_s,
        environment.clock,
        environment.interval_quotes,
        random_inventory,
    )
    steps = [task.store.session(one.session).price_steps or (1,) * len(parameters) for one in run.segments]
    market = simulator.Tape(task.store.events, run.segments, run.windows, np.array(steps, np.int64))
    return simulator.Simulator(
        market, parameters, run.rows, decisions, reward=reward, seed=run.seed, threads=None, record=run.record
    )


def _realised_pnl(task):
    return kinds.Reward(scale=task.reward_scale, risk=task.risk)


def _training_reward(task):
    """kinds.Reward of environment.reward."""
    out, values, baseline = _realised_pnl(task), inventory_value.value_function(task), inventory_value.baseline(task)
    distances = flat_quote.fit(task) if baseline == kinds.Baseline.FLAT_DEALER else out.baseline_spreads
    return out._replace(
        kind=kinds.RewardKind[task.config.environment.reward.upper()],
        values=out.values if values is None else values,
        baseline=baseline,
        baseline_spreads=distances,
        markout_ns=round(task.config.environment.markout_s * 1e9),
    )
