"""Evaluation of a saved policy on its analytic model: against the exact optimum where there is one."""

import dataclasses
import io
import pathlib
from typing import Any, cast

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.arrays import Floats
from tfmm.config import analytic, experiment as experiment_lib
from tfmm.environments import factory
from tfmm.environments.analytic.task import AnalyticTask
from tfmm.evaluation.report import figures, figures_analytic
from tfmm.policies.saved import Policy

_PATHS, _SEED = 2000, 1
UNKNOWN = {"value": float("nan"), "policy_value": float("nan"), "ratio": float("nan"), "max_gap": float("nan")}


@dataclasses.dataclass(frozen=True, eq=False)
class AnalyticEvaluation:
    """The evaluation of a policy on an analytic model.

    Attributes:
        name: of the policy.
        facts: of the policy, as in metrics.json.
        optimum: {"value", "policy_value", "ratio", "max_gap"} of the policy, see simple.shortfall; NaN where there is
            no exact solution.
        simulated: {"value", "standard_error"} of the discounted reward of the policy in the environment.
        baselines: {name: the keys of optimum}.
        columns: (C,) names of the columns of `table`; empty without an exact solution.
        table: (S, C) quotes by inventory beside the optimal ones.
        hedge_rates: {label: (2 L + 1,) optimal hedging rate}; empty for a model without hedging.
        model: section [model].
    """

    name: str
    facts: dict[str, Any]
    optimum: dict[str, float]
    simulated: dict[str, float]
    baselines: dict[str, dict[str, float]]
    columns: tuple[str, ...]
    table: Floats
    hedge_rates: dict[str, Floats]
    model: analytic.Model

    @property
    def verdict(self) -> str:
        """`better` or `worse` than the best baseline or a `tie`; both values are exact, so there is no interval."""
        if not self.baselines:
            return "inconclusive"
        best = max(baseline["policy_value"] for baseline in self.baselines.values())
        value = self.optimum["policy_value"]
        return "tie" if value == best else "better" if value > best else "worse"


def evaluate(policy: Policy) -> AnalyticEvaluation:
    """Evaluates a saved policy on the model it was trained on.

    Raises:
        ConfigError: the policy was trained on a tape.
    """
    config = policy.config
    if config.environment.name == experiment_lib.TAPE:
        raise errors.ConfigError(f"policy {policy.folder}: trained on {experiment_lib.TAPE}, wanted one of a model")
    task = cast(AnalyticTask, factory.open_task(config))
    value, error = task.discounted_reward(policy, _PATHS, _SEED)
    solution: Any = task.exact
    optimum, table = UNKNOWN, np.zeros((0, 0))
    baselines: dict[str, dict[str, float]] = {}
    columns: tuple[str, ...] = ()
    if solution is not None:
        actions = policy(solution.observations())
        optimum, table = solution.gap(actions), solution.by_inventory(actions)
        baselines, columns = solution.baselines(), solution.columns
    return AnalyticEvaluation(
        name=config.agent.name,
        facts={
            "name": config.agent.name,
            "seed": config.seed,
            **{key: policy.description[key] for key in ("train_step", "features", "actions", "data_hash")},
        },
        optimum=optimum,
        simulated={"value": value, "standard_error": error},
        baselines=baselines,
        columns=columns,
        table=table,
        hedge_rates={} if solution is None else solution.hedge_rates_by_clients(),
        model=config.model,
    )


def write(folder: pathlib.Path, evaluation: AnalyticEvaluation) -> pathlib.Path:
    """Writes policy_by_inventory.csv, figures/policy_by_inventory.png and metrics.json (last); returns its path."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    if evaluation.columns:
        files.write_text(folder / "policy_by_inventory.csv", _csv(evaluation.columns, evaluation.table))
        picture = figures.png(figures_analytic.policy_by_inventory(evaluation.columns, evaluation.table))
        files.write_bytes(folder / "figures" / "policy_by_inventory.png", picture)
    if evaluation.hedge_rates:
        picture = figures.png(
            figures_analytic.hedging_band(evaluation.table[:, 0], evaluation.table[:, 5], evaluation.hedge_rates)
        )
        files.write_bytes(folder / "figures" / "hedging_band.png", picture)
    results = {evaluation.name: {**evaluation.optimum, "played": evaluation.simulated}, **evaluation.baselines}
    path = folder / "metrics.json"
    files.write_json(
        path,
        {
            "policy": evaluation.facts,
            "data": {},
            "rules": msgspec.to_builtins(evaluation.model),
            "results": results,
            "comparison": [
                {
                    "policy": evaluation.name,
                    "baseline": name,
                    "metric": "policy_value",
                    "mean_difference": evaluation.optimum["policy_value"] - baseline["policy_value"],
                }
                for name, baseline in evaluation.baselines.items()
            ],
            "verdict": evaluation.verdict,
            "optimum": evaluation.optimum,
        },
    )
    return path


def lines(evaluation: AnalyticEvaluation) -> list[str]:
    """What evaluate.py prints: the value of the policy and of every baseline as a share of the optimum."""
    results = {evaluation.name: evaluation.optimum, **evaluation.baselines}
    out = [
        f"{name}: value {result['policy_value']:.4f}, ratio {result['ratio']:.4f} of {result['value']:.4f}, "
        f"max gap {result['max_gap']:.4f}"
        for name, result in results.items()
    ]
    simulated = evaluation.simulated
    return [*out, f"simulated: {simulated['value']:.4f} +- {simulated['standard_error']:.4f}"]


def _csv(columns, table):
    out = io.StringIO()
    np.savetxt(out, table, fmt="%.6g", delimiter=",", header=",".join(columns), comments="")
    return out.getvalue().replace("nan", "")
