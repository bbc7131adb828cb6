"""The Reverb replay: only transitions inside one episode come out, whole and unchanged."""

import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.training.replay import checkpoint as checkpoint_lib, server as server_lib

FIRST, MID, LAST = (np.int32(x) for x in (ts.StepType.FIRST, ts.StepType.MID, ts.StepType.LAST))


def _spec():
    number = tf.TensorSpec((), tf.float32)
    step_type = tf.TensorSpec((), tf.int32)
    return trajectory.Trajectory(
        step_type=step_type, observation=tf.TensorSpec((1,), tf.float32), action=tf.TensorSpec((1,), tf.float32),
        policy_info=(), next_step_type=step_type, reward=number, discount=number,
    )  # fmt: skip


def _episodes(length, count):
    """Step types of a row: FIRST, MID, ..., LAST, again; the observation is the step's number."""
    kinds = [FIRST] + [MID] * (length - 2) + [LAST]
    return [(kinds[k % length], kinds[(k + 1) % length], float(k)) for k in range(length * count)]


def _trajectory(steps):
    """Steps of all rows at one moment; a single step gives an unbatched trajectory."""
    kind, following, number = (np.array(column) for column in zip(*steps, strict=True))
    ones = np.ones(len(steps), np.float32)
    out = trajectory.Trajectory(
        kind, number[:, np.newaxis].astype(np.float32), number[:, np.newaxis].astype(np.float32), (),
        following, number.astype(np.float32), ones,
    )  # fmt: skip
    return out


@pytest.mark.parametrize("rows", [1, 3])
def test_batched_items_give_every_inner_transition_and_no_other(rows):
    """Rows end their episodes at different times; LAST -> FIRST never comes out."""
    replay = server_lib.Replay(_spec(), rows, capacity=10_000, timeout_s=30)
    streams = [_episodes(4 + b, 12)[: 4 * 12] for b in range(rows)]
    for k, moment in enumerate(zip(*streams, strict=True)):
        replay.writer(
            _trajectory([(kind, following, number + 1000 * b) for b, (kind, following, number) in enumerate(moment)])
        )
        assert replay.items() <= k
    replay.writer.flush()
    wanted = {
        (number + 1000 * b, number + 1000 * b + 1)
        for b, stream in enumerate(streams)
        for kind, _, number in stream[:-1]
        if kind != LAST
    }
    found = set()
    for experience, info in replay.dataset(batch_size=16).take(400):
        assert info == ()
        assert experience.observation.shape == (16, 2, 1)
        pairs = experience.observation.numpy()[..., 0]
        assert (experience.step_type.numpy()[:, 0] != LAST).all()
        found |= {tuple(pair) for pair in pairs.tolist()}
        np.testing.assert_array_equal(experience.reward.numpy(), pairs)
    assert found == wanted
    replay.close()


def test_capacity_counts_transitions():
    replay = server_lib.Replay(_spec(), 4, capacity=40, timeout_s=30)
    for step in _episodes(5, 10):
        replay.writer(_trajectory([step] * 4))
    replay.writer.flush()
    assert replay.items() == 10
    replay.close()


def test_a_table_that_dropped_items_is_loaded_again(tmp_path):
    """Of a checkpoint of a loaded table that items went from; the trial counts them."""
    checkpoint, scratch = None, tmp_path / "scratch"
    for name in ("first", "second"):
        replay = server_lib.Replay(_spec(), 4, 40, timeout_s=30, folders=server_lib.Folders(scratch, checkpoint))
        for step in _episodes(5, 3):
            replay.writer(_trajectory([step] * 4))
        replay.writer.flush()
        checkpoint = tmp_path / name
        checkpoint.mkdir()
        replay.save(checkpoint)
        replay.close()
    assert checkpoint_lib.refusal(checkpoint, (server_lib.TABLE,), timeout_s=60) is None


def test_an_empty_table_times_out_instead_of_hanging():
    replay = server_lib.Replay(_spec(), 2, capacity=40, timeout_s=0.5)
    with pytest.raises((tf.errors.OutOfRangeError, StopIteration, tf.errors.DeadlineExceededError)):
        next(iter(replay.dataset(4)))
    replay.close()
