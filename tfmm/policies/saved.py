"""A saved policy: the SavedModel and its description, without agent or environment."""

import json
import os
import pathlib
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmm import errors
from tfmm.arrays import Array, Floats32
from tfmm.config import formats, loading

DESCRIPTION = "tfmm.json"
Q_VALUES = "q_values"
"""Output of the signature of a policy with discrete actions."""


class Policy:
    """Raw observation (B, F) float32 -> action (B, d) float32 in [-1, 1], or (B,) int32 where actions are discrete.

    Attributes:
        folder: where it was loaded from. description: the dict of `tfmm.json`. config: the Config of its training.
    """

    def __init__(
        self, folder: str | pathlib.Path, description: dict[str, Any], action: Callable[..., dict[str, Any]]
    ) -> None:
        """action: signature `action` of the SavedModel, a function of a whole time step."""
        self.folder = pathlib.Path(folder)
        self.description = description
        self.config = loading.decode(description["config"], f"policy {folder}/{DESCRIPTION}")
        self._action = action
        self._by_batch_size: dict[int, Callable[[Any], dict[str, Any]]] = {}
        self._model: Any = None

    @classmethod
    def load(cls, folder: str | os.PathLike[str]) -> "Policy":
        """Loads a policy directory, or the `policy/` in a run directory.

        Raises:
            DataError: no policy there, one that cannot be read, or one of another format (config.formats).
        """
        folder = find(folder)
        try:
            description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise errors.DataError(f"policy {folder}: {DESCRIPTION} cannot be read: {error}") from error
        formats.check_policy(description, f"policy {folder}/{DESCRIPTION}")
        import tensorflow as tf

        try:
            model = tf.saved_model.load(str(folder))
            action = model.signatures["action"]
        except (OSError, KeyError, ValueError, tf.errors.OpError) as error:
            raise errors.DataError(f"policy {folder}: no SavedModel with signature action: {error}") from error
        policy = cls(folder, description, action)
        policy._model = model  # the signature holds its variables only weakly
        return policy

    def __call__(self, observation: npt.ArrayLike) -> Array:
        """Actions of observations (B, F) or (F,). Raises DataError for another number of features."""
        return self._outputs(observation)["action"].numpy()

    def row_by_row(self, observations: Floats32) -> Array:
        """The same actions, computed one row at a time, so that a row's action does not depend on the other rows.

        Matrix products of other sizes differ in the last bit, and a backtest would depend on its number of sessions.
        """
        return np.concatenate([self(row) for row in observations])

    def q_values(self, observation: npt.ArrayLike) -> Floats32:
        """(B, A) float32: Q-value of every action of a policy with A discrete actions. DataError for any other."""
        outputs = self._outputs(observation)
        if f"info/{Q_VALUES}" not in outputs:
            raise errors.DataError(f"policy {self.folder}: its actions are continuous, wanted one with Q-values")
        return outputs[f"info/{Q_VALUES}"].numpy()

    def _outputs(self, observation):
        import tensorflow as tf

        observation = np.atleast_2d(np.asarray(observation, np.float32))
        width = len(self.description["features"])
        if observation.shape[1] != width:
            raise errors.DataError(
                f"policy {self.folder}: observation has {observation.shape[1]} features, wanted {width}"
            )
        rows = len(observation)
        if rows not in self._by_batch_size:
            self._by_batch_size[rows] = _observation_function(self._action, (rows, width))
        return self._by_batch_size[rows](tf.constant(observation))


def _observation_function(action, shape):
    """The signature as a function of observations (B, F) alone, B fixed.

    The signature takes whole time steps, of which the network reads the observation only: to pass the rest as arguments
    takes longer than the network.
    """
    import tensorflow as tf

    def outputs(observation):
        unread = {
            "0/step_type": tf.ones(shape[:1], tf.int32),
            "0/reward": tf.zeros(shape[:1]),
            "0/discount": tf.ones(shape[:1]),
        }
        return action(**unread, **{"0/observation": observation})

    return tf.compat.v1.wrap_function(outputs, [tf.TensorSpec(shape)])


def find(folder: str | os.PathLike[str]) -> pathlib.Path:
    """The policy directory of a path: itself, or the `policy/` in it. DataError where there is none."""
    folder = pathlib.Path(folder)
    for candidate in (folder, folder / "policy"):
        if (candidate / DESCRIPTION).is_file():
            return candidate
    raise errors.DataError(
        f"{folder}: no policy there, wanted a run directory or a policy directory with {DESCRIPTION}"
    )
