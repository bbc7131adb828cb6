"""REINFORCE with a value baseline from specs and settings."""

import math

import tensorflow as tf
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.networks import actor_distribution_network, normal_projection_network, value_network

from tfmm.agents import networks, optimisers


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A ReinforceAgent (Williams 1992) whose baseline is learned (Sutton and Barto 2018, section 13.4).

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
    agent = reinforce_agent.ReinforceAgent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        value_network=baseline,
        optimizer=optimisers.create(settings.actor_learning_rate, settings, steps),
        value_estimation_loss_coef=settings.value_loss_weight,
        gamma=settings.gamma,
        # over a block with the boundaries between episodes in it, whose reward is not one
        normalize_returns=False,
        gradient_clipping=settings.gradient_clipping or None,
        entropy_regularization=settings.entropy or None,
        train_step_counter=train_step,
    )
    agent.initialize()
    return agent


def values(agent, observation):
    """(B,) float32 tensor: the baseline's value of the state."""
    return agent._value_network(observation, step_type=tf.ones(tf.shape(observation)[:1], tf.int32))[0]
