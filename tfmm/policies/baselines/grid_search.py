"""Candidates of a rule played side by side."""

import numpy as np

from tfmm.backtest import expected_objective
from tfmm.simulation import rollout


def scores(task, count, rule):
    """(count,) reward on train of candidates: all played at once, each through every segment. Where the law of the
    inventory is known nothing is played, and it is the expected objective, money.

    Args:
        rule: function that repeats a (count, ...) array for the rows of the batch -> act function as `playing.run`
            takes it, distances in ticks.
    """
    if expected_objective.is_known(task):
        watched = expected_objective.market_paths(task, "train")
        acts = (rule(lambda values, c=c: values[[c]]) for c in range(count))
        return np.array(
            [sum(one.objective.sum() for one in expected_objective.evaluate(task, watched, act, True)) for act in acts]
        )
    train = task.segments["train"]
    windows = task.windows(train)
    sim = task.simulator(train, count * len(windows), windows=np.tile(windows, (count, 1)), distances=True)
    act = rule(lambda values: np.repeat(values, len(windows), axis=0))
    return rollout.run(sim, act).reshape(count, -1).sum(axis=1)
