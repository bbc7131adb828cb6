"""A policy on daily bars beside buying and holding and selling and holding."""

import numpy as np

from tfmm import files
from tfmm.environments.examples import daily_trading
from tfmm.evaluation import comparison
from tfmm.evaluation.metrics import daily
from tfmm.evaluation.report import figures_examples

_BASELINES = {"buy_and_hold": daily_trading.LONG, "sell_and_hold": daily_trading.SHORT}
_SEED = 1


def assess(policy, task, split):
    """All metrics of one walk over a split by the policy and each baseline; see on_system.Outcome."""
    name, settings = policy.config.agent.name, task.settings
    acts = {name: policy, **{key: lambda _, action=action: [action] for key, action in _BASELINES.items()}}
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
    own = paths[name]
    columns = ("bar", "date", "close", "action", "shares", "cash", "wealth", "traded", "reward")
    return {
        "data": {"split": split, "first_date": str(own["date"][0]), "last_date": str(own["date"][-1]),
                 "decisions": stop - first, "data_hash": task.data_hash},
        "results": results,
        "comparison": entries,
        "best_baseline": max(_BASELINES, key=lambda key: results[key]["pnl"]),
        "figures": figures,
        "tables": {"decisions": (columns, [[str(one) if key == "date" else float(one) for key, one in
                                            zip(columns, row, strict=True)]
                                           for row in zip(*(own[key] for key in columns), strict=True)])},
        "more": {"q_values_of_last_observation": _last_values(policy, task, own)},
    }  # fmt: skip


def _daily(one, other):
    """Difference of daily profits; a walk that ended in ruin earns nothing afterwards."""
    count = max(len(one), len(other))
    one, other = (np.pad(x, (0, count - len(x)), mode="edge") for x in (one, other))
    return np.diff(one) - np.diff(other)


def _last_values(policy, task, path):
    """{action: Q} of one who holds nothing after the last bar."""
    seen = np.zeros((1, len(task.feature_names)), np.float32)
    seen[:, :-2] = task.data.at(np.array([path["bar"][-1]]))
    return dict(zip(task.action_names, policy.q_values(seen)[0].tolist(), strict=True))
