"""The ONNX file of a policy, checked and computed without TensorFlow."""

import pathlib
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import onnx

from tfmm import errors
from tfmm.arrays import Array, Floats32
from tfmm.policies import dense_chain, onnx_check, onnx_graph

FILE = "policy.onnx"
Outputs: TypeAlias = Callable[[Floats32], Mapping[str, Array]]
"""Observation (B, F) float32 -> {"action": (B, d) float32 or (B,) int32, and of discrete actions "q_values"}."""


def load(path: pathlib.Path, n_features: int, n_actions: int, gated: bool = True) -> Outputs:
    """The policy in a file; gated: false: see onnx_graph.ungate. Raises DataError: see onnx_check.read, create."""
    model = onnx_check.read(path)
    if not gated:
        onnx_graph.ungate(model)
    return create(model, str(path), n_features, n_actions)


def create(model: onnx.ModelProto, where: str, n_features: int, n_actions: int) -> Outputs:
    """The policy of a model: a DenseChain, or of another graph an OnnxRuntime.

    Args:
        model: that onnx_check lets pass. where: its name in errors.
        n_features: F. n_actions: d, or the number of discrete actions.

    Raises:
        DataError: the model does not map F features to such actions.
    """
    try:
        outputs = dense_chain.of_model(model) or _runtime(model)
        two = outputs(np.zeros((2, n_features), np.float32))
    except Exception as error:  # those of onnxruntime have no base of their own
        reason = " ".join(str(error).split())
        raise errors.DataError(f"{where}: does not run on {n_features} features: {reason}") from error
    found = {name: (one.dtype.name, one.shape) for name, one in two.items()}
    continuous = {onnx_graph.ACTION: ("float32", (2, n_actions))}
    discrete = {onnx_graph.ACTION: ("int32", (2,)), onnx_graph.Q_VALUES: ("float32", (2, n_actions))}
    if found not in (continuous, discrete):
        raise errors.DataError(f"{where}: outputs {found} of two observations, wanted {continuous} or {discrete}")
    return outputs


def _runtime(model):
    from tfmm.policies import onnx_runtime

    return onnx_runtime.OnnxRuntime(model)
