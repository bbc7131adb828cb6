"""The runs that a policy is compared with: every baseline, fitted, in backtests and where known in expectation.

None of them depends on the policy, so several evaluations in a row of one configuration, as of many seeds, share them.
"""

from typing import Any, NamedTuple

from tfmm.backtest import closed_loop
from tfmm.backtest.expected_objective import ExpectedBacktest
from tfmm.backtest.record import Backtest
from tfmm.config import loading
from tfmm.environments.tape.task import TapeTask
from tfmm.evaluation import objectives
from tfmm.policies.baselines import registry

_last: dict[tuple[str, ...], "BaselineRuns"] = {}


class BaselineRuns(NamedTuple):
    """Of one task and split, each by name of the baseline.

    baselines: the fitted baselines. runs: their backtests, one for each segment. expected: their expected backtests,
    one for each segment; None where the inventory distribution is not known.
    """

    baselines: dict[str, Any]
    runs: dict[str, list[Backtest]]
    expected: dict[str, list[ExpectedBacktest] | None]


def of(fitted_on: TapeTask, task: TapeTask, split: str) -> BaselineRuns:
    """The BaselineRuns of a split; kept until those of another task or split are asked for.

    Args:
        fitted_on: task on whose training split the baselines are fitted. task: the one in which they are evaluated.
    """
    key = (*_key(fitted_on), *_key(task), split)
    if key not in _last:
        _last.clear()
        _last[key] = _run(fitted_on, task, split)
    return _last[key]


def _key(task):
    return task.data_hash, loading.problem_text(task.config)


def _run(fitted_on, task, split):
    baselines = {baseline.name: baseline for baseline in registry.fit_all(fitted_on)}
    paths = objectives.market_paths(task, split)
    return BaselineRuns(
        baselines,
        closed_loop.run_all(task, split, baselines, True),
        {name: objectives.of_baseline(task, baseline, paths) for name, baseline in baselines.items()},
    )
