"""The ONNX file of a policy, checked and run by onnxruntime: no TensorFlow."""

import pathlib

import numpy as np
import onnx
import onnxruntime

from tfmm import errors
from tfmm.arrays import Array, Floats32
from tfmm.policies import onnx_check, onnx_graph

FILE = "policy.onnx"


class OnnxPolicy:
    """Observation (B, F) float32 -> {"action": (B, d) float32 or (B,) int32, and of discrete actions "q_values"}."""

    def __init__(self, model: onnx.ModelProto, where: str, n_features: int, n_actions: int) -> None:
        """
        Args:
            model: that onnx_check lets pass. where: its name in errors.
            n_features: F. n_actions: d, or the number of discrete actions.

        Raises:
            DataError: the model does not map F features to such actions.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1  # for one row others only wait
        options.log_severity_level = 4
        try:
            self._session = onnxruntime.InferenceSession(
                model.SerializeToString(), options, providers=["CPUExecutionProvider"]
            )
            self._input = self._session.get_inputs()[0].name
            self._outputs = [one.name for one in self._session.get_outputs()]
            found = {
                name: (one.dtype.name, one.shape) for name, one in self(np.zeros((2, n_features), np.float32)).items()
            }
        except Exception as error:  # those of onnxruntime have no base of their own
            reason = " ".join(str(error).split())
            raise errors.DataError(
                f"{where}: onnxruntime does not run it on {n_features} features: {reason}"
            ) from error
        continuous = {onnx_graph.ACTION: ("float32", (2, n_actions))}
        discrete = {onnx_graph.ACTION: ("int32", (2,)), onnx_graph.Q_VALUES: ("float32", (2, n_actions))}
        if found not in (continuous, discrete):
            raise errors.DataError(f"{where}: outputs {found} of two observations, wanted {continuous} or {discrete}")

    def __call__(self, observation: Floats32) -> dict[str, Array]:
        values = self._session.run(self._outputs, {self._input: observation})
        return dict(zip(self._outputs, values, strict=True))


def load(path: pathlib.Path, n_features: int, n_actions: int) -> OnnxPolicy:
    """The policy in a file. Raises DataError: see onnx_check.read, OnnxPolicy."""
    return OnnxPolicy(onnx_check.read(path), str(path), n_features, n_actions)
