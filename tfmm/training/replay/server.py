"""The Reverb replay: an in-process server, writers for one environment or a batch, and the dataset.

Reverb listens on every interface without authentication: run it on a private network only.
"""

import pathlib
import shutil
import tempfile
from typing import Any, NamedTuple

import reverb
import tensorflow as tf
from tf_agents.replay_buffers import reverb_replay_buffer, reverb_utils
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.training.replay import checkpoint as checkpoint_lib, writers

TABLE = writers.TABLE
_GROUP = 64  # items drawn together; their transitions are shuffled before they are cut into batches


class Folders(NamedTuple):
    """Of a replay on disk.

    scratch: for checkpoints under way, emptied; None: one that is deleted with the replay.
    checkpoint: folder of a checkpoint whose replay to begin with, see checkpoint.refusal; None: begin empty.
    """

    scratch: pathlib.Path | None = None
    checkpoint: pathlib.Path | None = None


class Service(NamedTuple):
    """What a server needs to serve other processes.

    port: where it listens, None: any. limiter: its rate limiter, None: one that never waits.
    tables: what it holds beside the transitions.
    """

    port: int | None = None
    limiter: reverb.rate_limiters.RateLimiter | None = None
    tables: tuple[reverb.Table, ...] = ()


def signature(data_spec: trajectory.Trajectory, rows: int | None, length: int = 2) -> trajectory.Trajectory:
    """Specs of an item: consecutive frames of B rows, (length, B, ...), or of a single environment, (length, ...)."""
    return tensor_spec.add_outer_dims_nest(data_spec, (length,) if rows is None else (length, rows))


def items(capacity: int, rows: int | None) -> int:
    """Number of items that hold `capacity` transitions."""
    return max(1, capacity // (rows or 1))


class Replay:
    """Server, table and client.

    Args:
        data_spec: the agent's collect_data_spec (one row).
        rows: B of a natively batched environment; None: single environment, one item per step.
        capacity: transitions kept.
        timeout_s: a sampler that gets nothing for this time raises instead of waiting for ever.
        length: frames of an item, one more than the rewards that are summed; 2 with rows None.
        folders: of checkpoints. service: for other processes; None: of this process alone.

    Attributes:
        restored: whether it began with a checkpoint's items. client: of the server. writer: observer that fills it.
    """

    def __init__(
        self,
        data_spec: trajectory.Trajectory,
        rows: int | None,
        capacity: int,
        timeout_s: float,
        length: int = 2,
        folders: Folders | None = None,
        service: Service | None = None,
    ) -> None:
        folders, service = folders or Folders(), service or Service()
        self._data_spec, self._rows = data_spec, rows
        self._timeout_ms = round(timeout_s * 1000)
        table = _table(data_spec, rows, capacity, length, service.limiter)
        self.restored = folders.checkpoint is not None
        self._scratch = pathlib.Path(tempfile.mkdtemp() if folders.scratch is None else folders.scratch)
        shutil.rmtree(self._scratch, ignore_errors=True)
        self._scratch.mkdir()
        self._server = reverb.Server(
            [table, *service.tables], service.port, checkpoint_lib.checkpointer(self._scratch, folders.checkpoint)
        )
        self._address = f"localhost:{self._server.port}"
        self.client = reverb.Client(self._address)
        self.writer: Any
        if rows is None:
            self.writer = reverb_utils.ReverbAddTrajectoryObserver(self.client, TABLE, sequence_length=2)
        else:
            self.writer = writers.BatchWriter(self.client, length)

    def dataset(self, batch_size: int) -> tf.data.Dataset:
        """Endless dataset of (Trajectory [batch_size, length, ...], ()), none beginning at the end of an episode."""
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
    def port(self) -> int:
        """Where the server listens."""
        return self._server.port

    def info(self) -> Any:
        """Reverb's TableInfo of the transitions."""
        return self.client.server_info()[TABLE]

    def items(self) -> int:
        """Items in the table now."""
        return self.info().current_size

    def save(self, folder: pathlib.Path) -> None:
        """Writes all items into a checkpoint's folder. OSError where it cannot."""
        checkpoint_lib.save(self.client, folder)

    def close(self) -> None:
        """Ends the writer, then the server; iterators of `dataset` have to be gone. A second time it does nothing."""
        if self._server is None:
            return
        self.writer.close()
        self._server.stop()
        self._server = None  # its threads go with it
        shutil.rmtree(self._scratch, ignore_errors=True)


def centred(dataset: tf.data.Dataset, centre: float) -> tf.data.Dataset:
    """The dataset of `Replay.dataset` with a constant subtracted from every reward."""
    if not centre:
        return dataset

    def subtracted(experience, info):
        reward = experience.reward
        centres = centre if reward.shape.rank < 3 else centre * tf.one_hot(0, reward.shape[2])
        return experience._replace(reward=reward - centres), info

    return dataset.map(subtracted)


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


def _table(data_spec, rows, capacity, length, limiter):
    """The table of the transitions, see Replay."""
    return reverb.Table(
        TABLE,
        sampler=reverb.selectors.Uniform(),
        remover=reverb.selectors.Fifo(),
        rate_limiter=limiter or reverb.rate_limiters.MinSize(1),
        max_size=items(capacity, rows),
        signature=signature(data_spec, rows, length),
    )
