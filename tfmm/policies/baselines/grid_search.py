"""Scores of the candidates of a grid search, on train."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmm.arrays import Array, Floats
from tfmm.backtest import expected_objective
from tfmm.environments.tape.task import TapeTask
from tfmm.simulation import rollout

Repeat = Callable[[Array], Array]
"""Repeats an array (C, ...), one entry per candidate, for the rows of a batch: (B, ...)."""


def scores(task: TapeTask, count: int, create: Callable[[Repeat], Callable[[Any], Floats]]) -> Floats:
    """(C,) float64 scores of C candidates on train.

    Where the inventory distribution is known (backtest.expected_objective) the score is the expected objective, money;
    otherwise it is the reward of a simulation in which all candidates go through every segment side by side.

    Args:
        count: C. create: given a Repeat, returns a policy whose parameters it has repeated for the rows; its actions
            are distances in ticks.
    """
    if expected_objective.is_known(task):
        paths = expected_objective.market_paths(task, "train")
        policies = (create(lambda values, c=c: values[[c]]) for c in range(count))  # type: ignore[misc]
        return np.array(
            [
                sum(backtest.objective.sum() for backtest in expected_objective.evaluate(task, paths, policy, True))
                for policy in policies
            ]
        )
    train = task.segments["train"]
    windows = task.windows(train)
    sim = task.backtest_simulator(train, count * len(windows), windows=np.tile(windows, (count, 1)), distances=True)
    policy = create(lambda values: np.repeat(values, len(windows), axis=0))
    return rollout.run(sim, policy).reshape(count, -1).sum(axis=1)
