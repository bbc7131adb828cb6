"""The score of a greedy policy on validation, during training and of what was saved."""

from tfmm.backtest import closed_loop
from tfmm.environments import factory
from tfmm.evaluation import comparison, objectives
from tfmm.evaluation.metrics import summary

LOGGED = "validation_score"
"""Name of Task.score where the law of the inventory is not known."""


def of_policy(policy):
    """{"metric", "score"} of a saved policy, larger is better: where the law of the inventory is known the expected
    objective over all clients, money, mean over the segments of validation; else LOGGED, what Task.score says.

    Args:
        policy: policies.saved.Policy.
    """
    task = factory.open_task(policy.config)
    watched = objectives.watch(task, "validation")
    if watched is None:
        return {"metric": LOGGED, "score": task.score(policy)[1]}
    several = objectives.of_policy(task, policy, watched)
    return {"metric": objectives.METRIC, "score": float(sum(one.objective.sum() for one in several)) / len(several)}


def trial(task, act):
    """Whether a policy should quote at all: its objective on validation against that of not quoting, which is 0.

    Args:
        task: TapeTask. act: observation (B, F) -> action (B, d).

    Returns:
        comparison.compare of the two, by evaluation's blocks, with "quotes": whether the 95 % interval is above 0.
    """
    config, split = task.config, "validation"
    several = objectives.of_policy(task, act, objectives.watch(task, split))
    runs = None
    if several is None:
        runs = closed_loop.run(task, split, lambda sim: act(task.observe(sim)), False, "trial")
    metric, gains = objectives.blocks(runs, several, summary.risk_of(task), config.evaluation.block_s)
    samples = config.evaluation.bootstrap_samples
    entry = comparison.compare(config.agent.name, "none", gains, samples, config.seed, metric=metric)
    return entry | {"split": split, "quotes": bool(entry["ci_low"] > 0)}
