"""Actor, critic and Q-network with the observation normaliser as their first layer.

The layers and initialisers are those of Lillicrap et al. 2016 (arXiv 1509.02971, section 7).
Inside the network the normaliser travels with the exported policy: raw features in, action out.
"""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np
import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.networks import network
from tf_agents.utils import common

from tfmm.arrays import Floats32

CLIP = 10.0
"""Standard deviations from the mean at which a normalised observation is clipped."""


class Normaliser(tf.keras.layers.Layer):
    """(x - mean) / stddev, clipped to +/- CLIP; mean 0 and stddev 1 until `assign`."""

    def build(self, input_shape: tf.TensorShape) -> None:
        width = input_shape[-1:]
        self.mean = self.add_weight("mean", width, initializer="zeros", trainable=False)
        self.stddev = self.add_weight("stddev", width, initializer="ones", trainable=False)
        super().build(input_shape)

    def call(self, inputs: tf.Tensor) -> tf.Tensor:
        return tf.clip_by_value((inputs - self.mean) / self.stddev, -CLIP, CLIP)

    def assign(self, mean: Floats32, stddev: Floats32) -> None:
        """Sets the constants, (F,) float32 each; a feature that does not vary is left unscaled."""
        self.mean.assign(mean)
        self.stddev.assign(np.where(stddev > 1e-6, stddev, 1.0))


def activation_function(name: str) -> Callable[[tf.Tensor], tf.Tensor]:
    """The function of agent.activation; leaky_relu has slope 0.2 below 0, the default of TensorFlow."""
    return {"relu": tf.nn.relu, "leaky_relu": tf.nn.leaky_relu, "tanh": tf.nn.tanh}[name]


def fit_normaliser(agent: tf_agent.TFAgent, observations: Floats32) -> None:
    """Sets every Normaliser of an agent, those of its target networks included, from observations (K, F) float32."""
    mean, stddev = observations.mean(axis=0), observations.std(axis=0)
    for module in agent.submodules:
        # TF-Agents' networks keep the layer they were given beside the copy that they use
        if isinstance(module, Normaliser) and module.built:
            module.assign(mean, stddev)


def _dense(units, activation="relu", l2=0.0):
    fan_in = tf.keras.initializers.VarianceScaling(scale=1.0 / 3.0, mode="fan_in", distribution="uniform")
    penalty = tf.keras.regularizers.L2(l2) if l2 else None
    function = activation_function(activation)
    return tf.keras.layers.Dense(units, activation=function, kernel_initializer=fan_in, kernel_regularizer=penalty)


def _output(units, activation=None):
    small = tf.keras.initializers.RandomUniform(minval=-0.003, maxval=0.003)
    return tf.keras.layers.Dense(units, activation=activation, kernel_initializer=small)


def _apply(layers, x):
    for layer in layers:
        x = layer(x)
    return x


class ActorNetwork(network.Network):
    """Observation (B, F) -> action (B, d) inside the bounds of the action spec, by tanh."""

    def __init__(
        self,
        observation_spec: tf.TensorSpec,
        action_spec: Any,
        layers: Sequence[int],
        activation: str = "relu",
        name: str = "actor",
    ) -> None:
        super().__init__(observation_spec, state_spec=(), name=name)
        self._action_spec = action_spec
        self.normaliser = Normaliser()
        self._layers_ = [_dense(units, activation) for units in layers] + [_output(action_spec.shape[0], "tanh")]

    def call(
        self, observation: tf.Tensor, step_type: Any = (), network_state: Any = (), training: bool = False
    ) -> tuple[tf.Tensor, Any]:
        action = _apply(self._layers_, self.normaliser(observation))
        return common.scale_to_spec(action, self._action_spec), network_state

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        """The layers that `call` applies one after the other; the action spec is [-1, 1], so that it scales nothing."""
        return [self.normaliser, *self._layers_]


class CriticNetwork(network.Network):
    """(Observation (B, F), action (B, d)) -> value (B,).

    Args:
        input_tensor_spec: (observation spec, action spec).
        observation_layers, action_layers: units before the two are joined; joint_layers: after.
        value_layers: units of a network of the observation alone, whose output is added (dueling networks, Wang et al.
            2016): the joint layers need only tell actions apart. Empty: none.
    """

    def __init__(
        self,
        input_tensor_spec: tuple[Any, Any],
        observation_layers: Sequence[int],
        action_layers: Sequence[int],
        joint_layers: Sequence[int],
        activation: str = "relu",
        value_layers: Sequence[int] = (),
        name: str = "critic",
    ) -> None:
        super().__init__(input_tensor_spec, state_spec=(), name=name)
        self.normaliser = Normaliser()
        self._observation_layers = [_dense(units, activation) for units in observation_layers]
        self._action_layers = [_dense(units, activation) for units in action_layers]
        self._joint_layers = [_dense(units, activation) for units in joint_layers] + [_output(1)]
        self._value_layers = [_dense(units, activation) for units in value_layers]
        self._value_layers += [_output(1)] if value_layers else []

    def call(
        self, inputs: tuple[tf.Tensor, tf.Tensor], step_type: Any = (), network_state: Any = (), training: bool = False
    ) -> tuple[tf.Tensor, Any]:
        observation, action = inputs
        normalised = self.normaliser(observation)
        left = _apply(self._observation_layers, normalised)
        right = _apply(self._action_layers, tf.cast(action, tf.float32))
        joint = _apply(self._joint_layers, tf.concat([left, right], axis=-1))
        if self._value_layers:
            joint += _apply(self._value_layers, normalised)
        return tf.reshape(joint, [-1]), network_state


class Regularisation(NamedTuple):
    """Of a QNetwork. batch_normalisation: after each hidden layer. dropout: share of units, after each hidden layer.
    l2: weight of the sum of squared kernels in the loss."""

    batch_normalisation: bool = False
    dropout: float = 0.0
    l2: float = 0.0


class QNetwork(network.Network):
    """Observation (B, F) -> Q(s, .) (B, A) of the A discrete actions.

    Args:
        layers: units of the hidden layers.
    """

    def __init__(
        self,
        observation_spec: tf.TensorSpec,
        action_spec: Any,
        layers: Sequence[int],
        activation: str,
        regularisation: Regularisation,
        name: str = "value",
    ) -> None:
        super().__init__(observation_spec, state_spec=(), name=name)
        self.normaliser = Normaliser()
        self._layers_ = []
        for units in layers:
            self._layers_.append(_dense(units, activation, regularisation.l2))
            if regularisation.batch_normalisation:
                self._layers_.append(tf.keras.layers.BatchNormalization())
            if regularisation.dropout:
                self._layers_.append(tf.keras.layers.Dropout(regularisation.dropout))
        self._layers_.append(_output(int(action_spec.maximum - action_spec.minimum) + 1))

    def call(
        self, observation: tf.Tensor, step_type: Any = (), network_state: Any = (), training: bool = False
    ) -> tuple[tf.Tensor, Any]:
        x = self.normaliser(observation)
        for layer in self._layers_:
            x = layer(x, training=training)
        return x, network_state

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        """The layers that `call` applies one after the other."""
        return [self.normaliser, *self._layers_]
