"""ONNX files that are more, or less, than a network of dense layers are refused in one line."""

import pathlib

import numpy as np
import onnx
import pytest
from hypothesis import given, settings, strategies as st
from onnx import helper, numpy_helper

from tests.policies import models
from tfmm import errors
from tfmm.policies import onnx_check, onnx_graph, onnx_policy


@pytest.fixture
def path(tmp_path):
    return tmp_path / "policy.onnx"


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


def input_of(name, rows):
    return models.value(name, models.FLOAT, [rows, models.F])


def nested(model):
    body = helper.make_graph([], "b", [], [])
    model.graph.node[0].attribute.append(helper.make_attribute("g", body))


def outer_product():
    """Two small constants whose sum has nine million numbers."""
    column, row = (
        models.constant(name, np.ones(shape, np.float32)) for name, shape in (("c", (3000, 1)), ("r", (1, 3000)))
    )
    narrow = models.constant("n", np.ones((models.F, 1), np.float32))
    nodes = (
        ("Add", ["c", "r"], "wide", {}),
        ("MatMul", ["observation", "n"], "x", {}),
        ("Add", ["x", "wide"], "action", {}),
    )
    return models.graph_of(*nodes, constants=[column, row, narrow])


def batch_by_batch():
    return models.graph_of(("Flatten", ["observation"], "flat", {"axis": 0}), ("Add", ["flat", "flat"], "action", {}))


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
    "two inputs": (lambda m: m.graph.input.add().CopyFrom(input_of("y", "B")), "wanted one of observations"),
    "fixed rows": (lambda m: m.graph.input[0].CopyFrom(input_of("observation", 1)), "inputs {"),
    "input of text": (lambda m: setattr(m.graph.input[0].type.tensor_type, "elem_type", 8), ""),
    "no output": (lambda m: m.graph.ClearField("output"), ""),
}  # fmt: skip
MODELS = {
    "loop": (
        lambda: models.graph_of(("Loop", ["observation"], "action", {"body": helper.make_graph([], "b", [], [])})),
        "operator 'Loop', wanted only Add, ",
    ),
    "operator of others": (
        lambda: models.graph_of(("Relu", ["observation"], "action", {"domain": "evil"})), "operator 'evil.Relu'",
    ),
    "dangling": (lambda: models.graph_of(("Relu", ["nowhere"], "action", {})), "nowhere"),
    "circle": (lambda: models.graph_of(("Relu", ["action"], "action", {})), "action"),
    "outer product": (outer_product, "output 'wide' of Add has shape [3000, 3000], wanted up to 4194304 numbers"),
    "rows by rows": (batch_by_batch, "output 'flat' of Flatten has shape [1, 'unk__0'], wanted up to"),
    "empty": (lambda: b"", "opsets []"),
    "text file": (lambda: b"hello, world\n" * 100, "wanted an ONNX model"),
    "large": (lambda: b"\0" * (onnx_check.MAX_BYTES + 1), "over 16777216 bytes"),
}  # fmt: skip


@pytest.mark.parametrize("name", CHANGES)
def test_a_model_that_is_more_than_a_plain_network_is_refused_in_one_line(name, path):
    change, words = CHANGES[name]
    model = onnx_graph.build(models.layers())
    change(model)
    assert words in models.refused(path, model)


@pytest.mark.parametrize("name", MODELS)
def test_what_is_no_plain_network_is_refused_in_one_line(name, path):
    make, words = MODELS[name]
    assert words in models.refused(path, make())


def test_the_constant_that_quotes_nothing_is_the_one_nan_allowed(path):
    model = onnx_graph.build(models.layers(), quotes=False)
    (no_quote,) = [one for one in model.graph.initializer if one.name == onnx_graph.NO_QUOTE]
    no_quote.name = model.graph.node[-1].input[1] = "other"
    assert "tensor 'other' has a number that is not finite" in models.refused(path, model)


@settings(max_examples=150, deadline=None)
@given(st.data())
def test_damaged_files_are_refused_in_one_line_or_still_compute(tmp_path_factory, data):
    whole = bytearray(onnx_graph.build(models.layers()).SerializeToString())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(whole) - 1))
        whole[at] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del whole[data.draw(st.integers(0, len(whole) - 1)) :]
    path = pathlib.Path(tmp_path_factory.mktemp("damaged")) / "policy.onnx"
    try:
        policy = onnx_policy.load(models.write(path, bytes(whole)), models.F, models.D)
    except errors.DataError as error:
        assert str(error).startswith(f"{path}: ") and "\n" not in str(error)
    else:
        assert policy(np.ones((5, models.F), np.float32))["action"].shape == (5, models.D)
