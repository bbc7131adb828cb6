"""DdpgAgent from specs and settings."""

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.utils import common

from tfmm.agents import networks


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A DdpgAgent with every hostile default set.

    Args:
        settings: config.Agent. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    observation_spec = time_step_spec.observation
    actor = networks.ActorNetwork(observation_spec, action_spec, settings.actor_layers)
    critic = networks.CriticNetwork(
        (observation_spec, action_spec),
        settings.critic_observation_layers,
        settings.critic_action_layers,
        settings.critic_joint_layers,
    )
    loss = common.element_wise_huber_loss if settings.loss == "huber" else common.element_wise_squared_loss
    agent = ddpg_agent.DdpgAgent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        critic_network=critic,
        actor_optimizer=tf.keras.optimizers.legacy.Adam(_rate(settings.actor_learning_rate, settings, steps)),
        critic_optimizer=tf.keras.optimizers.legacy.Adam(_rate(settings.critic_learning_rate, settings, steps)),
        ou_stddev=settings.noise_stddev,
        ou_damping=settings.noise_damping,
        target_update_tau=settings.target_update_tau,
        target_update_period=settings.target_update_period,
        td_errors_loss_fn=loss,
        gamma=settings.gamma,
        reward_scale_factor=settings.reward_scale_factor,
        gradient_clipping=settings.gradient_clipping or None,
        train_step_counter=train_step,
    )
    agent.initialize()
    return agent


def _rate(initial, settings, steps):
    """The learning rate, or its schedule; an optimiser counts its own steps, one a train step."""
    if settings.learning_rate_decay == "none":
        return initial
    return tf.keras.optimizers.schedules.CosineDecay(initial, steps)


def fit_normaliser(agent, observations):
    """Sets the normaliser of every network of the agent from observations (K, F), and the targets to their sources."""
    mean, stddev = observations.mean(axis=0), observations.std(axis=0)
    for net in (agent._actor_network, agent._critic_network):
        net.normaliser.assign(mean, stddev)
    agent.initialize()
