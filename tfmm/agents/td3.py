"""Td3Agent from specs and settings."""

import tensorflow as tf
from tf_agents.agents.td3 import td3_agent

from tfmm.agents import ddpg, optimisers, td


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A Td3Agent (Fujimoto et al. 2018): two critics, the actor updated less often; arguments as ddpg.create."""
    actor, critic = ddpg.actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = td3_agent.Td3Agent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        critic_network=critic,
        actor_optimizer=optimisers.create(
            settings.actor_learning_rate, settings, steps, settings.actor_delay_steps // settings.actor_update_period
        ),
        critic_optimizer=optimisers.create(settings.critic_learning_rate, settings, steps),
        exploration_noise_std=settings.noise_stddev,
        actor_update_period=settings.actor_update_period,
        target_policy_noise=settings.target_noise,
        target_policy_noise_clip=settings.target_noise_clip,
        train_step_counter=train_step,
        **optimisers.td_learning(settings),
    )
    agent.initialize()
    return agent


def values(agent, observation):
    """(B,) float32 tensor: Q(s, pi(s)) of the first critic."""
    action, _ = agent._actor_network(observation)
    return agent._critic_network_1((observation, action))[0]


def td_errors(agent, experience):
    """(B,) float32 tensor: of the first critic, against the smaller of the target critics without their noise."""

    def next_value(following):
        action, _ = agent._target_actor_network(following.observation)
        pair = following.observation, action
        return tf.minimum(agent._target_critic_network_1(pair)[0], agent._target_critic_network_2(pair)[0])

    return td.errors(
        agent, experience, lambda now, action: agent._critic_network_1((now.observation, action))[0], next_value
    )
