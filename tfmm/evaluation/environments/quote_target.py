"""The asks and bids of a policy of quote_target beside the best and random ones."""

import numpy as np

from tfmm.environments.examples import quote_target
from tfmm.environments.examples.quote_target import QuoteTargetTask
from tfmm.evaluation import comparison
from tfmm.evaluation.environments.assessment import Assessment
from tfmm.evaluation.report import figures_examples
from tfmm.policies.saved import Policy

OBSERVATIONS, _SEED = 4096, 1


def assess(policy: Policy, task: QuoteTargetTask, split: str) -> Assessment:
    """Metrics of the policy's quotes on OBSERVATIONS fresh observations; `split` has no effect."""
    seen = task.initial_observations(OBSERVATIONS, _SEED)
    actions = {
        policy.config.agent.name: policy(seen),
        "random": np.random.default_rng(_SEED).uniform(-1.0, 1.0, (OBSERVATIONS, 2)),
    }
    quotes = {name: quote_target.quotes(task.settings, action) for name, action in actions.items()}
    rewards = {name: _reward(prices) for name, prices in quotes.items()}
    name = policy.config.agent.name
    gap = comparison.compare(
        name, "random", rewards[name] - rewards["random"], task.config.evaluation.bootstrap_samples, _SEED
    )
    return Assessment(
        data={"observations": OBSERVATIONS, "seed": _SEED},
        results={key: _metrics(quotes[key], rewards[key]) for key in quotes},
        comparison=[gap | {"metric": "reward_mean"}],
        best_baseline="random",
        figures={"quotes": figures_examples.quotes(quotes[name])},
        tables={"quotes": ((*task.feature_names, "ask", "bid"), np.column_stack([seen, quotes[name]]))},
        more={},
    )


def _reward(quotes):
    target = (quote_target.TARGET_ASK, quote_target.TARGET_BID)
    return -((quotes - target) ** 2).sum(axis=1)


def _metrics(quotes, reward):
    out = {"reward_mean": float(reward.mean())}
    for name, column, target in (
        ("ask", quotes[:, 0], quote_target.TARGET_ASK),
        ("bid", quotes[:, 1], quote_target.TARGET_BID),
    ):
        out[f"{name}_mean"] = float(column.mean())
        out[f"{name}_std"] = float(column.std())
        out[f"{name}_mean_abs_error"] = float(np.abs(column - target).mean())
    return out
