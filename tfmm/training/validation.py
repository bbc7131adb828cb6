"""The score of a greedy policy on validation, during training and of a saved policy."""

import logging
from typing import Any, cast

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import py_environment, tf_environment
from tf_agents.policies import tf_policy
from tf_agents.utils import common

from tfmm.backtest import closed_loop
from tfmm.environments import factory, task as task_lib
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import comparison, objectives
from tfmm.evaluation.metrics import summary
from tfmm.policies import saved
from tfmm.training import collection, export, nan_guard, run_directory, run_log

EPISODES = 5
"""Of `average_return` during a training."""
LOGGED = "validation_score"
"""Name of Task.score where the inventory distribution is not known."""
_SEED = 7
_LOG = logging.getLogger(__name__)


class Validation:
    """Scores the policy during a training, and keeps the best one in `best/`.

    Args:
        task: see environments.factory. agent: whose greedy policy is scored.
        run: where scores are logged. exporter: of the policy. train_step: the step variable.
        env: single environment on validation; the return of episodes in it is logged too. None: no episodes.

    Attributes:
        since_best: validations in a row without a new best score.
    """

    def __init__(
        self,
        task: task_lib.Task,
        agent: tf_agent.TFAgent,
        run: run_directory.RunDirectory,
        exporter: export.Exporter,
        train_step: tf.Variable,
        env: py_environment.PyEnvironment | None = None,
    ) -> None:
        self._task, self._policy, self._train_step = task, agent.policy, train_step
        self._run, self._exporter, self._env = run, exporter, env
        self._act = collection.greedy(agent)
        self._best, self.since_best = -np.inf, 0

    def run(self) -> None:
        """One validation.

        Raises:
            Diverged: a weight is not finite.
        """
        step = int(self._train_step.numpy())
        nan_guard.check_weights(self._policy.variables(), step, self._run)
        record, value = self._task.score(self._act)
        if self._env is not None:
            self._env.seed(_SEED)  # the same episodes every time
            environment = collection.tf_environment(self._env)
            record["validation/average_return"] = average_return(environment, self._policy, EPISODES)
        run_log.write(self._run, step, record)
        self.since_best += 1
        if value > self._best:
            self._best, self.since_best = value, 0
            self._exporter.save(self._run.path / "best")

    @property
    def stale(self) -> bool:
        """Whether the last train.patience validations brought no new best score."""
        patience = self._task.config.train.patience
        return bool(patience) and self.since_best >= patience

    def get_state(self) -> tuple[float, int]:
        """State, as plain_state.encode takes it, for `set_state`."""
        return self._best, self.since_best

    def set_state(self, state: tuple[float, int]) -> None:
        self._best, self.since_best = state


def average_return(environment: tf_environment.TFEnvironment, policy: tf_policy.TFPolicy, episodes: int) -> float:
    """Mean undiscounted return of episodes of a single environment (`compute_avg_return` of TF-Agents' tutorials)."""
    act, total = common.function(policy.action, autograph=False), 0.0
    for _ in range(episodes):
        time_step = environment.reset()
        while not time_step.is_last():
            time_step = environment.step(act(time_step).action)
            total += float(time_step.reward[0])
    return total / episodes


def of_policy(policy: saved.Policy) -> dict[str, Any]:
    """{"metric", "score"} of a saved policy, larger is better: where the inventory distribution is known the expected
    objective over all clients, money, mean over the segments of validation; else LOGGED, the number of Task.score."""
    task = factory.open_task(policy.config)
    expected = objectives.of_policy(task, policy, objectives.market_paths(task, "validation"))
    if expected is None:
        return {"metric": LOGGED, "score": task.score(policy)[1]}
    return {"metric": objectives.METRIC, "score": float(sum(run.objective.sum() for run in expected)) / len(expected)}


def no_quote_gate(task: task_lib.Task, act: task_lib.Policy) -> dict[str, Any]:
    """Whether a policy should quote at all: its objective on validation against that of not quoting, which is 0.

    Args:
        task: environments.tape.task.TapeTask.

    Returns:
        comparison.compare of the two, by evaluation's blocks, with "quotes": whether the 95 % interval is above 0.
    """
    config, split = task.config, "validation"
    tape = cast(tape_task.TapeTask, task)  # the only task with train.no_quote_gate
    expected = objectives.of_policy(tape, act, objectives.market_paths(tape, split))
    runs = None
    if expected is None:
        runs = closed_loop.run(tape, split, lambda sim: act(tape.observe(sim)), False, "no_quote_gate")
    metric, gains = objectives.blocks(runs, expected, summary.risk_of(tape), config.evaluation.block_s)
    samples = config.evaluation.bootstrap_samples
    entry = comparison.compare(config.agent.name, "none", gains, samples, config.seed, metric=metric)
    out = entry | {"split": split, "quotes": bool(entry["ci_low"] > 0)}
    _LOG.info(
        "%s: on %s %+.4g [%.4g, %.4g] a block against not quoting",
        "quotes" if out["quotes"] else "quotes nothing", split, *(out[name] for name in comparison.BOUNDS),
    )  # fmt: skip
    return out
