"""Every agent through the whole trainer: trained, stopped, resumed with what it had, watched by the same monitor."""

import json

import numpy as np
import pandas as pd
import pytest

from tfmm import config as config_lib
from tfmm.environments import factory
from tfmm.training import run_directory, trainer

LOSSES = {
    "ddpg": {"actor_loss", "critic_loss"},
    "td3": {"actor_loss", "critic_loss"},
    "dqn": set(),
    "reinforce": {"policy_gradient_loss", "value_estimation_loss"},
}
EXPLORATION = {"ddpg": "noise_stddev", "td3": "noise_stddev", "dqn": "epsilon", "reinforce": None}


def _bars(path):
    """300 days of a random walk."""
    random = np.random.default_rng(0)
    close = 50.0 * np.exp(np.cumsum(random.normal(0.0, 0.01, 300)))
    days = pd.date_range("2020-01-01", periods=300).strftime("%Y-%m-%d")
    bars = {"Timestamp": days, "Open": close, "High": close * 1.01, "Low": close * 0.99, "Close": close}
    pd.DataFrame({**bars, "Volume": random.integers(1000, 2000, 300)}).to_csv(path, index=False)
    return str(path)


def _config(name, folder, steps):
    environment = {"name": "daily_trading" if name == "dqn" else "quote_target", "rows": 4}
    agent = {"name": name, "actor_layers": [8], "critic_joint_layers": [8], "n_step": 1 if name == "reinforce" else 3}
    if name in ("ddpg", "td3"):
        agent |= {"noise_decay": "linear", "noise_stddev_final": 0.1}
    tree = {
        "environment": environment,
        "agent": agent,
        "collect": {"initial_steps": 20, "steps_per_iteration": 4},
        "train": {
            "steps": steps, "steps_per_iteration": 1, "batch_size": 16, "log_interval": 5, "validation_interval": 10,
        },
    }  # fmt: skip
    # no episode ends: a step between two of them would be an item too
    if name == "dqn":
        path = _bars(folder / "bars.csv")
        tree["daily_trading"] = {"train": path, "test": path, "window_bars": 5, "episode_bars": 200}
    else:
        tree["quote_target"] = {"window_steps": 200}
    return config_lib.decode(tree, name)


@pytest.mark.parametrize("name", list(LOSSES))
def test_each_agent_trains_and_goes_on_where_it_was(name, tmp_path):
    config = _config(name, tmp_path, 10)
    run = run_directory.RunDirectory.create(tmp_path / "run", config, "hash")
    first = trainer.Trainer(factory.open_problem(config), run)
    first.run()
    held, left = first._replay.items(), first._collector.get_state()
    # 3 rewards to an item: the first complete after 4 batched steps; 20 of the warm-up, 4 before each of 10
    assert held == (0 if name == "reinforce" else 20 + 4 * 10 - 3)
    first.close()

    second = trainer.Trainer(factory.open_problem(_config(name, tmp_path, 20)), run)
    second.run()
    # nothing was collected but what 10 more steps ask for
    assert second._replay.items() == (0 if name == "reinforce" else held + 4 * 10 - 3)
    gone = second._collector.statistics.transitions - left["transitions"]
    assert gone == 4 * 4 * 10
    second.close()

    records = [json.loads(line) for line in run.metrics_path.read_text().splitlines()]
    logged = [one for one in records if "train/loss" in one]
    assert [one["step"] for one in logged] == [5, 10, 15, 20]
    assert {one["step"] for one in records if any(key.startswith("validation/") for key in one)} == {10, 20}
    assert all(np.isfinite(value) for one in records for value in one.values())
    for one in logged:
        assert {f"train/{part}" for part in LOSSES[name] | {"q_mean", "q_stddev", "q_drift"}} <= set(one)
        assert ("collect/action_at_bound_share" in one) == (name != "dqn")
        assert ("train/greedy_at_bound_share" in one) == (name != "dqn")
        found = {key for key in one if key in ("collect/noise_stddev", "collect/epsilon")}
        assert found == ({f"collect/{EXPLORATION[name]}"} if EXPLORATION[name] else set())
    # the monitor looks at the same observations after the resume: its drift goes on from the value before
    drift = logged[2]["train/q_mean"] - logged[1]["train/q_mean"]
    assert logged[2]["train/q_drift"] == pytest.approx(drift, abs=1e-6)
