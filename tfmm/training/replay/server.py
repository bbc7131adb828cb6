"""The Reverb replay: an in-process server, writers for one environment or a batch, and the dataset.

Reverb listens on every interface without authentication: run it on a private network only.
"""

import pathlib
import shutil
import tempfile

import reverb
import tensorflow as tf
from tf_agents.replay_buffers import reverb_replay_buffer, reverb_utils
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts

from tfmm.training.replay import checkpoint as checkpoint_lib, writers

TABLE = writers.TABLE
_GROUP = 64  # items drawn together; their transitions are shuffled before they are cut into batches


def signature(data_spec, rows, length=2):
    """What an item is: consecutive frames of B rows, (length, B, ...), or of a single environment, (length, ...)."""
    return tensor_spec.add_outer_dims_nest(data_spec, (length,) if rows is None else (length, rows))


def items(capacity, rows):
    """Items that hold so many transitions."""
    return max(1, capacity // (rows or 1))


class Replay:
    """Server, table and client.

    Args:
        data_spec: the agent's collect_data_spec (one row).
        rows: B of a natively batched environment; None: single environment, one item per step.
        capacity: transitions kept.
        timeout_s: a sampler that gets nothing for so long raises instead of waiting for ever.
        port, limiter, tables: of a server for other processes too: where it listens, its rate limiter instead of one
            that never waits, and what it holds beside the transitions.
        scratch: folder for checkpoints under way, emptied; None: one that is deleted with the replay.
        checkpoint: folder of a checkpoint whose replay to begin with, see replay_checkpoint.refusal.
        length: frames of an item, one more than the rewards that are summed; 2 with rows None.
        priorities: prioritised.Priorities; None: every item comes as often as any other. With them an item is of one
            row.

    Attributes:
        restored: whether it began with a checkpoint's items. client: of the server.
    """

    def __init__(
        self, data_spec, rows, capacity, timeout_s,
        scratch=None, checkpoint=None, length=2, port=None, limiter=None, tables=(), priorities=None,
    ):  # fmt: skip
        self._rows, self._priorities = rows, priorities
        if priorities is None:
            most, item, sampler = items(capacity, rows), signature(data_spec, rows, length), reverb.selectors.Uniform()
        else:
            most, item = capacity, priorities.signature(data_spec, length)
            sampler = reverb.selectors.Prioritized(priorities.exponent)
        self._timeout_ms = round(timeout_s * 1000)
        self._table = reverb.Table(
            TABLE,
            sampler=sampler,
            remover=reverb.selectors.Fifo(),
            rate_limiter=limiter or reverb.rate_limiters.MinSize(1),
            max_size=most,
            signature=item,
        )
        self.restored = checkpoint is not None
        self._scratch = pathlib.Path(tempfile.mkdtemp() if scratch is None else scratch)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._server = reverb.Server(
            [self._table, *tables], port, checkpoint_lib.checkpointer(self._scratch, checkpoint)
        )
        self._address = f"localhost:{self._server.port}"
        self.client = reverb.Client(self._address)
        if rows is None:
            self.writer = reverb_utils.ReverbAddTrajectoryObserver(self.client, TABLE, sequence_length=2)
        elif priorities is not None:
            self.writer = writers.RowWriter(self.client, length, lambda: priorities.highest)
        else:
            self.writer = writers.BatchWriter(self.client, length)
        self._data_spec = data_spec

    def dataset(self, batch_size):
        """Endless dataset of (Trajectory [batch_size, length, ...], ()), none beginning at the end of an episode.

        With priorities (weights, keys) stand in the place of (), see prioritised.Priorities.dataset.
        """
        if self._priorities is not None:
            return self._priorities.dataset(self._data_spec, self._address, batch_size, self._timeout_ms)
        if self._rows is None:
            buffer = reverb_replay_buffer.ReverbReplayBuffer(
                self._data_spec,
                TABLE,
                sequence_length=2,
                server_address=self._address,
                rate_limiter_timeout_ms=self._timeout_ms,
            )
            return buffer.as_dataset(sample_batch_size=batch_size, num_steps=2).prefetch(4)
        samples = reverb.TrajectoryDataset.from_table_signature(
            self._address,
            TABLE,
            max_in_flight_samples_per_worker=_GROUP,
            rate_limiter_timeout_ms=self._timeout_ms,
        )
        groups = samples.map(lambda sample: sample.data).batch(_GROUP)
        batches = groups.map(_transitions).rebatch(batch_size, drop_remainder=True)
        return batches.map(lambda experience: (experience, ())).prefetch(8)

    @property
    def port(self):
        return self._server.port

    def info(self):
        """Reverb's TableInfo of the transitions."""
        return self.client.server_info()[TABLE]

    def items(self):
        """Items in the table now."""
        return self.info().current_size

    def save(self, folder):
        """Writes all items into a checkpoint's folder. OSError where it cannot."""
        checkpoint_lib.save(self.client, folder)

    def close(self):
        self.writer.close()
        self._server.stop()
        shutil.rmtree(self._scratch, ignore_errors=True)


def centred(dataset, centre):
    """The dataset of `Replay.dataset` with a constant subtracted from every reward."""
    if not centre:
        return dataset
    return dataset.map(lambda experience, info: (experience._replace(reward=experience.reward - centre), info))


def _transitions(group):
    """(G, T, B, ...) -> the rows that begin inside an episode, shuffled, (at most G * B, T, ...)."""
    step_type = tf.transpose(group.step_type, [0, 2, 1])
    inside = tf.reshape(step_type[..., 0] != ts.StepType.LAST, [-1])
    chosen = tf.random.shuffle(tf.where(inside)[:, 0])

    def flatten(x):
        rank = len(x.shape)
        swapped = tf.transpose(x, [0, 2, 1, *range(3, rank)])
        return tf.gather(tf.reshape(swapped, tf.concat([[-1], tf.shape(swapped)[2:]], axis=0)), chosen)

    flat = tf.nest.map_structure(flatten, group)
    return tf.nest.map_structure(lambda x, y: tf.ensure_shape(x, [None, y.shape[1], *y.shape[3:]]), flat, group)
