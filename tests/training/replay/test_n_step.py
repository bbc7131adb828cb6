"""n-step returns against numbers worked on paper, at both kinds of episode ends, and in the agents' own targets."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.agents import factory
from tfmm.config import agent as agent_lib
from tfmm.training.replay import n_step, on_policy, server

FIRST, MID, LAST = 0, 1, 2
GAMMA = 0.5
# rows: amid an episode; its end after two steps, truncated; the same, terminated; after one step; beyond the horizon.
# A frame holds the reward and discount of the step that leaves it; 99 marks what must never be used.
STEP_TYPE = [
    [MID] * 4,
    [MID, MID, LAST, FIRST],
    [MID, MID, LAST, FIRST],
    [MID, LAST, FIRST, MID],
    [MID, MID, MID, LAST],
]
REWARD = [[1, 2, 4, 99], [1, 2, 99, 99], [1, 2, 99, 99], [3, 99, 99, 99], [8, 4, 2, 99]]
DISCOUNT = [[1, 1, 1, 1], [1, 1, 1, 1], [1, 0, 1, 1], [1, 1, 1, 1], [1, 1, 0, 1]]
# 1 + 2/2 + 4/4; 1 + 2/2 twice; 3; 8 + 4/2 + 2/4
RETURN = [3.0, 2.0, 2.0, 3.0, 10.5]
# what the agent multiplies by gamma: gamma^(k-1) x product of discounts
LEFT = [0.25, 0.5, 0.0, 1.0, 0.0]
REACHED = [3, 2, 2, 1, 3]


def _experience():
    step_type = tf.constant(STEP_TYPE, tf.int32)
    time = tf.tile(tf.range(4.0)[tf.newaxis, :, tf.newaxis], [5, 1, 1])
    following = tf.concat([step_type[:, 1:], tf.fill([5, 1], MID)], axis=1)
    action = tf.fill([5, 4, 1], 0.5)
    reward, discount = tf.constant(REWARD, tf.float32), tf.constant(DISCOUNT, tf.float32)
    return trajectory.Trajectory(step_type, time, action, (), following, reward, discount)


def test_folded_transitions_agree_with_numbers_worked_by_hand():
    out = n_step.fold(_experience(), GAMMA)
    np.testing.assert_allclose(out.reward[:, 0], RETURN)
    np.testing.assert_allclose(out.discount[:, 0], LEFT)
    np.testing.assert_allclose(out.observation[..., 0], [[0, k] for k in REACHED])
    np.testing.assert_array_equal(out.next_step_type[:, 0], [MID, LAST, LAST, LAST, LAST])


def test_one_step_is_the_transition_itself():
    pairs = tf.nest.map_structure(lambda x: x[:, :2], _experience())
    for got, wanted in zip(tf.nest.flatten(n_step.fold(pairs, GAMMA)), tf.nest.flatten(pairs), strict=True):
        np.testing.assert_array_equal(got, wanted)


@pytest.mark.parametrize("name", ["ddpg", "td3", "dqn"])
def test_the_agents_target_is_the_n_step_target(name):
    """With networks that say 10 everywhere the loss is the mean square of R + gamma^k prod d 10 - 10."""
    layers = {"critic_joint_layers": (4,)} | ({} if name == "dqn" else {"actor_layers": (4,)})
    settings = agent_lib.BY_NAME[name](gamma=GAMMA, normalise_observations=False, **layers)
    experience = n_step.fold(_experience(), GAMMA)
    action_spec = tensor_spec.BoundedTensorSpec((1,), tf.float32, -1.0, 1.0)
    if name == "dqn":
        action_spec = tensor_spec.BoundedTensorSpec((), tf.int32, 0, 2)
        experience = experience._replace(action=tf.ones([5, 2], tf.int32))
    time_step_spec = ts.time_step_spec(tf.TensorSpec((1,), tf.float32))
    agent = factory.create(settings, time_step_spec, action_spec, tf.Variable(0, dtype=tf.int64), 10)
    for layer in agent.submodules:
        if isinstance(layer, tf.keras.layers.Dense):
            layer.kernel.assign(tf.zeros_like(layer.kernel))
            layer.bias.assign(tf.fill(layer.bias.shape, 10.0 if layer.units in (1, 3) else 0.0))
    errors = np.array(RETURN) + GAMMA * np.array(LEFT) * 10.0 - 10.0
    loss = factory.losses(agent.train(experience))
    critics = 2.0 if name == "td3" else 1.0
    assert loss["loss" if name == "dqn" else "critic_loss"] == pytest.approx(critics * np.mean(errors**2), rel=1e-5)


def _frames(rows, count):
    """count batched steps of episodes with three decisions; the observation is the time, the reward twice that."""
    for t in range(count):
        kind, following = [(FIRST, MID), (MID, MID), (MID, LAST), (LAST, FIRST)][t % 4]
        full = lambda value, dtype: np.full(rows, value, dtype)  # noqa: E731
        yield trajectory.Trajectory(
            full(kind, np.int32), np.full((rows, 1), t, np.float32), np.zeros((rows, 1), np.float32), (),
            full(following, np.int32), full(2 * t, np.float32), full(1, np.float32),
        )  # fmt: skip


SPEC = trajectory.Trajectory(
    tf.TensorSpec((), tf.int32), tf.TensorSpec((1,), tf.float32), tf.TensorSpec((1,), tf.float32), (),
    tf.TensorSpec((), tf.int32), tf.TensorSpec((), tf.float32), tf.TensorSpec((), tf.float32),
)  # fmt: skip


def test_longer_items_through_reverb_fold_to_targets_inside_their_episode():
    memory = server.Replay(SPEC, rows=3, capacity=300, timeout_s=20.0, length=3)
    for frame in _frames(3, 42):
        memory.writer(frame)
    memory.writer.flush()
    assert memory.items() == 40
    data = n_step.folded(memory.dataset(16), 2, GAMMA)
    seen = set()
    for batch, _ in data.take(40):
        t, reached = batch.observation[:, 0, 0].numpy(), batch.observation[:, 1, 0].numpy()
        assert np.all(t % 4 != 3)
        steps = np.where(t % 4 == 2, 1, 2)
        np.testing.assert_array_equal(reached, t + steps)
        np.testing.assert_allclose(batch.reward[:, 0], np.where(steps == 2, 2 * t + GAMMA * 2 * (t + 1), 2 * t))
        np.testing.assert_allclose(batch.discount[:, 0], np.where(steps == 2, GAMMA, 1.0))
        seen |= set(t.astype(int))
    assert {one % 4 for one in seen} == {0, 1, 2}
    memory.close()


def test_on_policy_blocks_come_once_and_in_order():
    memory = on_policy.Blocks(SPEC, rows=3, timeout_s=20.0)
    data = iter(memory.dataset(None))
    frames = list(_frames(3, 7))
    for part in (frames[:4], frames[4:]):
        for frame in part:
            memory.writer(frame)
        memory.writer.flush()
        block, _ = next(data)
        assert block.reward.shape == (3, len(part))
        np.testing.assert_array_equal(block.observation[1, :, 0], [one.observation[1, 0] for one in part])
    assert memory.items() == 0
    memory.close()
