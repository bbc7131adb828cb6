"""Stops a run whose losses or weights are no longer finite, before any of it is saved."""

import contextlib
import io
import re

import numpy as np
import tensorflow as tf
import tree

from tfmm import errors, files

BATCH = "diverged.npz"


class Guard:
    """Keeps the batch of the train step under way, for the day its loss is not finite.

    DdpgAgent and Td3Agent raise inside the graph, before a Learner could look at the loss; so the batch is kept
    before every step (a reference to it, no copy), and a check for the other agents raises in the same way.

    Args:
        agent: its `train` keeps the batch from now on. train_step: its step variable.
    """

    def __init__(self, agent, train_step):
        self._step = tf.Variable(0, dtype=tf.int64, trainable=False)
        self._finite = tf.Variable(True, trainable=False)
        self._batch = tf.nest.map_structure(_store, agent.training_data_spec)
        train = agent.train

        def keep(step, experience):
            self._step.assign(step)
            for one, value in zip(tf.nest.flatten(self._batch), tf.nest.flatten(experience), strict=True):
                one.assign(value)

        def kept(experience, *args, **kwargs):
            # a check inside the graph holds nothing up: the next step may be under way before it fails
            step = train_step.read_value() + 1
            tf.cond(self._finite, lambda: keep(step, experience), lambda: None)
            loss = train(experience, *args, **kwargs)
            self._finite.assign(tf.reduce_all([tf.reduce_all(tf.math.is_finite(one)) for one in _losses(loss)]))
            return loss

        agent.train = kept

    @staticmethod
    def check(_, loss):
        """after_train_strategy_step_fn of a Learner."""
        tf.debugging.check_numerics(loss.loss, "Loss is inf or nan.")

    @contextlib.contextmanager
    def watch(self, run):
        """Turns a loss that is not finite into Diverged; the batch is then in the run directory."""
        try:
            yield
        except tf.errors.InvalidArgumentError as error:
            found = re.search(r"(\w+) is inf or nan", error.message.replace(" loss", "_loss"))
            if found is None:
                raise
            step = int(self._step.numpy())
            self._write(run.path / BATCH, step)
            raise errors.Diverged(
                f"train step {step}: the {found[1].lower().replace('_', ' ')} is inf or nan, its batch is in "
                f"{run.path / BATCH}; {_left(run)}"
            ) from error

    def _write(self, path, step):
        names = [".".join(map(str, path)) for path, _ in tree.flatten_with_path(self._batch)]
        arrays = {name: one.numpy() for name, one in zip(names, tf.nest.flatten(self._batch), strict=True)}
        out = io.BytesIO()
        np.savez_compressed(out, train_step=step, **arrays)
        files.write_bytes(path, out.getvalue())


def check_weights(variables, step, run):
    """Raises Diverged where a weight is not finite."""
    for one in variables:
        if one.dtype.is_floating and not np.isfinite(one.numpy()).all():
            raise errors.Diverged(f"train step {step}: weight {one.name} is not finite; {_left(run)}")


def _left(run):
    newest = run.newest()
    whole = "there is no checkpoint yet" if newest is None else f"checkpoint {newest} is whole"
    return f"{whole}; try smaller learning rates or agent.gradient_clipping"


def _losses(loss):
    return [one for one in tf.nest.flatten(loss) if tf.is_tensor(one) and one.dtype.is_floating]


def _store(spec):
    # any outer dimensions: batch and time
    shape = [None, None, *spec.shape]
    return tf.Variable(tf.zeros([0, 0, *spec.shape], spec.dtype), shape=shape, trainable=False)
