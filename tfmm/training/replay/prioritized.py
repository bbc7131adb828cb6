"""Prioritized replay (Schaul et al. 2016, arXiv 1511.05952, proportional variant): surprises come more often.

An item is a transition of one row, so that it has a priority of its own. It is drawn with probability
P_i = p_i^alpha / sum p^alpha, p_i = |TD error| + 1e-3 when it was last learned from, and a new one has the highest
priority so far. Its loss is weighted with (N P_i)^-beta, divided by the largest weight of the batch.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import reverb
import tensorflow as tf
from tf_agents.trajectories import trajectory

from tfmm.agents import guarded
from tfmm.config import training
from tfmm.training.replay import writers

_LEAST = 1e-3  # so that no transition is lost for ever
_READY = 2  # batches drawn ahead: their priorities are those of the moment


class Priorities:
    """Takes TD errors from the train steps to the table.

    Args:
        settings: section [train]. agent: whose TD errors they are.

    Attributes:
        highest: priority that new items get.
    """

    def __init__(self, settings: training.Train, agent: guarded.GuardedAgent) -> None:
        self._settings, self._agent = settings, agent
        self.highest = 1.0
        shape = (settings.steps_per_iteration, settings.batch_size)
        self._count = tf.Variable(0, trainable=False)
        self._keys = tf.Variable(tf.zeros(shape, tf.int64), trainable=False)
        self._errors = tf.Variable(tf.zeros(shape), trainable=False)

    def get_state(self) -> float:
        """Picklable state for `set_state`."""
        return self.highest

    def set_state(self, state: float) -> None:
        self.highest = state

    @property
    def exponent(self) -> float:
        """alpha."""
        return self._settings.priority_exponent

    def after_step(self, check: Callable[[Any, Any], None]) -> Callable[[Any, Any], None]:
        """after_train_strategy_step_fn of a Learner: keeps the TD errors of a train step for `write`, then checks."""

        def note(sample, loss):
            batch, keys = sample  # WeightedExperience, (B,) int64
            self._keys[self._count].assign(keys)
            self._errors[self._count].assign(self._agent.td_errors(batch.experience))
            self._count.assign_add(1)
            check(sample, loss)

        return note

    def trigger(self, client: reverb.Client) -> Callable[[int], None]:
        """Trigger of a Learner that calls `write` after each of its calls."""
        return lambda _: self.write(client)

    def write(self, client: reverb.Client) -> None:
        """Sets the priorities of all items noted since the last call; those that the table dropped are left out."""
        count = int(self._count.numpy())
        keys = self._keys.numpy()[:count].ravel().view(np.uint64)
        priorities = np.abs(self._errors.numpy()[:count].ravel().astype(np.float64)) + _LEAST
        self._count.assign(0)
        if count:
            self.highest = max(self.highest, float(priorities.max()))
            client.mutate_priorities(writers.TABLE, dict(zip(keys.tolist(), priorities.tolist(), strict=True)))

    def signature(self, data_spec: trajectory.Trajectory, length: int) -> tf.TensorSpec:
        """Spec of an item: the packed frames of a row."""
        return tf.TensorSpec((length, writers.packed_width(data_spec)), tf.float32)

    def dataset(
        self, data_spec: trajectory.Trajectory, address: str, batch_size: int, timeout_ms: int
    ) -> tf.data.Dataset:
        """Endless dataset of (Trajectory [batch_size, length, ...], (weights, keys)), (batch_size,) float32, int64."""
        samples = reverb.TrajectoryDataset.from_table_signature(
            address, writers.TABLE, max_in_flight_samples_per_worker=batch_size, rate_limiter_timeout_ms=timeout_ms
        )
        batches = samples.batch(batch_size, drop_remainder=True)
        return batches.map(lambda sample: self._weighted(sample, data_spec)).prefetch(_READY)

    def _weighted(self, sample, data_spec):
        info = sample.info
        weights = importance(info.probability, info.table_size, self._settings.importance_exponent)
        keys = tf.bitcast(info.key, tf.int64)  # many kernels know no uint64
        return writers.unpack(sample.data, data_spec), (weights, keys)


def importance(probability: tf.Tensor, size: tf.Tensor, exponent: float) -> tf.Tensor:
    """(B,) float32 tensor: (N P_i)^-beta over the largest of the batch.

    Args:
        probability: P_i, (B,) float64 tensor. size: N, (B,) int64 tensor. exponent: beta.
    """
    weights = tf.pow(tf.cast(size, tf.float64) * probability, -exponent)
    return tf.cast(weights / tf.reduce_max(weights), tf.float32)
