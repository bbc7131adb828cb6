"""DDPG from specs and settings."""

from typing import Any

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded, networks, optimisers
from tfmm.config import agent as agent_lib


class GuardedDdpgAgent(guarded.GuardedAgent, ddpg_agent.DdpgAgent):
    """TF-Agents' DdpgAgent under guard, whose actor may climb Q - c |a|^2 (Andrychowicz et al. 2017, appendix A).

    Args:
        action_penalty: c, in units of the values that the critic learns. The rest as TF-Agents'.
    """

    def __init__(self, *args: Any, action_penalty: float = 0.0, **kwargs: Any) -> None:
        self._action_penalty = action_penalty
        super().__init__(*args, **kwargs)

    def actor_loss(
        self, time_steps: ts.TimeStep, weights: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """Scalar float32, see the class. Arguments as TF-Agents'."""
        loss = super().actor_loss(time_steps, weights, training)
        if not self._action_penalty:
            return loss
        action, _ = self._actor_network(time_steps.observation, step_type=time_steps.step_type, training=training)
        # the gradient of the loss above is -2 dQ/da, a mean over components, see TF-Agents
        return loss + 2.0 * self._action_penalty * tf.reduce_mean(tf.square(action))

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """(B,) float32: Q(s, pi(s))."""
        action, _ = self._actor_network(observation)
        return self._critic_network((observation, action))[0]


def create(
    settings: agent_lib.Ddpg, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> GuardedDdpgAgent:
    """A DDPG agent (Lillicrap et al. 2016) with every hostile default of TF-Agents set.

    Args:
        settings: section [agent]. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    actor, critic = actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = GuardedDdpgAgent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        critic_network=critic,
        actor_optimizer=optimisers.create(settings.actor_learning_rate, settings, steps, settings.actor_delay_steps),
        critic_optimizer=optimisers.create(settings.critic_learning_rate, settings, steps),
        ou_stddev=settings.noise_stddev,
        ou_damping=settings.noise_damping,
        action_penalty=settings.action_penalty,
        train_step_counter=train_step,
        **optimisers.td_learning(settings),
    )
    agent.initialize()
    return agent


def actor_and_critic(
    settings: agent_lib.Ddpg | agent_lib.Td3, observation_spec: tf.TensorSpec, action_spec: Any
) -> tuple[networks.ActorNetwork, networks.CriticNetwork]:
    """The networks of DDPG and TD3."""
    actor = networks.ActorNetwork(observation_spec, action_spec, settings.actor_layers, settings.activation)
    critic = networks.CriticNetwork(
        (observation_spec, action_spec),
        settings.critic_observation_layers,
        settings.critic_action_layers,
        settings.critic_joint_layers,
        settings.activation,
    )
    return actor, critic
