"""Windows that begin with a random inventory."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.config import loading
from tfmm.simulation import kernel

ROWS = 64


def simulator_of(small_config, at_random):
    environment = {"random_inventory": at_random, "window_s": 20.0, "features": ["inventory", "spread", "drift"]}
    task = task_of(small_config, environment=environment, rules={"inventory_limit_orders": 3, "order_size": 2.0})
    return task, task.training_simulator(task.segments["train"], ROWS, 3)


def test_a_model_has_a_setting_of_its_own():
    with pytest.raises(
        errors.ConfigError, match=r"random_inventory is true with environment.name simple_model, wanted"
    ):
        loading.load("configs/simple_model.toml", ["environment.random_inventory=true"])


def test_every_inventory_inside_the_limits_is_as_likely(small_config):
    task, sim = simulator_of(small_config, at_random=True)
    order_lot, seen, begun = int(task.parameters["order_lot"][0]), [], 0
    sim.reset()
    for _ in range(200):
        first = sim.step_type == kernel.FIRST
        begun += first.sum()
        inventory = sim.instruments["inventory_lot"][first, 0]
        seen.append(inventory)
        np.testing.assert_allclose(sim.observation[first, 0], inventory / (3 * order_lot), rtol=1e-6)
        sim.step(np.full((ROWS, 1, 2), 0.9))
    orders, counts = np.unique(np.concatenate(seen) // order_lot, return_counts=True)
    np.testing.assert_array_equal(orders, np.arange(-3, 4))
    assert begun > 500
    assert (np.abs(counts - begun / 7) < 4 * np.sqrt(begun * 6 / 49)).all()


def test_the_market_is_that_of_dealers_who_begin_flat(small_config):
    sims = [simulator_of(small_config, at_random)[1] for at_random in (False, True)]
    for sim in sims:
        sim.reset()
    for _ in range(60):
        np.testing.assert_array_equal(sims[0].observation[:, 1:3], sims[1].observation[:, 1:3])
        np.testing.assert_array_equal(sims[0].rows["random"], sims[1].rows["random"])
        for sim in sims:
            sim.step(np.full((ROWS, 1, 2), 1.0))


def test_a_far_quote_earns_what_the_held_inventory_earns(small_config):
    """Reward of the first step: inventory times the move of the mid, less its risk."""
    environment = {"random_inventory": True, "reward": "realised_pnl", "offset_range": [0.0, 4000.0]}
    task = task_of(small_config, environment=environment, rules={"inventory_limit_orders": 3})
    sim = task.training_simulator(task.segments["train"], ROWS, 3)
    sim.reset()
    before = sim.instruments[:, 0].copy()
    sim.step(np.full((ROWS, 1, 2), 1.0))
    after = sim.instruments[:, 0]
    np.testing.assert_array_equal(after["inventory_lot"], before["inventory_lot"])
    mid = [0.5 * (market["bid_tick"] + market["ask_tick"]) for market in (before, after)]
    held, rules = before["inventory_lot"], task.parameters[0]
    gain = held * (mid[1] - mid[0]) - rules["risk"] * np.abs(held) * task.config.environment.interval_s
    np.testing.assert_allclose(sim.reward, gain / task.reward_scale, atol=1e-5)
