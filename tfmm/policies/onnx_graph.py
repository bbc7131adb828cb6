"""The network of a policy as an ONNX model: raw observation in, action out.

The operators are those of opset 17, IR version 8, float32 throughout, which onnxruntime 1.12 and later read.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tfmm.arrays import Floats32

OPSET, IR_VERSION = 17, 8
OBSERVATION, ACTION, Q_VALUES = "observation", "action", "q_values"
"""Names of the input (B, F) float32 and of the outputs: (B, d) float32 or (B,) int32, and (B, A) float32."""
NO_QUOTE = "no_quote"
"""Name of the one constant that is NaN: it makes the action of a policy that quotes nothing."""
_BATCH = "B"


class Normalise(NamedTuple):
    """(x - mean) / stddev, clipped to +/- clip. mean, stddev: (F,) float32."""

    mean: Floats32
    stddev: Floats32
    clip: float


class Dense(NamedTuple):
    """x kernel + bias. kernel: (n, m) float32. bias: (m,) float32."""

    kernel: Floats32
    bias: Floats32


class Affine(NamedTuple):
    """x scale + offset by component. scale, offset: (n,) float32."""

    scale: Floats32
    offset: Floats32


class Activation(NamedTuple):
    """name: "relu", "tanh", or "leaky_relu" of slope 0.2 below 0."""

    name: str


Layer: TypeAlias = Normalise | Dense | Affine | Activation
_Step: TypeAlias = tuple[str, Mapping[str, Any], Mapping[str, Any]]
"""(operator, its constant inputs after x by name, its attributes)."""
_ACTIVATIONS: dict[str, _Step] = {
    "relu": ("Relu", {}, {}),
    "leaky_relu": ("LeakyRelu", {}, {"alpha": 0.2}),
    "tanh": ("Tanh", {}, {}),
}


def build(
    layers: Sequence[Layer], discrete: bool = False, quotes: bool = True, notes: Mapping[str, str] | None = None
) -> onnx.ModelProto:
    """The model of a policy.

    Args:
        layers: from the raw observation to the action, or where actions are discrete to the Q-value of each; the first
            is a Normalise and the last but for its activation a Dense.
        quotes: false: every component of the action is NaN, which quotes nothing (simulation.dealer.quoting).
        notes: metadata of the model.
    """
    steps = [step for layer in layers for step in _steps(layer)]
    if not quotes:
        steps.append(("Add", {NO_QUOTE: np.float32(np.nan)}, {}))
    nodes, constants, x = [], [], OBSERVATION
    result = Q_VALUES if discrete else ACTION
    for k, (operator, inputs, attributes) in enumerate(steps):
        names = [name if name == NO_QUOTE else f"{name}_{k}" for name in inputs]
        constants += [
            numpy_helper.from_array(np.asarray(one), name) for one, name in zip(inputs.values(), names, strict=True)
        ]
        output = result if k == len(steps) - 1 else f"{operator.lower()}_{k}"
        nodes.append(helper.make_node(operator, [x, *names], [output], output, **attributes))
        x = output
    width = [len(layer.bias) for layer in layers if isinstance(layer, Dense)][-1]
    outputs = [helper.make_tensor_value_info(result, onnx.TensorProto.FLOAT, [_BATCH, width])]
    if discrete:
        nodes.append(helper.make_node("ArgMax", [x], ["best"], "best", axis=1, keepdims=0))
        nodes.append(helper.make_node("Cast", ["best"], [ACTION], ACTION, to=onnx.TensorProto.INT32))
        outputs.insert(0, helper.make_tensor_value_info(ACTION, onnx.TensorProto.INT32, [_BATCH]))
    features = next(len(layer.mean) for layer in layers if isinstance(layer, Normalise))
    observation = helper.make_tensor_value_info(OBSERVATION, onnx.TensorProto.FLOAT, [_BATCH, features])
    graph = helper.make_graph(nodes, "policy", [observation], outputs, constants)
    opset = helper.make_opsetid("", OPSET)
    model = helper.make_model(graph, opset_imports=[opset], ir_version=IR_VERSION, producer_name="tfmm")
    helper.set_model_props(model, dict(notes or {}))
    return model


def ungate(model: onnx.ModelProto) -> None:
    """Turns a model of `build` that quotes nothing into the same that quotes; leaves others as they are."""
    for constant in model.graph.initializer:
        if constant.name == NO_QUOTE:
            constant.CopyFrom(numpy_helper.from_array(np.zeros((), np.float32), NO_QUOTE))


def _steps(layer: Layer) -> Iterator[_Step]:
    match layer:
        case Normalise(mean, stddev, clip):
            yield "Sub", {"mean": mean}, {}
            yield "Div", {"stddev": stddev}, {}
            yield "Clip", {"low": np.float32(-clip), "high": np.float32(clip)}, {}
        case Dense(kernel, bias):
            yield "Gemm", {"kernel": kernel, "bias": bias}, {}
        case Affine(scale, offset):
            yield "Mul", {"scale": scale}, {}
            yield "Add", {"offset": offset}, {}
        case Activation(name):
            yield _ACTIVATIONS[name]
