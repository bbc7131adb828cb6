"""A policy on daily bars beside buying and holding and selling and holding."""

from typing import Any

import numpy as np

from tfmm import files
from tfmm.environments.examples import daily_trading
from tfmm.environments.examples.daily_trading import DailyTradingTask
from tfmm.evaluation import comparison
from tfmm.evaluation.environments.assessment import Assessment
from tfmm.evaluation.metrics import daily
from tfmm.evaluation.report import figures_examples
from tfmm.policies.saved import Policy

_BASELINES = {"buy_and_hold": daily_trading.LONG, "sell_and_hold": daily_trading.SHORT}
_COLUMNS = ("bar", "date", "close", "action", "shares", "cash", "wealth", "traded", "reward")
_SEED = 1


def assess(policy: Policy, task: DailyTradingTask, split: str) -> Assessment:
    """Metrics of one walk through a split by the policy and by each baseline."""
    name, settings = policy.config.agent.name, task.settings
    acts: dict[str, Any] = {name: policy, **{key: _always(action) for key, action in _BASELINES.items()}}
    paths = {key: task.walk(split, act) for key, act in acts.items()}
    first, stop = task.spans[split]
    flat = settings.window_bars if split == "test" else 1
    results = {key: daily.assess(path, settings, flat) for key, path in paths.items()}
    wealth = {key: daily.wealth_of(path, settings, flat) for key, path in paths.items()}
    samples = task.config.evaluation.bootstrap_samples
    entries = [
        comparison.compare(name, key, _daily(wealth[name], wealth[key]), samples, _SEED, len(_BASELINES))
        | {"metric": "pnl per day"}
        for key in _BASELINES
    ]
    figures = {
        "price_signals": figures_examples.price_signals(paths[name]),
        "cumulative_return": figures_examples.cumulative_return(task.data.date[first - flat :], wealth),
        "rewards": figures_examples.rewards(paths[name]),
    }
    learning = figures_examples.learning(files.read_json_lines(policy.folder.parent / "metrics.jsonl"))
    if learning is not None:
        figures["learning"] = learning
    path = paths[name]
    return Assessment(
        data={
            "split": split,
            "first_date": str(path["date"][0]),
            "last_date": str(path["date"][-1]),
            "decisions": stop - first,
            "data_hash": task.data_hash,
        },
        results=results,
        comparison=entries,
        best_baseline=max(_BASELINES, key=lambda key: results[key]["pnl"]),
        figures=figures,
        tables={"decisions": (_COLUMNS, _rows(path))},
        more={"q_values_of_last_observation": _last_values(policy, task, path)},
    )


def _always(action):
    return lambda _: [action]


def _rows(path):
    """The rows of decisions.csv."""
    return [
        [str(value) if key == "date" else float(value) for key, value in zip(_COLUMNS, row, strict=True)]
        for row in zip(*(path[key] for key in _COLUMNS), strict=True)
    ]


def _daily(wealth, baseline):
    """Difference of daily profits; a walk that ended in ruin earns nothing afterwards."""
    count = max(len(wealth), len(baseline))
    wealth, baseline = (np.pad(x, (0, count - len(x)), mode="edge") for x in (wealth, baseline))
    return np.diff(wealth) - np.diff(baseline)


def _last_values(policy, task, path):
    """{action: Q} after the last bar with no position."""
    seen = np.zeros((1, len(task.feature_names)), np.float32)
    seen[:, :-2] = task.data.at(np.array([path["bar"][-1]]))
    return dict(zip(task.action_names, policy.q_values(seen)[0].tolist(), strict=True))
