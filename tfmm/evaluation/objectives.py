"""The objective of a policy with the least noise: expected where it is known, else adjusted, else of the drawn clients.

The clients of one backtest are drawn, and that noise is large beside the difference between two policies. Where fill
probabilities are known, the expected objective over all clients is computed (tfmm.backtest.expected_objective) and only
the price path is resampled; where the joint inventories are too many for that, a control variate removes most of the
noise (tfmm.backtest.control_variate).
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from tfmm.arrays import Array, Floats, Floats32
from tfmm.backtest import control_variate, expected_objective
from tfmm.backtest.expected_objective import ExpectedBacktest, MarketPath, Strategy
from tfmm.backtest.record import Backtest
from tfmm.environments.tape.task import TapeTask
from tfmm.environments.task import Task
from tfmm.evaluation.metrics import definitions, summary

METRIC = definitions.EXPECTED.name


def market_paths(task: Task, split: str) -> list[MarketPath] | None:
    """expected_objective.market_paths of a split; None where the inventory distribution is not known."""
    if not isinstance(task, TapeTask) or not expected_objective.is_known(task):
        return None
    return expected_objective.market_paths(task, split)


def of_policy(
    task: Task, policy: Callable[[Floats32], Array], paths: list[MarketPath] | None
) -> list[ExpectedBacktest] | None:
    """The expected backtest of a policy on every market path; None without paths.

    Args:
        policy: function of an observation (B, F) that returns actions (B, d), as a policies.saved.Policy.
    """
    if paths is None:
        return None
    tape_task = cast(TapeTask, task)  # the only task with market paths
    return expected_objective.evaluate(tape_task, paths, lambda states: policy(tape_task.observe(states)), False)


def of_baseline(task: TapeTask, baseline: Strategy, paths: list[MarketPath] | None) -> list[ExpectedBacktest] | None:
    """The expected backtest of a baseline, which quotes raw distances, on every market path; None without paths."""
    return None if paths is None else expected_objective.evaluate(task, paths, baseline, True)


def add(results: dict[str, Any], breakdown: dict[str, Any], expected: list[ExpectedBacktest] | None) -> None:
    """Writes METRIC into the metrics of a policy, of its sessions and of its one instrument, where it is known."""
    if expected is None:
        return
    results[METRIC] = _total(expected)
    for session, metrics in breakdown["sessions"].items():
        metrics[METRIC] = _total(run for run in expected if run.session == session)
    for metrics in breakdown["instruments"].values():
        metrics[METRIC] = results[METRIC]


def blocks(
    backtests: list[Backtest] | None, expected: list[ExpectedBacktest] | None, risk: summary.Risk, block_s: float
) -> tuple[str, Floats]:
    """(name of the metric, (K,) how much of it is gained in each block of block_s seconds, money).

    The metric is the expected objective where `expected` is given; else the adjusted objective where every backtest
    has a control variate, else the objective.
    """
    if expected is not None:
        return METRIC, expected_objective.blocks(expected, block_s)
    assert backtests is not None, "blocks of neither backtests nor expected backtests"
    drawn = summary.block_objectives(backtests, risk, block_s)
    if any(run.control_variate is None for run in backtests):
        return "objective", drawn
    return control_variate.METRIC, drawn - control_variate.blocks(backtests, block_s)


def _total(expected: Iterable[ExpectedBacktest]) -> float:
    return float(sum(run.objective.sum() for run in expected))
