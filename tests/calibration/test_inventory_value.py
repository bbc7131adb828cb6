"""The value function of inventory that shapes rewards, and the drift of the fair price."""

import itertools

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.calibration import drift as drift_lib, inventory_value, market_sample
from tfmm.simulation import state
from tfmm.simulation.dealer import features


def test_the_value_by_spread(small_config):
    """Against value iteration in plain Python on the same decisions; one state is the value of the mean spread."""
    environment = {"reward": "shaped_expected_pnl", "n_spread_states": 3}
    task = task_of(small_config, environment=environment, rules={"inventory_limit_orders": 3})
    found = inventory_value.solve_by_spread(task)[0]
    sample = market_sample.sample(task)
    spread = sample.ask_tick[..., 0] - sample.bid_tick[..., 0]
    index = np.digitize(spread, found.cuts, right=True)
    means = [spread[index == x].mean() for x in range(3)]
    moves = np.array([[np.mean(index[1:][index[:-1] == x] == y) for y in range(3)] for x in range(3)])
    unit = 2.0 * task.scales[0].half_spread_tick
    distance, _ = inventory_value.solve_known(task, 0)
    chance = 1.0 - np.exp(-0.4 * np.exp(-np.maximum(distance / unit - 0.5, 0.0)))
    value = np.zeros((7, 3))
    for _ in range(200):  # values relative to the first state
        ahead, after = 0.999 * value @ moves.T, np.empty((7, 3))
        for q, x in itertools.product(range(7), range(3)):
            down = ahead[q - 1, x] - ahead[q, x] if q > 0 else -np.inf
            up = ahead[q + 1, x] - ahead[q, x] if q < 6 else -np.inf
            gain = chance * distance / unit * means[x]
            after[q, x] = ahead[q, x] - task.costs.holding_cost(0)[q] + _both(chance, gain, down, up)
        value = after - after[3, 0]
    wanted = value - value[3]
    np.testing.assert_allclose(found.value - found.value[3], wanted, rtol=2e-3, atol=1e-3 * np.abs(wanted).max())
    assert (np.diff(wanted[0]) < 0).all()  # a wide spread stays, and makes inventory dearer
    rows = inventory_value.value_function(task).reshape(3, 7) / task.scales[0].order_lot
    np.testing.assert_allclose(rows, (found.value - found.value[3]).T)


def _both(chance, gain, down, up):
    """The best of both sides, that may both be taken."""
    ask, bid = chance[:, np.newaxis], chance[np.newaxis, :]
    total = gain[:, np.newaxis] + gain[np.newaxis, :]
    with np.errstate(invalid="ignore"):
        total = total + ask * (1.0 - bid) * down + bid * (1.0 - ask) * up
    total = np.append(total[np.isfinite(total)], 0.0)
    # one side alone, the other one not quoted
    alone = [np.max(gain + chance * one) for one in (down, up) if np.isfinite(one)]
    return max(total.max(), *alone)


def test_more_states_of_the_spread_than_there_is_room_for(small_config):
    with pytest.raises(errors.ConfigError, match=r"n_spread_states"):
        task_of(small_config, environment={"n_spread_states": state.MAX_SPREAD_STATES + 1})


def test_values_fall_with_inventory_and_only_training_learns_from_them(small_config):
    task = task_of(small_config, environment={"reward": "shaped_expected_pnl"})
    value = inventory_value.value_function(task)[0]
    assert value[10] == 0.0
    np.testing.assert_allclose(value, value[::-1], atol=1e-9)
    assert (np.diff(value[10:]) < 0).all()
    assert task.environment("train", 2, 0).simulator._reward.values.shape == (1, 21)
    assert task.environment("test", 2, 0).simulator._reward.values.shape == (0, 0)


@pytest.mark.parametrize(
    ("changes", "text"),
    [
        ({"clients": {"rate_s": 0.0}}, "clients.rate_s is 0"),
        ({"rules": {"tape_fills": True}}, "tape_fills is true"),
        ({"rules": {"latency_s": 0.1}}, "latency_s is 0.1"),
        ({"clients": {"random_size": True}}, "sizes than orders"),
    ],
)
def test_fills_without_known_probabilities_are_refused(small_config, changes, text):
    task = task_of(small_config, **{**changes, "environment": {"reward": "expected_pnl"}})
    with pytest.raises(errors.ConfigError, match=text):
        inventory_value.value_function(task)


def test_drift_predicts_and_is_the_feature(small_config):
    task = task_of(small_config, environment={"features": ["imbalance", "drift"]})
    coefficients = np.array(task.scales[0].drift)
    assert coefficients.shape == (6,)
    sim = task.backtest_simulator(task.segments["train"], 4, 1)
    sim.reset()
    for _ in range(20):
        sim.step(np.zeros((4, 2)))
        wanted = np.clip(sim.observation[:, drift_lib.COLUMNS] @ coefficients, -10, 10)
        np.testing.assert_allclose(task.observe(sim)[:, 1], wanted, rtol=1e-4, atol=1e-6)
    assert features.NAMES[drift_lib.COLUMNS[0]] == "imbalance"
    # moves that are half the imbalance and noise: b = (.5, 0, ...); noise alone: nothing
    random = np.random.default_rng(0)
    x = random.normal(size=(20_000, 6))
    found = drift_lib.coefficients(x, 0.5 * x[:, 0] + random.normal(size=20_000))
    np.testing.assert_allclose(found, [0.5, 0, 0, 0, 0, 0], atol=0.03)
    # a relation that does not hold at the end is not fitted
    assert not drift_lib.coefficients(x, np.where(np.arange(20_000) < 16_000, x[:, 0], -x[:, 0])).any()


def test_too_many_joint_inventories_are_refused(small_config, pair_store):
    task = task_of(
        small_config,
        data={"store": str(pair_store)},
        rules={"order_size": 20.0, "inventory_limit_orders": 1000},
        environment={"reward": "shaped_expected_pnl", "risk": "covariance"},
    )
    with pytest.raises(errors.ConfigError, match=r"inventory_limit_orders is 1000 with 2 instruments .* at most 912"):
        inventory_value.value_function(task)
