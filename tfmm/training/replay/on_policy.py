"""Reverb for an agent that learns from each step once: whole blocks, taken in order, then gone."""

import tempfile

import numpy as np
import reverb
import tensorflow as tf
import tree
from tf_agents.specs import tensor_spec
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm import errors
from tfmm.training.replay import checkpoint as checkpoint_lib

TABLE = "blocks"
_LONGEST = 10_000  # frames of a block


class BlockWriter:
    """Observer for a natively batched PyDriver: `flush` makes an item of all frames since the last one."""

    def __init__(self, client: reverb.Client) -> None:
        self._client = client
        self._writer = client.trajectory_writer(num_keep_alive_refs=_LONGEST)
        self._frames, self._ends = 0, 0

    def __call__(self, step: trajectory.Trajectory) -> None:
        """Appends a batched step."""
        self._writer.append(step)
        self._frames += 1
        self._ends += int(np.sum(step.next_step_type == ts.StepType.LAST))

    def flush(self) -> None:
        """Raises ConfigError for a block without the end of an episode: its returns are not known."""
        if not self._frames:
            return
        if not self._ends:
            raise errors.ConfigError(
                f"collect.steps_per_iteration: {self._frames} steps of each row held no end of an episode, which "
                "agent.name reinforce learns from; wanted at least as many as an episode has"
            )
        item = tree.map_structure(lambda column: column[-self._frames :], self._writer.history)
        self._writer.create_item(TABLE, priority=1.0, trajectory=item)
        self._writer.flush()
        self._frames, self._ends = 0, 0

    def close(self) -> None:
        self._writer.close()


class Blocks:
    """Server, table and client, with the interface of server.Replay.

    Args:
        data_spec: the agent's collect_data_spec (one row). rows: B.
        timeout_s: a sampler that gets nothing for so long ends the data instead of waiting for ever.

    Attributes:
        restored: never; blocks are not kept in checkpoints.
    """

    restored = False

    def __init__(self, data_spec: trajectory.Trajectory, rows: int | None, timeout_s: float) -> None:
        self._timeout_ms = round(timeout_s * 1000)
        signature = tree.map_structure(
            lambda spec: tf.TensorSpec((None, *spec.shape), spec.dtype),
            tensor_spec.add_outer_dims_nest(data_spec, (rows,)),
        )
        with tempfile.TemporaryDirectory() as scratch:  # Reverb would leave one of its own behind
            self._server = reverb.Server(
                [reverb.Table.queue(TABLE, max_size=8, signature=signature)],
                checkpointer=checkpoint_lib.checkpointer(scratch),
            )
        self._address = f"localhost:{self._server.port}"
        self._client = reverb.Client(self._address)
        self.writer = BlockWriter(self._client)

    def dataset(self, batch_size: int) -> tf.data.Dataset:
        """Endless dataset of (Trajectory [B, T, ...], ()), each block once; T is as many frames as were collected.

        batch_size: without a meaning here, a block has B rows.
        """
        samples = reverb.TrajectoryDataset.from_table_signature(
            self._address,
            TABLE,
            max_in_flight_samples_per_worker=1,
            rate_limiter_timeout_ms=self._timeout_ms,
        )
        return samples.map(lambda sample: (_rows_first(sample.data), ()))

    def items(self) -> int:
        """Blocks in the table now."""
        return self._client.server_info()[TABLE].current_size

    def close(self) -> None:
        """See server.Replay.close."""
        if self._server is None:
            return
        self.writer.close()
        self._server.stop()
        self._server = None


def _rows_first(block):
    """(T, B, ...) -> (B, T, ...); Reverb hands out a namedtuple of its own making where ReinforceAgent wants ours."""
    columns = tf.nest.map_structure(lambda x: tf.transpose(x, [1, 0, *range(2, len(x.shape))]), block)
    return trajectory.Trajectory(*columns)
