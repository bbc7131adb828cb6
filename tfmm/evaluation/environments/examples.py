"""Evaluation of a saved policy on the system it was trained on: quote_target, zero_norm or daily_trading."""

import dataclasses
import io

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.config import experiment as experiment_lib
from tfmm.environments import factory
from tfmm.evaluation import comparison
from tfmm.evaluation.environments import daily_trading, quote_target, zero_norm
from tfmm.evaluation.report import figures

_SYSTEMS = {"quote_target": quote_target, "zero_norm": zero_norm, "daily_trading": daily_trading}


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What an evaluation on a system found.

    Attributes:
        policy, data, rules: dicts of facts, as in metrics.json. results: {policy or baseline: {metric: number}}.
        comparison: list of comparison.compare. best_baseline: name.
        figures: {file stem: Figure}. tables: {file stem: (columns, rows)}, written as CSV. more: further keys of
        metrics.json.
    """

    policy: dict
    data: dict
    rules: dict
    results: dict
    comparison: list
    best_baseline: str
    figures: dict
    tables: dict
    more: dict

    @property
    def verdict(self):
        return comparison.verdict(self.comparison, self.best_baseline)


def evaluate(policy, split="test"):
    """Scores a saved policy on its system.

    Args:
        policy: policies.saved.Policy. split: of systems with data.

    Raises:
        ConfigError: the policy was not trained on a system. DataError: its data are not there, or others.
    """
    config = policy.config
    if config.environment.name not in experiment_lib.EXAMPLES:
        raise errors.ConfigError(
            f"policy {policy.folder}: trained on {config.environment.name}, wanted one of {', '.join(_SYSTEMS)}"
        )
    task = factory.open_task(config)
    if task.data_hash != policy.description["data_hash"]:
        raise errors.DataError(f"policy {policy.folder}: the data of section {config.environment.name} have changed")
    found = _SYSTEMS[config.environment.name].assess(policy, task, split)
    facts = {key: policy.description[key] for key in ("train_step", "features", "actions", "data_hash")}
    return Outcome(
        policy={"name": config.agent.name, "seed": config.seed, **facts},
        rules=msgspec.to_builtins(task.settings),
        **found,
    )


def write(folder, outcome):
    """Writes the tables, figures/*.png and metrics.json (last); returns its path."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    for stem, (columns, rows) in outcome.tables.items():
        files.write_text(folder / f"{stem}.csv", _csv(columns, rows))
    for stem, figure in outcome.figures.items():
        files.write_bytes(folder / "figures" / f"{stem}.png", figures.png(figure))
    path = folder / "metrics.json"
    files.write_json(
        path,
        {
            "policy": outcome.policy,
            "data": outcome.data,
            "rules": outcome.rules,
            "results": outcome.results,
            "comparison": outcome.comparison,
            "verdict": outcome.verdict,
            **outcome.more,
        },
    )
    return path


def lines(outcome):
    """What evaluate.py prints: the verdict, and every result's metrics."""
    out = [f"verdict: {outcome.verdict}: {outcome.policy['name']} against {outcome.best_baseline}, the best baseline"]
    for name, result in outcome.results.items():
        shown = ", ".join(f"{key} {value:.4g}" for key, value in result.items())
        out.append(f"{name}: {shown}")
    return out


def _csv(columns, rows):
    out = io.StringIO()
    out.write(",".join(columns) + "\n")
    for row in rows:
        out.write(
            ",".join(str(one) if isinstance(one, str) else f"{one:.8g}" for one in np.asarray(row).tolist()) + "\n"
        )
    return out.getvalue()
