"""Observers of a natively batched PyDriver that put what they see into a Reverb table."""

import reverb
import tree
from tf_agents.trajectories import trajectory

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
