"""REINFORCE with a value baseline from specs and settings."""

import math
from typing import Any

import tensorflow as tf
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.networks import actor_distribution_network, normal_projection_network, value_network
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded, networks, optimisers
from tfmm.config import agent as agent_lib


class GuardedReinforceAgent(guarded.GuardedAgent, reinforce_agent.ReinforceAgent):
    """TF-Agents' ReinforceAgent under guard."""

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """(B,) float32: the baseline's value of the state."""
        return self._value_network(observation, step_type=tf.ones(tf.shape(observation)[:1], tf.int32))[0]

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        encoder, means = self._actor_network._encoder, self._actor_network._projection_networks
        squash = tf.keras.layers.Activation("tanh")  # tanh_squash_to_spec, of a spec within [-1, 1]
        preparing, hidden = encoder._flat_preprocessing_layers, encoder._postprocessing_layers
        return [*preparing, *hidden, means._means_projection_layer, squash]


def create(
    settings: agent_lib.Reinforce, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> GuardedReinforceAgent:
    """A REINFORCE agent (Williams 1992) whose baseline is learned (Sutton and Barto 2018, section 13.4).

    The policy is a Gaussian whose mean is the actor's output and whose standard deviation, the same in every
    state, is learned too. One optimiser moves both networks with actor_learning_rate. Arguments as ddpg.create.
    """
    function = networks.activation_function(settings.activation)
    actor = actor_distribution_network.ActorDistributionNetwork(
        time_step_spec.observation,
        action_spec,
        preprocessing_layers=networks.Normaliser(),
        fc_layer_params=settings.actor_layers,
        activation_fn=function,
        continuous_projection_net=lambda spec: normal_projection_network.NormalProjectionNetwork(
            spec,
            init_means_output_factor=0.01,
            # softplus(bias) is the standard deviation
            std_bias_initializer_value=math.log(math.expm1(settings.initial_stddev)),
            std_transform=tf.nn.softplus,
            scale_distribution=False,
        ),
    )
    baseline = value_network.ValueNetwork(
        time_step_spec.observation,
        preprocessing_layers=networks.Normaliser(),
        fc_layer_params=settings.critic_joint_layers,
        activation_fn=function,
    )
    agent = GuardedReinforceAgent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        value_network=baseline,
        optimizer=optimisers.create(settings.actor_learning_rate, settings, steps),
        value_estimation_loss_coef=settings.value_loss_weight,
        gamma=settings.gamma,
        # TF-Agents would normalise over the boundaries between episodes too, which have no reward
        normalize_returns=False,
        gradient_clipping=settings.gradient_clipping or None,
        entropy_regularization=settings.entropy or None,
        train_step_counter=train_step,
    )
    agent.initialize()
    return agent
