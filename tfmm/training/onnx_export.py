"""The greedy policy of an agent as an ONNX model, of a training or of a SavedModel that was written without one."""

import logging
import pathlib
from collections.abc import Iterator

import onnx
import tensorflow as tf

from tfmm import files
from tfmm.agents import guarded, networks
from tfmm.policies import onnx_check, onnx_graph, onnx_policy, saved

_LOG = logging.getLogger(__name__)
_NOTHING = tf.keras.layers.Dropout, tf.keras.layers.Flatten
"""Layers that do nothing to a row of numbers outside training."""


def model(folder: pathlib.Path, agent: guarded.GuardedAgent, quotes: bool) -> onnx.ModelProto:
    """The policy of an agent with the description in a folder as its note `tfmm.json`; see onnx_graph.build."""
    layers = [one for layer in agent.policy_layers() for one in _layers(layer)]
    notes = {saved.DESCRIPTION: (folder / saved.DESCRIPTION).read_text(encoding="utf-8")}
    return onnx_graph.build(layers, agent.action_spec.dtype.is_integer, quotes, notes)


def write(folder: pathlib.Path, agent: guarded.GuardedAgent, quotes: bool) -> None:
    """Writes the policy of an agent beside its description in a folder, unless it is too large to be read again."""
    data = model(folder, agent, quotes).SerializeToString()
    if len(data) > onnx_check.MAX_BYTES:
        _LOG.warning("%s takes over %d bytes, so that the SavedModel is alone", onnx_policy.FILE, onnx_check.MAX_BYTES)
        return
    files.write_bytes(folder / onnx_policy.FILE, data)


def _layers(layer: tf.keras.layers.Layer) -> Iterator[onnx_graph.Layer]:
    if isinstance(layer, networks.Normaliser):
        yield onnx_graph.Normalise(_numbers(layer.mean), _numbers(layer.stddev), networks.CLIP)
    elif isinstance(layer, tf.keras.layers.Dense):
        yield onnx_graph.Dense(_numbers(layer.kernel), _numbers(layer.bias))
        yield from _activation(layer)
    elif isinstance(layer, tf.keras.layers.Activation):
        yield from _activation(layer)
    elif isinstance(layer, tf.keras.layers.BatchNormalization):
        scale = layer.gamma / tf.sqrt(layer.moving_variance + layer.epsilon)
        yield onnx_graph.Affine(_numbers(scale), _numbers(layer.beta - layer.moving_mean * scale))
    else:
        assert isinstance(layer, _NOTHING), f"no ONNX form of {type(layer).__name__}"


def _activation(layer):
    name = layer.activation.__name__
    if name != "linear":
        yield onnx_graph.Activation(name)


def _numbers(variable):
    return tf.convert_to_tensor(variable).numpy()  # of a replicated variable too
