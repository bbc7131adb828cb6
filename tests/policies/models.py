"""Small ONNX models, as this package builds them and as others might."""

import numpy as np
import onnx
import pytest
from onnx import helper, numpy_helper

from tfmm import errors
from tfmm.policies import onnx_graph, onnx_policy

F, D = 3, 2
FLOAT, value = onnx.TensorProto.FLOAT, helper.make_tensor_value_info


def layers(random=None):
    """Normaliser, a hidden layer of each activation with a batch normalisation, and the output."""
    random = random or np.random.default_rng(0)

    def draw(*shape):
        return random.normal(size=shape).astype(np.float32)

    return [
        onnx_graph.Normalise(draw(F), np.abs(draw(F)) + 0.5, 2.0),
        onnx_graph.Dense(draw(F, 5), draw(5)), onnx_graph.Activation("relu"),
        onnx_graph.Affine(draw(5), draw(5)),
        onnx_graph.Dense(draw(5, 4), draw(4)), onnx_graph.Activation("leaky_relu"),
        onnx_graph.Dense(draw(4, D), draw(D)), onnx_graph.Activation("tanh"),
    ]  # fmt: skip


def write(path, model):
    path.write_bytes(model if isinstance(model, bytes) else model.SerializeToString())
    return path


def refused(path, model, n_features=F, n_actions=D):
    """The line that refuses a file."""
    with pytest.raises(errors.DataError) as error:
        onnx_policy.load(write(path, model), n_features, n_actions)
    line = str(error.value)
    assert line.startswith(f"{path}: ") and "\n" not in line
    return line.removeprefix(f"{path}: ")


def graph_of(*nodes, constants=(), width=F):
    """A model that passes the observation through nodes (operator, inputs, output, attributes)."""
    made = [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in nodes]
    graph = helper.make_graph(
        made, "g", [value("observation", FLOAT, ["B", width])], [value("action", FLOAT, [None, None])], list(constants)
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)
