"""A saved policy: what computes its actions and its description, without agent or environment."""

import json
import logging
import os
import pathlib
from typing import Any

import msgspec
import numpy as np
import numpy.typing as npt

from tfmm import errors
from tfmm.arrays import Array, Floats32
from tfmm.config import formats, loading
from tfmm.policies import onnx_graph, onnx_policy

DESCRIPTION = "tfmm.json"


_LOG = logging.getLogger(__name__)


class _Description(msgspec.Struct):
    """What is read here of `tfmm.json`."""

    features: tuple[str, ...]
    actions: tuple[str, ...]
    config: dict[str, Any]


class Policy:
    """Raw observation (B, F) float32 -> action (B, d) float32 in [-1, 1], or (B,) int32 where actions are discrete.

    Attributes:
        folder: where it was loaded from. description: the dict of `tfmm.json`. config: the Config of its training.
    """

    def __init__(self, folder: str | pathlib.Path, description: dict[str, Any], outputs: onnx_policy.Outputs) -> None:
        """outputs: `action`, and onnx_graph.Q_VALUES where actions are discrete, of observations (B, F) float32."""
        self.folder = pathlib.Path(folder)
        self.description = description
        self.config = loading.decode(description["config"], f"policy {folder}/{DESCRIPTION}")
        self._outputs_of = outputs

    @classmethod
    def load(cls, folder: str | os.PathLike[str], reference: bool = False, gated: bool = True) -> "Policy":
        """Loads a policy directory, or the `policy/` in a run directory: its ONNX file, without TensorFlow.

        Args:
            reference: its SavedModel instead. This is loaded, and a line says so, where there is no ONNX file too.
            gated: false: without its no-quote gate, so that it quotes where a closed gate would stop it.

        Raises:
            DataError: no policy there, one that cannot be read, or one of another format (config.formats).
        """
        folder = find(folder)
        where = f"policy {folder}/{DESCRIPTION}"
        try:
            description = json.loads((folder / DESCRIPTION).read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise errors.DataError(f"policy {folder}: {DESCRIPTION} cannot be read: {error}") from error
        formats.check_policy(description, where)
        try:
            sizes = msgspec.convert(description, _Description)
        except msgspec.ValidationError as error:
            raise errors.DataError(f"{where}: {error}") from error
        path = folder / onnx_policy.FILE
        if path.is_file() and not reference:
            return cls(folder, description, onnx_policy.load(path, len(sizes.features), len(sizes.actions), gated))
        if not reference:
            hint = f"pipelines/export.py {folder} adds it"
            _LOG.info("policy %s: no %s, so that TensorFlow computes it; %s", folder, onnx_policy.FILE, hint)
        from tfmm.policies import saved_model

        return cls(folder, description, saved_model.SavedModel(folder, gated))

    def __call__(self, observation: npt.ArrayLike) -> Array:
        """Actions of observations (B, F) or (F,), clipped to their range; NaN stays. Raises DataError for another
        number of features."""
        action = self._outputs(observation)["action"]
        return np.clip(action, -1.0, 1.0) if action.dtype.kind == "f" else action

    def row_by_row(self, observations: Floats32) -> Array:
        """The same actions, computed one row at a time, so that a row's action does not depend on the other rows.

        Matrix products of other sizes differ in the last bit, and a backtest would depend on its number of sessions.
        """
        return np.concatenate([self(row) for row in observations])

    def q_values(self, observation: npt.ArrayLike) -> Floats32:
        """(B, A) float32: Q-value of every action of a policy with A discrete actions. DataError for any other."""
        outputs = self._outputs(observation)
        if onnx_graph.Q_VALUES not in outputs:
            raise errors.DataError(f"policy {self.folder}: its actions are continuous, wanted one with Q-values")
        return outputs[onnx_graph.Q_VALUES]

    def _outputs(self, observation):
        observation = np.atleast_2d(np.asarray(observation, np.float32))
        width = len(self.description["features"])
        if observation.shape[1] != width:
            raise errors.DataError(
                f"policy {self.folder}: observation has {observation.shape[1]} features, wanted {width}"
            )
        return self._outputs_of(observation)


def find(folder: str | os.PathLike[str]) -> pathlib.Path:
    """The policy directory of a path: itself, or the `policy/` in it. DataError where there is none."""
    folder = pathlib.Path(folder)
    for candidate in (folder, folder / "policy"):
        if (candidate / DESCRIPTION).is_file():
            return candidate
    raise errors.DataError(
        f"{folder}: no policy there, wanted a run directory or a policy directory with {DESCRIPTION}"
    )
