"""Reflections: by hand, and against the environments."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import trajectory

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.config import loading
from tfmm.environments import factory, reflection
from tfmm.environments.examples import zero_norm
from tfmm.simulation.dealer import features
from tfmm.training.replay import augmentation


def test_a_market_by_hand():
    one = reflection.of_market(("inventory", "spread", "bid_live", "ask_live"), ("skew", "half_spread"))
    assert one.observation.source.tolist() == [0, 1, 3, 2]
    assert one.observation.sign.tolist() == [-1, 1, 1, 1]
    assert one.action.sign.tolist() == [-1, 1]
    two = reflection.of_market(("X.drift", "Y.drift"), ("X.ask_offset", "X.bid_offset", "Y.ask_offset", "Y.bid_offset"))
    assert two.action.source.tolist() == [1, 0, 3, 2]
    assert two.groups == 1


def test_every_feature_but_cash_has_an_image():
    names = tuple(name for name in features.NAMES if name != "cash")
    one = reflection.of_market(names, ("ask_offset", "bid_offset", "ask_size", "bid_size", "hedge"))
    assert sorted(one.observation.source.tolist()) == list(range(len(names)))
    # the share of the inventory that is closed is the same from either side
    assert one.action.source.tolist() == [1, 0, 3, 2, 4]
    assert one.action.sign.tolist() == [1] * 5
    for wrong in ("cash", "bid_queue"):
        with pytest.raises(errors.ConfigError, match=f"{wrong} has no mirror image"):
            reflection.of_market(("inventory", wrong), ("skew",))


def test_observations_and_rewards_in_the_reflected_market_are_the_reflected_ones(small_config):
    """The tape with bid and ask changed over (p -> c - p), the same clients on the other side: the kernel itself."""
    task = task_of(small_config, environment={"features": list(features.NAMES[:16]), "reward": "expected_pnl"})
    one = task.reflection
    sims = [task.training_simulator(task.segments["train"], 4, 3) for _ in range(2)]
    events = sims[1]._market.events.copy()
    quotes = events["kind"] == 0
    total = int(events["lo_tick"].max() + events["hi_tick"].max())
    events["lo_tick"], events["hi_tick"] = (
        total - sims[0]._market.events["hi_tick"],
        total - sims[0]._market.events["lo_tick"],
    )
    low = events["lo_size"].copy()
    events["lo_size"] = np.where(quotes, events["hi_size"], low)
    events["hi_size"] = np.where(quotes, low, events["hi_size"])
    events["side"] = -events["side"]
    events.flags.writeable = False
    sims[1]._market = sims[1]._market._replace(events=events)
    sims[1]._work = type(sims[1]._work)(4, sims[1]._part, 1)
    random = np.random.default_rng(2)
    for sim in sims:
        sim.reset()
    for _ in range(30):
        seen = [task.observe(sim) for sim in sims]
        # clients are drawn, so inventories differ; the features of the market do not
        market = [k for k, name in enumerate(task.feature_names) if name in features.NAMES[1:9]]
        image = one.observation.sign * seen[0][:, one.observation.source]
        np.testing.assert_allclose(seen[1][:, market], image[:, market], atol=1e-4)
        action = random.uniform(-1.0, 1.0, (4, 2))
        sims[0].step(action)
        sims[1].step(one.action.sign * action[:, one.action.source])
        flat = (sims[0].instruments["start_inventory_lot"][:, 0] == 0) & (
            sims[1].instruments["start_inventory_lot"][:, 0] == 0
        )
        chances = [
            [sim.instruments[name][flat, 0] for name in ("ask_fill_probability", "bid_fill_probability")]
            for sim in sims
        ]
        np.testing.assert_allclose(chances[0][0], chances[1][1], atol=1e-12)
        np.testing.assert_allclose(chances[0][1], chances[1][0], atol=1e-12)


def test_a_transition_of_zero_norm_is_one_of_zero_norm():
    """For any reflected components the next state and its reward are those of the reflected state and action."""
    task = zero_norm.ZeroNormTask(loading.decode({"environment": {"name": "zero_norm"}, "zero_norm": {"size": 5}}, "t"))
    random = np.random.default_rng(0)
    state, action = random.uniform(-1, 1, (2, 6, 5)).astype(np.float32)
    after = np.clip(state + action, -1, 1)
    zeros = tf.zeros((6, 2))
    one = trajectory.Trajectory(
        step_type=zeros,
        observation=tf.stack([state, after], axis=1),
        action=tf.stack([action, action], axis=1),
        policy_info=(),
        next_step_type=zeros,
        reward=tf.repeat(-np.linalg.norm(after, axis=1, keepdims=True), 2, axis=1),
        discount=zeros,
    )
    flips = random.random((6, 5)) < 0.5
    got = augmentation.image(one, task.reflection, tf.constant(flips))
    seen, done = got.observation.numpy(), got.action.numpy()
    np.testing.assert_allclose(np.clip(seen[:, 0] + done[:, 0], -1, 1), seen[:, 1], atol=1e-6)
    np.testing.assert_allclose(got.reward[:, 0], -np.linalg.norm(seen[:, 1], axis=1), atol=1e-6)
    np.testing.assert_array_equal(seen[:, 0] != state, flips)


def test_wrong_settings_are_config_errors(small_config):
    changes = {"features": ["inventory", "bid_distance"]}
    config = task_of(small_config, environment=changes, train={"reflect": True}).config
    with pytest.raises(errors.ConfigError, match="bid_distance has no mirror image"):
        factory.open_task(config)
    for tree in ({"environment": {"name": "simple_model"}}, {"agent": {"name": "reinforce"}}):
        with pytest.raises(errors.ConfigError, match=r"train\.reflect is true"):
            loading.decode(tree | {"train": {"reflect": True, "steps_per_iteration": 1}}, "test")


def test_a_dataset_is_a_mix():
    one = reflection.of_numbers(3)
    base = tf.data.Dataset.from_tensors(
        (
            trajectory.Trajectory(
                *[tf.zeros((400, 2))], tf.ones((400, 2, 3)), tf.ones((400, 2, 3)), (), *[tf.zeros((400, 2))] * 3
            ),
            (),
        )
    )
    (experience, _), *_ = augmentation.reflected(base, one)
    signs = experience.observation.numpy()
    np.testing.assert_array_equal(signs, experience.action.numpy())
    np.testing.assert_array_equal(signs[:, 0], signs[:, 1])
    assert (np.abs(signs[:, 0].mean(axis=0)) < 0.2).all()
    assert len(np.unique(signs[:, 0], axis=0)) == 8
