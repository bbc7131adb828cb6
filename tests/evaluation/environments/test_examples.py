"""Evaluation on example environments of policies whose metrics are known."""

import dataclasses

import numpy as np
import pytest

from tfmm import errors
from tfmm.config import experiment as experiment_lib, loading
from tfmm.environments import factory
from tfmm.evaluation.environments import daily_trading, examples, quote_target, zero_norm


@dataclasses.dataclass
class Known:
    """A policy that is a function."""

    config: experiment_lib.Config
    act: object
    folder: str = "known"

    def __call__(self, seen):
        return self.act(seen)


def _task(name, **more):
    return factory.open_task(loading.decode({"environment": {"name": name}, **more}, "test"))


def test_who_takes_the_state_away_reaches_zero_at_once():
    task = _task("zero_norm", zero_norm={"size": 8})
    found = zero_norm.assess(Known(task.config, lambda seen: -seen), task, "test")
    own, random = found.results["ddpg"], found.results["random"]
    assert own["final_norm_mean"] < 1e-6
    assert (own["reached_share"], own["steps_mean"]) == (1.0, 1.0)
    assert own["return_mean"] == pytest.approx(0.0, abs=1e-6)
    assert (random["reached_share"], random["steps_mean"]) == (0.0, 100.0)
    assert random["start_norm_mean"] == own["start_norm_mean"]
    assert found.comparison[0]["mean_difference"] == pytest.approx(random["final_norm_mean"], abs=1e-6)
    columns, rows = found.tables["norms"]
    assert rows.shape == (101, len(columns))
    assert found.more["final_norm_of_random"] < 1e-6


def test_quotes_that_are_off_by_a_known_amount_are_reported_so():
    task = _task("quote_target")
    # bounds are prices 0 to 3: ask 1.5 + .3, bid .5 - .15
    act = lambda seen: np.tile([[0.2, 0.35 / 1.5 - 1.0]], (len(seen), 1))  # noqa: E731
    found = quote_target.assess(Known(task.config, act), task, "test")
    own = found.results["ddpg"]
    assert own["reward_mean"] == pytest.approx(-(0.3**2 + 0.15**2))
    assert (own["ask_mean_abs_error"], own["bid_mean_abs_error"]) == (pytest.approx(0.3), pytest.approx(0.15))
    assert (own["ask_std"], own["bid_std"]) == (pytest.approx(0.0, abs=1e-9), pytest.approx(0.0, abs=1e-9))
    # E (U(0, 3) - 1.5)^2 + E (U(0, 3) - .5)^2 = .75 + 1.75
    assert found.results["random"]["reward_mean"] == pytest.approx(-2.5, abs=0.15)
    fig = found.figures["quotes"]
    assert [ax.get_title() for ax in fig.axes] == ["ask: mean 1.800", "bid: mean 0.350"]
    assert sum(patch.get_height() for patch in fig.axes[0].patches) == quote_target.OBSERVATIONS


def test_profits_after_ruin_are_none():
    got = daily_trading._daily(np.array([100.0, 50.0, -10.0]), np.array([100.0, 110.0, 120.0, 90.0]))
    assert got.tolist() == [-60.0, -70.0, 30.0]


def test_a_policy_of_another_environment_is_refused():
    with pytest.raises(errors.ConfigError, match="trained on market_making, wanted one of quote_target"):
        examples.evaluate(Known(experiment_lib.Config(), None))
