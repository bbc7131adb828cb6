"""The SavedModel of a policy, called through TensorFlow."""

import pathlib
from collections.abc import Callable
from typing import Any

import tensorflow as tf

from tfmm import errors
from tfmm.arrays import Array, Floats32


class SavedModel:
    """Observation (B, F) float32 -> {"action" and what else the signature `action` gives: (B, ...)}."""

    def __init__(self, folder: pathlib.Path, gated: bool = True) -> None:
        """
        Args:
            gated: false: a policy whose no-quote gate is closed quotes as it does without one.

        Raises:
            DataError: the folder has no SavedModel with the signature `action`.
        """
        self._folder = folder
        try:
            self._model = tf.saved_model.load(str(folder))  # the signature holds its variables only weakly
            self._action = self._model.signatures["action"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise errors.DataError(f"policy {folder}: no SavedModel with signature action: {error}") from error
        if not gated:
            for variable in self._model.model_variables:
                if variable.dtype == tf.bool:  # training.export.ExportedPolicy's `quotes`, the only one
                    variable.assign(True)
        self._by_shape: dict[tuple[int, ...], Callable[[Any], dict[str, Any]]] = {}

    def __call__(self, observation: Floats32) -> dict[str, Array]:
        """Raises DataError where the SavedModel takes another number of features."""
        shape = observation.shape
        if shape not in self._by_shape:
            try:
                self._by_shape[shape] = _observation_function(self._action, shape)
            except (TypeError, ValueError) as error:
                raise errors.DataError(f"policy {self._folder}: its SavedModel takes no {shape[1]} features") from error
        outputs = self._by_shape[shape](tf.constant(observation))
        return {name.removeprefix("info/"): value.numpy() for name, value in outputs.items()}


def _observation_function(action, shape):
    """The signature as a function of observations of one shape alone.

    The signature takes whole time steps, of which the network reads the observation only: to pass the rest as arguments
    takes longer than the network.
    """

    def outputs(observation):
        unread = {
            "0/step_type": tf.ones(shape[:1], tf.int32),
            "0/reward": tf.zeros(shape[:1]),
            "0/discount": tf.ones(shape[:1]),
        }
        return action(**unread, **{"0/observation": observation})

    return tf.compat.v1.wrap_function(outputs, [tf.TensorSpec(shape)])
