"""Stops a run whose losses or weights are no longer finite, before any of it is saved."""

import contextlib
import io
import pathlib
import re
from collections.abc import Iterator, Sequence

import numpy as np
import tensorflow as tf
import tree
from tf_agents.agents import tf_agent
from tf_agents.trajectories import trajectory

from tfmm import errors, files
from tfmm.training import run_directory

BATCH = "diverged.npz"
"""Name of the file with the batch whose loss was not finite."""


class Guard:
    """Keeps the batch of the train step under way, see agents.guarded.

    DdpgAgent and Td3Agent raise inside the graph, before a Learner could look at the loss; so the batch is kept
    before every step (a reference to it, no copy), and `check` raises in the same way for the other agents.

    Make it outside the scope of a strategy: a mirrored variable cannot be assigned inside a condition.

    Args:
        data_spec: the agent's training_data_spec. run: whose folder gets the batch.
    """

    def __init__(self, data_spec: trajectory.Trajectory, run: run_directory.RunDirectory) -> None:
        self._run = run
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._finite = tf.Variable(True, trainable=False)
        self._batch = tf.nest.map_structure(_variable, data_spec)

    def before_step(self, train_step: tf.Variable, experience: trajectory.Trajectory) -> None:
        """Keeps the batch and the number of its step, unless a loss was not finite already."""
        # a check inside the graph does not wait: the next step may be under way before it fails
        step = train_step.read_value() + 1
        tf.cond(self._finite, lambda: self._keep(step, experience), lambda: None)

    def _keep(self, step: tf.Tensor, experience: trajectory.Trajectory) -> None:
        self._step.assign(step)
        for variable, value in zip(tf.nest.flatten(self._batch), tf.nest.flatten(experience), strict=True):
            variable.assign(value)

    def after_step(self, loss: tf_agent.LossInfo) -> None:
        """Notes whether all losses are finite."""
        parts = [part for part in tf.nest.flatten(loss) if tf.is_tensor(part) and part.dtype.is_floating]
        self._finite.assign(tf.reduce_all([tf.reduce_all(tf.math.is_finite(part)) for part in parts]))

    @staticmethod
    def check(_: object, loss: tf_agent.LossInfo) -> None:
        """after_train_strategy_step_fn of a Learner."""
        tf.debugging.check_numerics(loss.loss, "Loss is inf or nan.")

    @contextlib.contextmanager
    def watch(self) -> Iterator[None]:
        """Turns a loss that is not finite into Diverged; the batch is then in the run directory."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            found = re.search(r"(\w+) is inf or nan", error.message.replace(" loss", "_loss"))
            if found is None:
                raise
            step, path = int(self._step.numpy()), self._run.path / BATCH
            self._write(path, step)
            raise errors.Diverged(
                f"train step {step}: the {found[1].lower().replace('_', ' ')} is inf or nan, its batch is in "
                f"{path}; {_left(self._run)}"
            ) from error

    def _write(self, path: pathlib.Path, step: int) -> None:
        names = [".".join(map(str, path)) for path, _ in tree.flatten_with_path(self._batch)]
        values = [variable.numpy() for variable in tf.nest.flatten(self._batch)]
        out = io.BytesIO()
        np.savez_compressed(out, train_step=step, **dict(zip(names, values, strict=True)))
        files.write_bytes(path, out.getvalue())


def check_weights(variables: Sequence[tf.Variable], step: int, run: run_directory.RunDirectory) -> None:
    """Raises Diverged where a weight is not finite."""
    for variable in variables:
        if variable.dtype.is_floating and not np.isfinite(variable.numpy()).all():
            raise errors.Diverged(f"train step {step}: weight {variable.name} is not finite; {_left(run)}")


def _left(run: run_directory.RunDirectory) -> str:
    newest = run.newest()
    whole = "there is no checkpoint yet" if newest is None else f"checkpoint {newest} is whole"
    return f"{whole}; try smaller learning rates or agent.gradient_clipping"


def _variable(spec: tf.TensorSpec) -> tf.Variable:
    # any outer dimensions: batch and time
    shape = [None, None, *spec.shape]
    return tf.Variable(tf.zeros([0, 0, *spec.shape], spec.dtype), shape=shape, trainable=False)
