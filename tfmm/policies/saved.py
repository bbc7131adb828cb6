"""A saved policy: the SavedModel and its description, without agent or environment."""

import json
import pathlib

import numpy as np

from tfmm import errors
from tfmm.config import formats, loading

DESCRIPTION = "tfmm.json"
VALUES = "q_values"


class Policy:
    """Raw observation (B, F) float32 -> action (B, d) float32 in [-1, 1], or (B,) int32 where they are discrete.

    Attributes:
        description: the dict of `tfmm.json`. config: the Config it was trained with.
    """

    def __init__(self, folder, description, action):
        self.folder = folder
        self.description = description
        self.config = loading.decode(description["config"], f"policy {folder}/{DESCRIPTION}")
        self._action = action
        self._of_rows = {}

    @classmethod
    def load(cls, folder):
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

    def __call__(self, observation):
        """Raises DataError for an observation of another width."""
        return self._outputs(observation)["action"].numpy()

    def each(self, observations):
        """The same, row by row: matrix products of other sizes differ in the last bit, so that what a row gets would
        depend on the rows beside it, and a backtest of several sessions on which these are."""
        return np.concatenate([self(row) for row in observations])

    def values(self, observation):
        """(B, A) float32: Q-value of every action of a policy that chooses one of A. DataError for any other."""
        outputs = self._outputs(observation)
        if f"info/{VALUES}" not in outputs:
            raise errors.DataError(f"policy {self.folder}: its actions are continuous, wanted one with Q-values")
        return outputs[f"info/{VALUES}"].numpy()

    def _outputs(self, observation):
        import tensorflow as tf

        observation = np.atleast_2d(np.asarray(observation, np.float32))
        width = len(self.description["features"])
        if observation.shape[1] != width:
            raise errors.DataError(
                f"policy {self.folder}: observation has {observation.shape[1]} features, wanted {width}"
            )
        rows = len(observation)
        if rows not in self._of_rows:
            self._of_rows[rows] = _of_observations(self._action, (rows, width))
        return self._of_rows[rows](tf.constant(observation))


def _of_observations(action, shape):
    """The signature as a function of observations (B, F) alone, B fixed.

    It wants whole time steps, of which the network reads no more: as arguments these take longer than the network.
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


def find(folder):
    """The policy directory of a path: itself, or the `policy/` in it. DataError where there is none."""
    folder = pathlib.Path(folder)
    for candidate in (folder, folder / "policy"):
        if (candidate / DESCRIPTION).is_file():
            return candidate
    raise errors.DataError(
        f"{folder}: no policy there, wanted a run directory or a policy directory with {DESCRIPTION}"
    )
