"""The score of a greedy policy on validation, during training and of what was saved."""

from tfmm.backtest import closed_loop
from tfmm.environments import factory
from tfmm.environments.analytic import task as analytic_task
from tfmm.environments.examples import base
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import comparison, objectives
from tfmm.evaluation.metrics import summary
from tfmm.simulation import rollout

_PATHS, _SEED = 256, 7
LOGGED = "validation_score"
"""Name of `score` where the law of the inventory is not known."""


def score(task, act):
    """Scores a policy: exactly on a model whose optimum is known, else by playing.

    Args:
        task: TapeTask, AnalyticTask or ExampleTask. act: observation (B, F) -> action (B, d).

    Returns:
        (record for metrics.jsonl, the number to compare policies by, larger is better).
    """
    if isinstance(task, base.ExampleTask):
        return task.score(act)
    if not isinstance(task, analytic_task.AnalyticTask):
        return _on_tape(task, act)
    if task.exact is None:
        reward = task.play(act, _PATHS, _SEED)[0]
        return {"validation/value": reward}, reward
    gap = task.exact.gap(act(task.exact.observations()))
    return {"validation/ratio": gap["ratio"], "validation/max_gap": gap["max_gap"]}, gap["ratio"] - gap["max_gap"]


def of_policy(policy):
    """{"metric", "score"} of a saved policy, larger is better: where the law of the inventory is known the expected
    objective over all clients, money, mean over the segments of validation; else LOGGED, what `score` says.

    Args:
        policy: policies.saved.Policy.
    """
    task = factory.open_task(policy.config)
    watched = objectives.watch(task, "validation") if isinstance(task, tape_task.TapeTask) else None
    if watched is None:
        return {"metric": LOGGED, "score": score(task, policy)[1]}
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


def _on_tape(task, act):
    """All of validation, in consecutive windows."""
    segments = task.segments["validation"]
    windows = task.windows(segments, task.config.environment.window_s)
    sim = task.simulator(segments, len(windows), windows=windows)
    total = float(rollout.run(sim, lambda one: act(task.observe(one))).sum())
    objective = total / (float((windows[:, 2] - windows[:, 1]).sum()) / 3.6e12)
    return {"validation/objective_per_hour": objective}, objective
