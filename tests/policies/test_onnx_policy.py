"""ONNX files: what this package builds passes onnx's checker and computes the network, by our code and elsewhere."""

import itertools

import numpy as np
import onnx
import pytest
from hypothesis import given, settings, strategies as st
from onnx import helper, numpy_helper

from tests.policies import models
from tfmm import errors
from tfmm.policies import dense_chain, onnx_graph, onnx_policy, onnx_runtime


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


@pytest.fixture
def path(tmp_path):
    return tmp_path / "policy.onnx"


def both(path, model, n_features, n_actions):
    """The policy of a model by our code and by onnxruntime."""
    chain = onnx_policy.load(models.write(path, model), n_features, n_actions)
    assert isinstance(chain, dense_chain.DenseChain)
    return chain, onnx_runtime.OnnxRuntime(model)


def test_a_model_computes_the_layers_in_turn(path):
    model = onnx_graph.build(models.layers(), notes={"who": "a test"})
    onnx.checker.check_model(model, full_check=True)
    assert [(one.domain, one.version) for one in model.opset_import] == [("", 17)] and model.ir_version == 8
    assert [(one.key, one.value) for one in model.metadata_props] == [("who", "a test")]
    observations = np.random.default_rng(1).normal(0, 3, (50, models.F)).astype(np.float32)
    wanted = [by_hand(models.layers(), one) for one in observations]
    for policy in both(path, model, models.F, models.D):
        found = policy(observations)
        assert list(found) == ["action"] and found["action"].dtype == np.float32
        np.testing.assert_allclose(found["action"], wanted, rtol=0, atol=1e-6)
    # our sums are in double precision
    np.testing.assert_allclose(
        both(path, model, models.F, models.D)[0](observations)["action"], wanted, rtol=0, atol=6e-8
    )


def test_discrete_actions_are_the_first_of_the_largest_values(path):
    # Q = (x0, x0, x1): the first two always tie
    kernel = np.array([[1, 1, 0], [0, 0, 1]], np.float32)
    unit = onnx_graph.Normalise(np.zeros(2, np.float32), np.ones(2, np.float32), 10.0)
    model = onnx_graph.build([unit, onnx_graph.Dense(kernel, np.zeros(3, np.float32))], discrete=True)
    for policy in both(path, model, 2, 3):
        found = policy(np.array([[1, 0], [0, 1], [-1, -2]], np.float32))
        np.testing.assert_array_equal(found["action"], np.array([0, 2, 0], np.int32))
        np.testing.assert_array_equal(found["q_values"], np.float32([[1, 1, 0], [0, 0, 1], [-1, -1, -2]]))
        assert found["action"].dtype == np.int32


@settings(max_examples=60, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.lists(st.integers(1, 40), min_size=1, max_size=4), st.integers(1, 20),
    st.sampled_from(["relu", "leaky_relu", "tanh"]),
)  # fmt: skip
def test_our_code_computes_what_onnxruntime_does(seed, widths, n_features, activation):
    random = np.random.default_rng(seed)

    def draw(*shape):
        return random.normal(size=shape).astype(np.float32)

    parts = [onnx_graph.Normalise(draw(n_features), np.abs(draw(n_features)) + 0.1, 10.0)]
    for n, m in itertools.pairwise([n_features, *widths]):
        parts += [onnx_graph.Dense(draw(n, m) / np.float32(n**0.5), draw(m)), onnx_graph.Activation(activation)]
    model = onnx_graph.build(parts)
    chain = dense_chain.of_model(model)
    observations = draw(20, n_features) * 3
    wanted = onnx_runtime.OnnxRuntime(model)(observations)["action"]
    found = chain(observations)["action"]
    np.testing.assert_allclose(found, wanted, rtol=1e-5, atol=2e-6)
    # a row does not depend on the others, nor on how it lies in memory
    np.testing.assert_array_equal(found, np.concatenate([chain(row[np.newaxis])["action"] for row in observations]))
    np.testing.assert_array_equal(found, chain(np.asfortranarray(observations))["action"])


def test_a_policy_that_quotes_nothing_answers_nan(path):
    for policy in both(path, onnx_graph.build(models.layers(), quotes=False), models.F, models.D):
        assert np.isnan(policy(np.ones((2, models.F), np.float32))["action"]).all()


def test_other_sizes_than_the_description_has_are_refused(path):
    model = onnx_graph.build(models.layers())
    assert models.refused(path, model, n_features=4).startswith("does not run on 4 features: takes 3")
    assert "outputs {'action': ('float32', (2, 2))} of two observations, wanted" in models.refused(
        path, model, n_actions=3
    )
    discrete = onnx_graph.build(models.layers(), discrete=True)
    assert "wanted" in models.refused(path, discrete, n_actions=3)


def test_a_model_of_another_exporter_runs(path):
    """As PyTorch writes it: MatMul and Add, a Constant node, an output without sizes."""
    weights = np.random.default_rng(0).normal(size=(models.F, models.D)).astype(np.float32)
    model = models.graph_of(
        ("Flatten", ["observation"], "flat", {}),
        ("MatMul", ["flat", "w"], "x", {}),
        ("Constant", [], "half", {"value": models.constant("", np.float32(0.5))}),
        ("Add", ["x", "half"], "y", {}),
        ("Tanh", ["y"], "action", {}),
        constants=[models.constant("w", weights)],
    )
    x = np.random.default_rng(1).normal(size=(7, models.F)).astype(np.float32)
    assert isinstance(onnx_policy.load(models.write(path, model), models.F, models.D), onnx_runtime.OnnxRuntime)
    with pytest.raises(errors.DataError, match=r"policy\.onnx: does not run on 4 features: "):
        onnx_policy.load(path, 4, models.D)
    np.testing.assert_allclose(
        onnx_policy.load(models.write(path, model), models.F, models.D)(x)["action"],
        np.tanh(x @ weights + 0.5),
        atol=1e-6,
    )


@pytest.mark.parametrize(
    "change",
    [
        lambda nodes: nodes[3].attribute.append(helper.make_attribute("alpha", 2.0)),
        lambda nodes: nodes[3].attribute.append(helper.make_attribute("transA", 0)),
        lambda nodes: nodes[0].input.reverse(),
        lambda nodes: setattr(nodes[4], "op_type", "Elu"),
        lambda nodes: nodes[2].input.pop(),
    ],
)
def test_what_our_code_does_not_know_is_left_to_onnxruntime(path, change):
    model = onnx_graph.build(models.layers())
    change(model.graph.node)
    policy = onnx_policy.load(models.write(path, model), models.F, models.D)
    assert isinstance(policy, onnx_runtime.OnnxRuntime)
    assert policy(np.ones((1, models.F), np.float32))["action"].shape == (1, models.D)


def test_transposed_weights_are_read_as_such(path):
    model = onnx_graph.build(models.layers())
    wanted = onnx_policy.load(models.write(path, model), models.F, models.D)(np.ones((2, models.F), np.float32))[
        "action"
    ]
    node = model.graph.node[3]
    (kernel,) = [one for one in model.graph.initializer if one.name == node.input[1]]
    kernel.CopyFrom(models.constant(kernel.name, np.ascontiguousarray(numpy_helper.to_array(kernel).T)))
    node.attribute.append(helper.make_attribute("transB", 1))
    for policy in both(path, model, models.F, models.D):
        np.testing.assert_allclose(policy(np.ones((2, models.F), np.float32))["action"], wanted, atol=1e-6)
