"""Prioritised replay (Schaul et al. 2016, arXiv 1511.05952, proportional variant): what surprised comes more often.

An item is a transition of one row, so that it has a priority of its own. It is drawn with probability
P_i = p_i^alpha / sum p^alpha, p_i = |TD error| + 1e-3 when it was last learned from, and a new one has the highest
priority so far. Its loss is weighted with (N P_i)^-beta, divided by the largest weight of the batch.
"""

import numpy as np
import reverb
import tensorflow as tf

from tfmm.agents import factory as agents
from tfmm.training.replay import writers

_LEAST = 1e-3  # so that no transition is lost for ever
_READY = 2  # batches drawn ahead: their priorities are those of the moment


class Priorities:
    """Takes TD errors from the train steps to the table.

    Args:
        settings: train_settings.Train.

    Attributes:
        highest: priority that new items get.
    """

    def __init__(self, settings):
        self._settings = settings
        self.highest = 1.0
        shape = (settings.steps_per_iteration, settings.batch_size)
        self._count = tf.Variable(0, trainable=False)
        self._keys = tf.Variable(tf.zeros(shape, tf.int64), trainable=False)
        self._errors = tf.Variable(tf.zeros(shape), trainable=False)

    @property
    def exponent(self):
        """alpha."""
        return self._settings.priority_exponent

    def attach(self, agent):
        """From now on agent.train takes (Trajectory [B, 2, ...], weights (B,), keys (B,)) and notes the TD errors."""
        train = agent.train

        def noted(batch):
            experience, weights, keys = batch
            loss = train(experience, weights=weights)
            self._keys[self._count].assign(keys)
            self._errors[self._count].assign(agents.td_errors(agent, experience))
            self._count.assign_add(1)
            return loss

        agent.train = noted

    def write(self, client):
        """Sets the priorities of all items noted since the last call; those that the table dropped are left out."""
        count = int(self._count.numpy())
        keys = self._keys.numpy()[:count].ravel().view(np.uint64)
        priorities = np.abs(self._errors.numpy()[:count].ravel().astype(np.float64)) + _LEAST
        self._count.assign(0)
        if count:
            self.highest = max(self.highest, float(priorities.max()))
            client.mutate_priorities(writers.TABLE, dict(zip(keys.tolist(), priorities.tolist(), strict=True)))

    def signature(self, data_spec, length):
        """What an item is: the packed frames of a row."""
        return tf.TensorSpec((length, writers.packed_width(data_spec)), tf.float32)

    def dataset(self, data_spec, address, batch_size, timeout_ms):
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


def importance(probability, size, exponent):
    """(B,) float32 tensor: (N P_i)^-beta over the largest of the batch.

    Args:
        probability: P_i, (B,) float64 tensor. size: N, (B,) int64 tensor. exponent: beta.
    """
    weights = tf.pow(tf.cast(size, tf.float64) * probability, -exponent)
    return tf.cast(weights / tf.reduce_max(weights), tf.float32)
