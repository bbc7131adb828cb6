"""ONNX files: what this package builds passes onnx's checker and computes the network; other things are refused."""

import pathlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings, strategies as st
from onnx import helper, numpy_helper

from tfmm import errors
from tfmm.policies import onnx_check, onnx_graph, onnx_policy

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


def by_hand(parts, observation):
    """The output of one observation, one number after the other in double precision."""
    x = [float(one) for one in observation]
    for part in parts:
        match part:
            case onnx_graph.Normalise(mean, stddev, clip):
                x = [min(max((v - m) / s, -clip), clip) for v, m, s in zip(x, mean, stddev, strict=True)]
            case onnx_graph.Dense(kernel, bias):
                x = [sum(x[i] * float(kernel[i, j]) for i in range(len(x))) + float(bias[j]) for j in range(len(bias))]
            case onnx_graph.Affine(scale, offset):
                x = [v * a + b for v, a, b in zip(x, scale, offset, strict=True)]
            case onnx_graph.Activation(name):
                function = {
                    "relu": lambda v: max(v, 0),
                    "leaky_relu": lambda v: v if v > 0 else 0.2 * v,
                    "tanh": np.tanh,
                }
                x = [function[name](v) for v in x]
    return x


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


@pytest.fixture
def path(tmp_path):
    return tmp_path / "policy.onnx"


def test_a_model_computes_the_layers_in_turn(path):
    model = onnx_graph.build(layers(), notes={"who": "a test"})
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)] and model.ir_version == 8
    assert [(one.key, one.value) for one in model.metadata_props] == [("who", "a test")]
    policy = onnx_policy.load(write(path, model), F, D)
    observations = np.random.default_rng(1).normal(0, 3, (50, F)).astype(np.float32)
    wanted = [by_hand(layers(), one) for one in observations]
    found = policy(observations)
    assert list(found) == ["action"] and found["action"].dtype == np.float32
    np.testing.assert_allclose(found["action"], wanted, atol=1e-6)


def test_discrete_actions_are_the_first_of_the_largest_values(path):
    # Q = (x0, x0, x1): the first two always tie
    kernel = np.array([[1, 1, 0], [0, 0, 1]], np.float32)
    unit = onnx_graph.Normalise(np.zeros(2, np.float32), np.ones(2, np.float32), 10.0)
    model = onnx_graph.build([unit, onnx_graph.Dense(kernel, np.zeros(3, np.float32))], discrete=True)
    found = onnx_policy.load(write(path, model), 2, 3)(np.array([[1, 0], [0, 1], [-1, -2]], np.float32))
    np.testing.assert_array_equal(found["action"], np.array([0, 2, 0], np.int32))
    np.testing.assert_array_equal(found["q_values"], np.float32([[1, 1, 0], [0, 0, 1], [-1, -1, -2]]))
    assert found["action"].dtype == np.int32


def test_a_policy_that_quotes_nothing_answers_nan(path):
    found = onnx_policy.load(write(path, onnx_graph.build(layers(), quotes=False)), F, D)(np.ones((2, F), np.float32))
    assert np.isnan(found["action"]).all()


def test_other_sizes_than_the_description_has_are_refused(path):
    model = onnx_graph.build(layers())
    assert refused(path, model, n_features=4).startswith("onnxruntime does not run it on 4 features: ")
    assert "outputs {'action': ('float32', (2, 2))} of two observations, wanted" in refused(path, model, n_actions=3)
    discrete = onnx_graph.build(layers(), discrete=True)
    assert "wanted" in refused(path, discrete, n_actions=3)


def graph_of(*nodes, constants=(), width=F):
    """A model that passes the observation through nodes (operator, inputs, output, attributes)."""
    made = [helper.make_node(kind, inputs, [output], **options) for kind, inputs, output, options in nodes]
    graph = helper.make_graph(
        made, "g", [value("observation", FLOAT, ["B", width])], [value("action", FLOAT, [None, None])], list(constants)
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def constant(name, value):
    return numpy_helper.from_array(np.asarray(value), name)


def set_external(model):
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = onnx.TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="/etc/passwd")


def set_weight(model, value):
    tensor = model.graph.initializer[-1]
    array = numpy_helper.to_array(tensor).copy()
    array.flat[0] = value
    tensor.CopyFrom(numpy_helper.from_array(array, tensor.name))


def nested(model):
    body = helper.make_graph([], "b", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("g", body))


def outer_product():
    """Two small constants whose sum has nine million numbers."""
    column, row = (constant(name, np.ones(shape, np.float32)) for name, shape in (("c", (3000, 1)), ("r", (1, 3000))))
    narrow = constant("n", np.ones((F, 1), np.float32))
    nodes = (
        ("Add", ["c", "r"], "wide", {}),
        ("MatMul", ["observation", "n"], "x", {}),
        ("Add", ["x", "wide"], "action", {}),
    )
    return graph_of(*nodes, constants=[column, row, narrow])


def batch_by_batch():
    return graph_of(("Flatten", ["observation"], "flat", {"axis": 0}), ("Add", ["flat", "flat"], "action", {}))


CHANGES = {
    "another file": (set_external, "tensor 'mean_0' lies in another file"),
    "function": (lambda m: m.functions.add(name="Relu", domain=""), "has functions, training, sparse"),
    "training": (lambda m: m.training_info.add(), "has functions, training, sparse"),
    "sparse": (lambda m: m.graph.sparse_initializer.add(), "has functions, training, sparse"),
    "operators of others": (lambda m: m.opset_import.add(domain="evil", version=1), "opsets [('', 17), ('evil', 1)]"),
    "old opset": (lambda m: setattr(m.opset_import[0], "version", 1), "opsets [('', 1)], wanted one of ai.onnx"),
    "infinite weight": (lambda m: set_weight(m, np.inf), "tensor 'bias_9' has a number that is not finite"),
    "nan weight": (lambda m: set_weight(m, np.nan), "tensor 'bias_9' has a number that is not finite"),
    "short tensor": (lambda m: m.graph.initializer[0].dims.append(1000), "tensor 'mean_0': "),
    "negative size": (lambda m: m.graph.initializer[0].dims.append(-1), "tensor 'mean_0' has shape [3, -1], wanted up"),
    "huge size": (lambda m: m.graph.initializer[0].dims.append(2**62), "wanted up to 4194304 numbers"),
    "text": (lambda m: setattr(m.graph.initializer[0], "data_type", 8), "tensor 'mean_0' has data type 8, wanted"),
    "no nodes": (lambda m: m.graph.ClearField("node"), "0 nodes, wanted 1 to 256"),
    "many nodes": (lambda m: m.graph.node.extend([m.graph.node[0]] * 300), "nodes, wanted 1 to 256"),
    "nested graph": (nested, "attribute 'g' of Sub, wanted numbers and tensors alone"),
    "two inputs": (lambda m: m.graph.input.add().CopyFrom(value("y", FLOAT, ["B", 2])), "wanted one of observations"),
    "fixed rows": (lambda m: m.graph.input[0].CopyFrom(value("observation", FLOAT, [1, F])), "inputs {"),
    "input of text": (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 8), ""),
    "no output": (lambda m: m.graph.ClearField("output"), ""),
}  # fmt: skip
MODELS = {
    "loop": (
        lambda: graph_of(("Loop", ["observation"], "action", {"body": helper.make_graph([], "b", [], [])})),
        "operator 'Loop', wanted only Add, ",
    ),
    "operator of others": (
        lambda: graph_of(("Relu", ["observation"], "action", {"domain": "evil"})), "operator 'evil.Relu', wanted only",
    ),
    "dangling": (lambda: graph_of(("Relu", ["nowhere"], "action", {})), "nowhere"),
    "circle": (lambda: graph_of(("Relu", ["action"], "action", {})), "action"),
    "outer product": (outer_product, "output 'wide' of Add has shape [3000, 3000], wanted up to 4194304 numbers"),
    "rows by rows": (batch_by_batch, "output 'flat' of Flatten has shape [1, 'unk__0'], wanted up to"),
    "empty": (lambda: b"", "opsets []"),
    "text file": (lambda: b"hello, world\n" * 100, "wanted an ONNX model"),
    "large": (lambda: b"\0" * (onnx_check.MAX_BYTES + 1), "over 16777216 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_is_more_than_a_plain_network_is_refused_in_one_line(name, path):
    change, words = CHANGES[name]
    model = onnx_graph.build(layers())
    change(model)
    assert words in refused(path, model)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_plain_network_is_refused_in_one_line(name, path):
    make, words = MODELS[name]
    assert words in refused(path, make())


def test_the_constant_that_quotes_nothing_is_the_one_nan_allowed(path):
    model = onnx_graph.build(layers(), quotes=False)
    (no_quote,) = [one for one in model.graph.initializer if one.name == onnx_graph.NO_QUOTE]
    no_quote.name = model.graph.node[-1].input[1] = "other"
    assert "tensor 'other' has a number that is not finite" in refused(path, model)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_refused_in_one_line_or_still_compute(tmp_path_factory, data):
    whole = bytearray(onnx_graph.build(layers()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    path = pathlib.Path(tmp_path_factory.mktemp("damaged")) / "policy.onnx"
    try:
        policy = onnx_policy.load(write(path, bytes(whole)), F, D)
    except errors.DataError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert policy(np.ones((5, F), np.float32))["action"].shape == (5, D)


def test_a_model_of_another_exporter_runs(path):
    """As PyTorch writes it: MatMul and Add, a Constant node, an output without sizes."""
    weights = np.random.default_rng(0).normal(size=(F, D)).astype(np.float32)
    model = graph_of(
        ("Flatten", ["observation"], "flat", {}),
        ("MatMul", ["flat", "w"], "x", {}),
        ("Constant", [], "half", {"value": constant("", np.float32(0.5))}),
        ("Add", ["x", "half"], "y", {}),
        ("Tanh", ["y"], "action", {}),
        constants=[constant("w", weights)],
    )
    x = np.random.default_rng(1).normal(size=(7, F)).astype(np.float32)
    np.testing.assert_allclose(
        onnx_policy.load(write(path, model), F, D)(x)["action"], np.tanh(x @ weights + 0.5), atol=1e-6
    )
