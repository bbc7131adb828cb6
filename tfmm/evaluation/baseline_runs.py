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
    """Of one task and split, by name of a baseline: the baseline, its Backtests, its law.Expected of each segment or
    None where no law is known."""

    baselines: dict
    runs: dict
    laws: dict


def of(home, task, split):
    """The Yardsticks of a split; kept until those of another are asked for.

    Args:
        home: TapeTask that baselines are fitted to. task: TapeTask in which they are judged.
    """
    key = (*_key(home), *_key(task), split)
    if key not in _last:
        _last.clear()
        _last[key] = _measured(home, task, split)
    return _last[key]


def _key(task):
    return task.data_hash, loading.problem_text(task.config)


def _measured(home, task, split):
    baselines = {one.name: one for one in registry.fit_all(home)}
    watched = objectives.watch(task, split)
    return Yardsticks(
        baselines,
        closed_loop.run_all(task, split, baselines, True),
        {name: objectives.of_baseline(task, one, watched) for name, one in baselines.items()},
    )
