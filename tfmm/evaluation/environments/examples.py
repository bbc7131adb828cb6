"""Evaluation of a saved policy on its example environment: quote_target, zero_norm or daily_trading."""

import dataclasses
import io
import pathlib
from collections.abc import Callable
from typing import Any, cast

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.config import experiment as experiment_lib
from tfmm.environments import factory
from tfmm.environments.examples.base import ExampleTask
from tfmm.evaluation import comparison
from tfmm.evaluation.environments import daily_trading, quote_target, zero_norm
from tfmm.evaluation.environments.assessment import Assessment
from tfmm.evaluation.report import figures
from tfmm.policies.saved import Policy

_ASSESS: dict[str, Callable[[Policy, Any, str], Assessment]] = {
    "quote_target": quote_target.assess,
    "zero_norm": zero_norm.assess,
    "daily_trading": daily_trading.assess,
}


@dataclasses.dataclass(frozen=True, eq=False)
class ExampleEvaluation:
    """The evaluation of a policy on an example environment.

    Attributes:
        policy, rules: dicts of facts, as in metrics.json. found: metrics, comparison, figures and tables.
    """

    policy: dict[str, Any]
    rules: dict[str, Any]
    found: Assessment

    @property
    def verdict(self) -> str:
        """Against the best baseline, see comparison.verdict."""
        return comparison.verdict(self.found.comparison, self.found.best_baseline)


def evaluate(policy: Policy, split: str = "test") -> ExampleEvaluation:
    """Evaluates a saved policy on the example environment it was trained on.

    Args:
        policy: the policy. split: of an environment with data.

    Raises:
        ConfigError: the policy was not trained on an example environment. DataError: its data are missing, or have
            changed.
    """
    config = policy.config
    if config.environment.name not in experiment_lib.EXAMPLES:
        raise errors.ConfigError(
            f"policy {policy.folder}: trained on {config.environment.name}, wanted one of {', '.join(_ASSESS)}"
        )
    task = cast(ExampleTask, factory.open_task(config))
    if task.data_hash != policy.description["data_hash"]:
        raise errors.DataError(f"policy {policy.folder}: the data of section {config.environment.name} have changed")
    found = _ASSESS[config.environment.name](policy, task, split)
    facts = {key: policy.description[key] for key in ("train_step", "features", "actions", "data_hash")}
    return ExampleEvaluation(
        policy={"name": config.agent.name, "seed": config.seed, **facts},
        rules=msgspec.to_builtins(task.settings),
        found=found,
    )


def write(folder: pathlib.Path, evaluation: ExampleEvaluation) -> pathlib.Path:
    """Writes the tables, figures/*.png and metrics.json (last); returns its path."""
    found = evaluation.found
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for stem, (columns, rows) in found.tables.items():
        files.write_text(folder / f"{stem}.csv", _csv(columns, rows))
    for stem, figure in found.figures.items():
        files.write_bytes(folder / "figures" / f"{stem}.png", figures.png(figure))
    path = folder / "metrics.json"
    files.write_json(
        path,
        {
            "policy": evaluation.policy,
            "data": found.data,
            "rules": evaluation.rules,
            "results": found.results,
            "comparison": found.comparison,
            "verdict": evaluation.verdict,
            **found.more,
        },
    )
    return path


def lines(evaluation: ExampleEvaluation) -> list[str]:
    """What evaluate.py prints: the verdict, and the metrics of every policy."""
    name, best = evaluation.policy["name"], evaluation.found.best_baseline
    out = [f"verdict: {evaluation.verdict}: {name} against {best}, the best baseline"]
    for name, result in evaluation.found.results.items():
        shown = ", ".join(f"{key} {value:.4g}" for key, value in result.items())
        out.append(f"{name}: {shown}")
    return out


def _csv(columns, rows):
    out = io.StringIO()
    out.write(",".join(columns) + "\n")
    for row in rows:
        out.write(
            ",".join(cell if isinstance(cell, str) else f"{cell:.8g}" for cell in np.asarray(row).tolist()) + "\n"
        )
    return out.getvalue()
