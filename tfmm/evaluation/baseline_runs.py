"""What a policy is compared with on a split: every baseline, fitted, played and where possible expected.

None of it depends on the policy. Evaluations of several policies of one problem in a row, as of many seeds, share it.
"""

from typing import NamedTuple

from tfmm.backtest import closed_loop
from tfmm.config import loading
from tfmm.evaluation import objectives
from tfmm.policies.baselines import registry

_last: dict = {}


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
    return problem.data_hash, loading.problem_text(problem.config)


def _measured(home, problem, split):
    baselines = {one.name: one for one in registry.all_of(home)}
    watched = objectives.watch(problem, split)
    return Yardsticks(
        baselines,
        closed_loop.run_all(problem, split, baselines, True),
        {name: objectives.of_baseline(problem, one, watched) for name, one in baselines.items()},
    )
