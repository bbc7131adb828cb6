"""Observers of a natively batched PyDriver that put what they see into a Reverb table."""

import collections
from collections.abc import Callable

import numpy as np
import reverb
import tensorflow as tf
import tree
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.arrays import Array, Floats32

TABLE = "transitions"
_IN_FLIGHT = 32  # items sent before the writer waits for the server


class BatchWriter:
    """One item is `length` consecutive batched steps."""

    def __init__(self, client: reverb.Client, length: int = 2) -> None:
        self._writer = client.trajectory_writer(num_keep_alive_refs=length)
        self._length = length
        self._steps = 0

    def __call__(self, step: trajectory.Trajectory) -> None:
        """Appends a batched step, and makes an item that ends with it."""
        self._writer.append(step)
        self._steps += 1
        if self._steps >= self._length:
            item = tree.map_structure(lambda column: column[-self._length :], self._writer.history)
            self._writer.create_item(TABLE, priority=1.0, trajectory=item)
        if self._steps % _IN_FLIGHT == 0:
            self.flush()

    def flush(self) -> None:
        self._writer.flush()

    def close(self) -> None:
        self._writer.close()


class RowWriter(BatchWriter):
    """One item is `length` consecutive steps of one row, packed; none begins at the end of an episode.

    Args:
        priority: function that gives the priority of a new item.
    """

    def __init__(self, client: reverb.Client, length: int, priority: Callable[[], float]) -> None:
        super().__init__(client, length)
        self._priority = priority
        self._step_types: collections.deque[Array] = collections.deque(maxlen=length)

    def __call__(self, step: trajectory.Trajectory) -> None:
        """Appends a batched step, and makes an item of each row that ends with it."""
        # each row is a column of its own, so that items can be cut out of it
        self._writer.append(list(pack(step)))
        self._step_types.append(step.step_type)
        if len(self._step_types) < self._length:
            return
        history, priority = self._writer.history, self._priority()
        for b in np.flatnonzero(self._step_types[0] != ts.StepType.LAST):
            self._writer.create_item(TABLE, priority=priority, trajectory=history[b][-self._length :])
        self.flush()


def pack(step: trajectory.Trajectory) -> Floats32:
    """A batched step as (B, W) float32, every number of a row in one vector: 64 rows are 64 columns, not 400."""
    columns = tree.flatten(step)
    return np.concatenate([np.reshape(column, (len(column), -1)).astype(np.float32) for column in columns], axis=1)


def packed_width(data_spec: trajectory.Trajectory) -> int:
    """W of `pack`."""
    return sum(spec.shape.num_elements() for spec in tree.flatten(data_spec))


def unpack(packed: tf.Tensor, data_spec: trajectory.Trajectory) -> trajectory.Trajectory:
    """(B, L, W) float32 tensor -> the structure of data_spec with (B, L, ...); whole numbers are below 2^24."""
    specs = tree.flatten(data_spec)
    parts = tf.split(packed, [spec.shape.num_elements() for spec in specs], axis=-1)
    outer = [tf.shape(packed)[0], packed.shape[1]]
    shaped = [
        tf.ensure_shape(tf.cast(tf.reshape(part, [*outer, *spec.shape]), spec.dtype), [*packed.shape[:2], *spec.shape])
        for part, spec in zip(parts, specs, strict=True)
    ]
    return tree.unflatten_as(data_spec, shaped)
