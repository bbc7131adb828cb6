"""TD3 from specs and settings."""

from typing import Any

import tensorflow as tf
from tf_agents.agents.td3 import td3_agent
from tf_agents.trajectories import time_step as ts

from tfmm.agents import ddpg, guarded, optimisers
from tfmm.config import agent as agent_lib


class GuardedTd3Agent(guarded.GuardedAgent, td3_agent.Td3Agent):
    """TF-Agents' Td3Agent under guard."""

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """(B,) float32: Q(s, pi(s)) of the first critic."""
        action, _ = self._actor_network(observation)
        return self._critic_network_1((observation, action))[0]

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        return self._actor_network.policy_layers()


def create(
    settings: agent_lib.Td3, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> GuardedTd3Agent:
    """A TD3 agent (Fujimoto et al. 2018): two critics, the actor updated less often. Arguments as ddpg.create."""
    actor, critic = ddpg.actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = GuardedTd3Agent(
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
