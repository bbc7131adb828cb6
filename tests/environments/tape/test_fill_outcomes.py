"""What the fills of an interval could have been: against the steps that drew them, and in the TD target."""

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import trajectory

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.agents import ddpg, factory as agents
from tfmm.config import loading
from tfmm.environments import batched_simulator
from tfmm.training import collection
from tfmm.training.replay import augmentation

ROWS = 64
FEATURES = ["inventory", "spread", "drift", "inventory_change", "flow_5s", "volatility"]
AGENT = {"td_target": "expected_fills", "gamma": 0.9, "actor_layers": [8], "critic_joint_layers": [8]}


def task_with(small_config, agent=None, **environment):
    environment = {"reward": "expected_pnl", "features": FEATURES, "rows": ROWS} | environment
    return task_of(small_config, environment=environment, agent=AGENT | (agent or {}))


def steps_of(task, count, seed=0):
    """(count, ...) time steps of random quotes, and the actions before them."""
    env, random = task.environment("train", ROWS, 3), np.random.default_rng(seed)
    steps, actions = [env.reset()], []
    for _ in range(count):
        actions.append(random.uniform(-1.0, 0.0, (ROWS, 2)).astype(np.float32))
        steps.append(env.step(actions[-1]))
    return steps, actions


def test_a_reward_comes_with_probabilities_and_the_change_that_was_drawn(small_config):
    """Drawn changes are as often up and down as the probabilities say, within four standard deviations."""
    task = task_with(small_config)
    steps, _ = steps_of(task, 200)
    inside = np.array([step.step_type != 0 for step in steps])
    _, sold, bought, change = np.moveaxis(np.array([step.reward for step in steps])[inside], -1, 0)
    assert set(np.unique(change)) == {-1.0, 0.0, 1.0}
    for probability, drawn in ((sold * (1 - bought), change == -1), (bought * (1 - sold), change == 1)):
        deviation = np.sqrt((probability * (1 - probability)).sum())
        assert abs(drawn.sum() - probability.sum()) < 4 * deviation
        assert drawn.sum() > 100


def test_an_observation_after_other_fills_differs_by_orders_alone(small_config):
    """The same clients and tape, other quotes: whoever was filled otherwise observes per_order more for each order."""
    task, found = task_with(small_config), 0
    env = task.environment("train", ROWS, 3)
    env.reset()
    for _ in range(40):
        state, after = env.get_state(), []
        for action in (-0.9, 0.9):
            env.set_state(state)
            step = env.step(np.full((ROWS, 2), action, np.float32))
            after.append((step.observation.copy(), step.reward[:, 3].copy(), step.step_type))
        (one, k, step_type), (other, j, _) = after
        inside = step_type != 0
        expected = other + (k - j)[:, np.newaxis] * task.observation_per_order
        np.testing.assert_allclose(one[inside], expected[inside], atol=1e-5)
        found += int((k != j)[inside].sum())
    assert found > 100


def numpy_value(agent, observation):
    action, _ = agent._target_actor_network(tf.constant(observation))
    return agent._target_critic_network((tf.constant(observation), action))[0].numpy()


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("td_target", ["sampled", "expected_fills"])
@pytest.mark.parametrize("scale", [1.0, 2.5])
def test_the_td_target(small_config, scale, td_target, relative):
    """Against numpy: r + gamma d (v - v0), v = Q(s', pi(s')) or sum_k P(k) Q(s'_k, pi(s'_k)), v0 without inventory."""
    settings = {"reward_scale_factor": scale, "td_target": td_target, "relative_value": relative}
    task = task_with(small_config, agent=settings)
    env = task.environment("train", ROWS, 3)
    structure = ddpg.Structure(task.observation_per_order, task.exogenous)
    agent, _ = agents.create_agent(task.config, collection.tf_environment(env), structure)
    steps, actions = steps_of(task, 6)
    before, after, action = steps[5], steps[6], actions[5]
    reward = after.reward
    if td_target == "sampled":
        value = numpy_value(agent, after.observation)
    else:
        reward, sold, bought, drawn = after.reward.T
        chances = {-1: sold * (1 - bought), 1: bought * (1 - sold)}
        chances[0] = 1 - chances[-1] - chances[1]
        value = 0.0
        for k, chance in chances.items():
            others = (k - drawn)[:, np.newaxis].astype(np.float32) * task.observation_per_order
            value += chance * numpy_value(agent, after.observation + others)
    if relative:
        flat = after.observation.copy()
        flat[:, [FEATURES.index("inventory"), FEATURES.index("inventory_change")]] = 0.0
        value = value - numpy_value(agent, flat)
    target = scale * reward + 0.9 * after.discount * value
    critic = agent._critic_network((tf.constant(before.observation), tf.constant(action)))[0].numpy()
    tensors = [type(step)(*map(tf.constant, step)) for step in (before, after)]
    loss = agent.critic_loss(tensors[0], tf.constant(action), tensors[1])
    assert float(loss) == pytest.approx(np.mean((target - critic) ** 2), rel=1e-5)


def test_a_mirror_image_swaps_the_probabilities(small_config):
    task = task_with(small_config)
    reward = np.array([[[1.0, 0.3, 0.2, -1.0]]], np.float32)
    zeros, observation, action = (np.zeros(shape, np.float32) for shape in ((1, 1), (1, 1, len(FEATURES)), (1, 1, 2)))
    one = trajectory.Trajectory(zeros, observation, action, (), zeros, tf.constant(reward), zeros)
    image = augmentation.image(one, task.reflection, tf.constant([[True]]))
    np.testing.assert_allclose(image.reward.numpy(), [[[1.0, 0.2, 0.3, 1.0]]])
    assert len(batched_simulator.FILL_OUTCOMES) == 4


@pytest.mark.parametrize(
    ("section", "key", "value", "message"),
    [
        ("environment", "reward", "realised_pnl", "environment.reward is realised_pnl, wanted an expected one"),
        ("environment", "features", ["inventory", "bid_live"], "features has bid_live, wanted none that fills change"),
        ("rules", "hedge", "action", "rules.hedge is action, wanted none"),
        ("agent", "n_step", 3, "agent.n_step is 3, wanted 1"),
        ("collect", "mode", "single", "collect.mode is single, wanted batch"),
        ("environment", "name", "dealer_hedging", "environment.name is dealer_hedging, wanted market_making"),
    ],
)
def test_what_does_not_fit_is_refused(small_config, section, key, value, message):
    tree = msgspec.to_builtins(task_with(small_config).config)
    tree[section][key] = value
    with pytest.raises(errors.ConfigError, match=message):
        _ = task_of(loading.decode(tree, "test")).observation_per_order
