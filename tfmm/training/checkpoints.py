"""Checkpoints of a run: the agent's variables, the state of everything outside TensorFlow, and the replay."""

from typing import Any, Protocol

import tensorflow as tf

from tfmm import errors
from tfmm.agents import guarded
from tfmm.training import nan_guard, run_directory
from tfmm.training.replay import server as server_lib


class Stateful(Protocol):
    """Part of a training with a state outside TensorFlow."""

    def get_state(self) -> Any:
        """State, as plain_state.encode takes it, for `set_state`."""

    def set_state(self, state: Any) -> None:
        """Goes on exactly from a state."""


class Checkpoints:
    """Saves and restores checkpoints in a run directory.

    Args:
        run: where they are. agent: whose variables they hold. train_step: its step variable.
        schema: checkpoint_schema.of the agent. kept: number of the newest that stay.
        replay: saved too; None: not.
    """

    def __init__(
        self,
        run: run_directory.RunDirectory,
        agent: guarded.GuardedAgent,
        train_step: tf.Variable,
        schema: dict[str, Any],
        kept: int,
        replay: server_lib.Replay | None = None,
    ) -> None:
        self._run, self._agent, self._train_step = run, agent, train_step
        self._schema, self._kept, self._replay = schema, kept, replay
        self._checkpoint = tf.train.Checkpoint(agent=agent, train_step=train_step)
        self._parts: dict[str, Stateful | None] = {}

    def restore(self, parts: dict[str, Stateful | None]) -> bool:
        """Restores the newest checkpoint. Call it once, before the first `save`.

        Args:
            parts: with their names in the checkpoint; they are restored, and saved from now on. None: a part that
                this run has not.

        Returns:
            Whether there was a checkpoint.

        Raises:
            DataError: its files are damaged.
        """
        self._parts = parts
        step, state = self._run.restore_checkpoint(self._checkpoint)
        self._run.forget_after(step)
        if state is None:
            return False
        try:
            for name, part in parts.items():
                if part is not None:
                    part.set_state(state[name])
        except (KeyError, IndexError, TypeError, ValueError, AttributeError) as error:
            raise errors.DataError(
                f"checkpoint {self._run.newest()}: its state does not fit this run ({error!r:.200}), wanted the one "
                "that train.py wrote; without this folder --resume goes on from the one before it"
            ) from error
        return True

    def save(self) -> None:
        """Writes a checkpoint of this train step, unless there is one.

        Raises:
            Diverged: a weight is not finite. DataError: it cannot be written. The one before it is whole.
        """
        step = int(self._train_step.numpy())
        nan_guard.check_weights(self._agent.variables, step, self._run)
        state = {name: None if part is None else part.get_state() for name, part in self._parts.items()}
        replay = None if self._replay is None else self._replay.save
        self._run.save_checkpoint(step, self._checkpoint, state, self._schema, self._kept, replay)
