"""A policy of dense layers one after the other, computed by compiled code: what onnx_graph.build makes, and its like.

It takes 33 MB less than onnxruntime, at about the same speed for one observation. It sums in double precision, and the
action of a row does not depend on the other rows.
"""

from collections.abc import Sequence

import numpy as np
import onnx
from onnx import helper, numpy_helper

from tfmm import jit
from tfmm.arrays import Array, Floats, Floats32, Ints
from tfmm.policies import onnx_graph

_DENSE, _ADD, _SUB, _MUL, _DIV, _CLIP, _LEAKY, _TANH = range(8)
_ELEMENTWISE = {"Add": _ADD, "Sub": _SUB, "Mul": _MUL, "Div": _DIV}


class DenseChain:
    """Observation (B, F) float32 -> {"action", and of discrete actions "q_values"}.

    Args:
        steps: each (operation, width of its result, its constants), as _step gives them.
        n_features: F. discrete: whether the action is the index of the largest result.
    """

    def __init__(self, steps: Sequence[tuple[int, int, Floats32]], n_features: int, discrete: bool) -> None:
        operations, widths, constants = zip(*steps, strict=True)
        self.n_features, self._discrete = n_features, discrete
        self._chain = np.array(operations), np.array(widths), np.concatenate(constants)

    def __call__(self, observation: Floats32) -> dict[str, Array]:
        if observation.shape[1] != self.n_features:
            raise ValueError(f"takes {self.n_features}")
        values = _run(*self._chain, np.ascontiguousarray(observation, np.float32))
        if not self._discrete:
            return {onnx_graph.ACTION: values}
        return {onnx_graph.ACTION: values.argmax(axis=1).astype(np.int32), onnx_graph.Q_VALUES: values}


@jit.kernel
def _run(operations: Ints, widths: Ints, constants: Floats32, observations: Floats32) -> Floats32:
    """(B, width of the last step) float32; see DenseChain."""
    n_rows, n_features = observations.shape
    size = max(n_features, widths.max())
    x, y = np.empty(size), np.empty(size)
    out = np.empty((n_rows, widths[-1]), np.float32)
    for row in range(n_rows):
        x[:n_features] = observations[row]
        n, at = n_features, 0
        for k in range(len(operations)):
            m = widths[k]
            if operations[k] == _DENSE:
                at = _dense(x[:n], y[:m], constants, at)
                x, y = y, x
            else:
                at = _elementwise(operations[k], x[:m], constants, at)
            n = m
        out[row] = x[:n]
    return out


@jit.kernel
def _dense(x: Floats, y: Floats, constants: Floats32, at: int) -> int:
    """y = bias + x kernel, with bias and kernel from constants[at:]; returns where the next constants begin."""
    m = len(y)
    y[:] = constants[at : at + m]
    at += m
    for value in x:
        if value != 0.0:  # of half of the units after a relu
            weights = constants[at : at + m]
            for j in range(m):
                y[j] += value * weights[j]
        at += m
    return at


@jit.kernel
def _elementwise(operation: int, x: Floats, constants: Floats32, at: int) -> int:
    """Changes x in place; returns where the next constants begin. What is not a number stays so."""
    m = len(x)
    if operation == _CLIP:
        low, high = constants[at], constants[at + 1]
        for j in range(m):
            if x[j] < low:
                x[j] = low
            elif x[j] > high:
                x[j] = high
        return at + 2
    if operation == _LEAKY:
        slope = constants[at]
        for j in range(m):
            if x[j] < 0.0:
                x[j] *= slope
        return at + 1
    if operation == _TANH:
        for j in range(m):
            x[j] = np.tanh(x[j])
        return at
    for j in range(m):
        constant = constants[at + j]
        if operation == _ADD:
            x[j] += constant
        elif operation == _SUB:
            x[j] -= constant
        elif operation == _MUL:
            x[j] *= constant
        else:
            x[j] /= constant
    return at + m


def of_model(model: onnx.ModelProto) -> DenseChain | None:
    """The chain that a checked model is, see onnx_check; None where it is another graph."""
    graph = model.graph
    constants = {one.name: numpy_helper.to_array(one) for one in graph.initializer}
    (x,) = [one for one in graph.input if one.name not in constants]
    n_features = x.type.tensor_type.shape.dim[1].dim_value
    nodes, names = list(graph.node), [one.name for one in graph.output]
    discrete = names == [onnx_graph.ACTION, onnx_graph.Q_VALUES]
    if discrete and not _is_argmax(nodes[-2:]):
        return None
    last = onnx_graph.Q_VALUES if discrete else onnx_graph.ACTION
    steps, name, width = [], x.name, n_features
    for node in nodes[:-2] if discrete else nodes:
        step = _step(node, name, width, constants)
        if step is None:
            return None
        steps.append(step)
        name, width = node.output[0], step[1]
    return DenseChain(steps, n_features, discrete) if name == last and (discrete or len(names) == 1) else None


def _is_argmax(nodes):
    """Whether they make the action of Q-values: int32 indices of the largest."""
    if [(one.op_type, len(one.input)) for one in nodes] != [("ArgMax", 1), ("Cast", 1)]:
        return False
    largest, cast = nodes
    whole = largest.input[0] == onnx_graph.Q_VALUES and cast.input[0] == largest.output[0]
    kinds = _attributes(largest) == {"axis": 1, "keepdims": 0} and _attributes(cast) == {"to": onnx.TensorProto.INT32}
    return whole and kinds and cast.output[0] == onnx_graph.ACTION


def _step(node, name, width, constants):
    """What a node does to the vector `name`, see DenseChain; None for another thing."""
    if node.input[:1] != [name] or any(one not in constants for one in node.input[1:]):
        return None
    values, attributes = [constants[one] for one in node.input[1:]], _attributes(node)
    if any(one.dtype != np.float32 for one in values):
        return None
    match node.op_type, values:
        case "Gemm", [kernel, bias] if attributes in ({}, {"transB": 1}):
            kernel = kernel.T if attributes else kernel
            if len(kernel) == width and bias.shape == kernel.shape[1:]:
                return _DENSE, len(bias), np.concatenate([bias, kernel.ravel()])
        case ("Add" | "Sub" | "Mul" | "Div") as operator, [value] if value.shape in ((), (1,), (width,)):
            return _ELEMENTWISE[operator], width, np.broadcast_to(value, width)
        case "Clip", [low, high] if low.ndim == high.ndim == 0:
            return _CLIP, width, np.array([low, high])
        case "Relu", []:
            return _LEAKY, width, np.zeros(1, np.float32)
        case "LeakyRelu", [] if list(attributes) == ["alpha"]:
            return _LEAKY, width, np.float32([attributes["alpha"]])
        case "Tanh", []:
            return _TANH, width, np.empty(0, np.float32)
    return None


def _attributes(node):
    return {one.name: helper.get_attribute_value(one) for one in node.attribute}
