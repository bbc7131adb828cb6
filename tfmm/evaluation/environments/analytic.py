"""Evaluation of a saved policy on the model it was trained on: against the exact optimum where there is one."""

import dataclasses
import io

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.config import analytic, experiment as experiment_lib
from tfmm.environments import factory
from tfmm.evaluation.report import figures, figures_analytic

_PATHS, _SEED = 2000, 1
NOTHING = {"value": float("nan"), "policy_value": float("nan"), "ratio": float("nan"), "max_gap": float("nan")}


@dataclasses.dataclass(frozen=True, eq=False)
class Outcome:
    """What an evaluation on a model found.

    Attributes:
        name: of the policy. facts: of it. optimum: {"value", "policy_value", "ratio", "max_gap"} of the saved policy,
        see simple.shortfall; NaN where there is no exact solution. played: {"value", "standard_error"} of the
        discounted reward of the policy in the environment. baselines: {name: as optimum}.
        columns, table: policy_by_inventory.csv; empty without an exact solution. model: settings.
    """

    name: str
    facts: dict
    optimum: dict
    played: dict
    baselines: dict
    columns: tuple
    table: np.ndarray
    franchises: dict
    model: analytic.Model

    @property
    def verdict(self):
        """`better` or `worse` than the best baseline; both values are exact, so there is no interval."""
        if not self.baselines:
            return "inconclusive"
        best = max(one["policy_value"] for one in self.baselines.values())
        return "better" if self.optimum["policy_value"] > best else "worse"


def evaluate(policy):
    """Scores a saved policy on its model.

    Args:
        policy: policies.saved.Policy.

    Raises:
        ConfigError: the policy was trained on a tape.
    """
    config = policy.config
    if config.environment.name == experiment_lib.TAPE:
        raise errors.ConfigError(f"policy {policy.folder}: trained on {experiment_lib.TAPE}, wanted one of a model")
    task = factory.open_task(config)
    value, error = task.discounted_reward(policy, _PATHS, _SEED)
    one, optimum, table, baselines, columns = task.exact, NOTHING, np.zeros((0, 0)), {}, ()
    if one is not None:
        actions = policy(one.observations())
        optimum, table, baselines, columns = one.gap(actions), one.by_inventory(actions), one.baselines(), one.columns
    return Outcome(
        name=config.agent.name,
        facts={
            "name": config.agent.name,
            "seed": config.seed,
            **{key: policy.description[key] for key in ("train_step", "features", "actions", "data_hash")},
        },
        optimum=optimum,
        played={"value": value, "standard_error": error},
        baselines=baselines,
        columns=columns,
        table=table,
        franchises={} if one is None else one.hedge_rates_by_clients(),
        model=config.model,
    )


def write(folder, outcome):
    """Writes policy_by_inventory.csv, figures/policy_by_inventory.png and metrics.json (last); returns its path."""
    (folder / "figures").mkdir(parents=True, exist_ok=True)
    if outcome.columns:
        files.write_text(folder / "policy_by_inventory.csv", _csv(outcome.columns, outcome.table))
        picture = figures.png(figures_analytic.policy_by_inventory(outcome.columns, outcome.table))
        files.write_bytes(folder / "figures" / "policy_by_inventory.png", picture)
    if outcome.franchises:
        picture = figures.png(
            figures_analytic.hedging_band(outcome.table[:, 0], outcome.table[:, 5], outcome.franchises)
        )
        files.write_bytes(folder / "figures" / "hedging_band.png", picture)
    results = {outcome.name: {**outcome.optimum, "played": outcome.played}, **outcome.baselines}
    path = folder / "metrics.json"
    files.write_json(
        path,
        {
            "policy": outcome.facts,
            "data": {},
            "rules": msgspec.to_builtins(outcome.model),
            "results": results,
            "comparison": [
                {
                    "policy": outcome.name,
                    "baseline": name,
                    "metric": "policy_value",
                    "mean_difference": outcome.optimum["policy_value"] - one["policy_value"],
                }
                for name, one in outcome.baselines.items()
            ],
            "verdict": outcome.verdict,
            "optimum": outcome.optimum,
        },
    )
    return path


def _csv(columns, table):
    out = io.StringIO()
    np.savetxt(out, table, fmt="%.6g", delimiter=",", header=",".join(columns), comments="")
    return out.getvalue().replace("nan", "")
