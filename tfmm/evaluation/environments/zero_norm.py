"""How close to 0 a policy brings the state of zero_norm, beside random actions."""

from typing import Any

import numpy as np

from tfmm.environments.examples import zero_norm
from tfmm.environments.examples.zero_norm import ZeroNormTask
from tfmm.evaluation import comparison
from tfmm.evaluation.environments.assessment import Assessment
from tfmm.evaluation.report import figures_examples
from tfmm.policies.saved import Policy

_SEED = 1


def assess(policy: Policy, task: ZeroNormTask, split: str) -> Assessment:
    """Metrics of EPISODES episodes, the starts the same for every policy; `split` has no effect."""
    name, random = policy.config.agent.name, np.random.default_rng(_SEED)
    acts: dict[str, Any] = {name: policy, "random": lambda seen: random.uniform(-1.0, 1.0, seen.shape)}
    episodes = {key: task.norms(act, zero_norm.EPISODES, _SEED) for key, act in acts.items()}
    paths = {key: path for key, (path, _) in episodes.items()}
    gap = comparison.compare(
        name, "random", paths["random"][-1] - paths[name][-1], task.config.evaluation.bootstrap_samples, _SEED
    )
    columns = ("step", *(f"{key}_{n}" for key in paths for n in range(zero_norm.EPISODES)))
    steps = np.arange(task.settings.max_steps + 1)
    return Assessment(
        data={"episodes": zero_norm.EPISODES, "seed": _SEED},
        results={key: _metrics(task.settings, path, lengths) for key, (path, lengths) in episodes.items()},
        comparison=[gap | {"metric": "minus final_norm_mean"}],
        best_baseline="random",
        figures={"norms": figures_examples.norms(paths)},
        tables={"norms": (columns, np.column_stack([steps, *paths.values()]))},
        more={"final_norm_of_random": paths[name][-1].mean() / paths["random"][-1].mean()},
    )


def _metrics(settings, path, lengths):
    return {
        "final_norm_mean": float(path[-1].mean()),
        "final_norm_std": float(path[-1].std(ddof=1)),
        "start_norm_mean": float(path[0].mean()),
        "reached_share": float((path[-1] < settings.done_norm).mean()),
        "steps_mean": float(lengths.mean()),
        "return_mean": float(np.mean([-column[1 : n + 1].sum() for column, n in zip(path.T, lengths, strict=True)])),
    }
