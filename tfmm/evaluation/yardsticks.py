"""What a policy is compared with on a split: every baseline, fitted, played and where possible expected.

None of it depends on the policy. Evaluations of several policies of one problem in a row, as of many seeds, share it.
"""

from typing import NamedTuple

from tfmm import config as config_lib
from tfmm.evaluation import backtest, expected
from tfmm.policies import desk

_last = {}


class Yardsticks(NamedTuple):
    """Of one problem and split, by name of a baseline: the baseline, its Backtests, its law.Expected of each segment or
    None where no law is known."""

    baselines: dict
    runs: dict
    laws: dict


def of(home, problem, split):
    """The Yardsticks of a split; kept until those of another are asked for.

    Args:
        home: Problem that baselines are fitted to. problem: Problem in which they are judged.
    """
    key = (*_key(home), *_key(problem), split)
    if key not in _last:
        _last.clear()
        _last[key] = _measured(home, problem, split)
    return _last[key]


def _key(problem):
    return problem.data_hash, config_lib.problem_text(problem.config)


def _measured(home, problem, split):
    baselines = {one.name: one for one in desk.all_of(home)}
    watched = expected.watch(problem, split)
    return Yardsticks(
        baselines,
        backtest.run_all(problem, split, baselines, True),
        {name: expected.of_baseline(problem, one, watched) for name, one in baselines.items()},
    )
