"""Statistics of collectors in other processes for the learner's log, as a table of the replay server."""

from collections.abc import Sequence

import numpy as np
import reverb
import tensorflow as tf

from tfmm.arrays import Floats

TABLE = "reports"
_KEPT = 10_000  # reports that wait for the learner's next log line; older ones are dropped


def table(names: Sequence[str]) -> reverb.Table:
    """A Reverb table of the sums of metrics.Collected, each read once; a full one never makes a collector wait."""
    return reverb.Table(
        TABLE,
        sampler=reverb.selectors.Fifo(),
        remover=reverb.selectors.Fifo(),
        rate_limiter=reverb.rate_limiters.MinSize(1),
        max_size=_KEPT,
        max_times_sampled=1,
        signature=tf.TensorSpec((len(names),), tf.float64),
    )


def send(writer: reverb.TrajectoryWriter, sums: Floats) -> None:
    """Hands sums (len(names),) to a trajectory writer of the server; the caller flushes it."""
    writer.append(sums)
    writer.create_item(TABLE, priority=1.0, trajectory=writer.history[-1])


def take(client: reverb.Client, names: Sequence[str]) -> Floats:
    """(len(names),) float64: the sums of all reports since the last call."""
    waiting = client.server_info()[TABLE].current_size
    # asking for none would ask for all there will ever be
    drawn = client.sample(TABLE, waiting, emit_timesteps=False) if waiting else ()
    return sum((np.reshape(sample.data[0], -1) for sample in drawn), np.zeros(len(names)))
