"""DDPG from specs and settings."""

from typing import Any

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.trajectories import time_step as ts, trajectory

from tfmm.agents import guarded, networks, optimisers, td
from tfmm.config import agent as agent_lib


class WeightedDdpgAgent(guarded.GuardedAgent, ddpg_agent.DdpgAgent):
    """TF-Agents' DdpgAgent whose actor loss (B, d) takes a weight (B,) for each transition, and may climb Q - c |a|^2.

    TF-Agents multiplies the two as they are: that is refused, or for d = 1 and d = B the weights of all transitions
    multiply every loss.

    Args:
        action_penalty: c, in units of the values that the critic learns. The rest as TF-Agents'.
    """

    def __init__(self, *args: Any, action_penalty: float = 0.0, **kwargs: Any) -> None:
        self._action_penalty = action_penalty
        super().__init__(*args, **kwargs)

    def actor_loss(
        self, time_steps: ts.TimeStep, weights: tf.Tensor | None = None, training: bool = False
    ) -> tf.Tensor:
        """Scalar float32, see the class. time_steps: of B rows; weights: (B,) float32."""
        if weights is not None:
            weights = weights[:, tf.newaxis]
        loss = super().actor_loss(time_steps, weights, training)
        if not self._action_penalty:
            return loss
        action, _ = self._actor_network(time_steps.observation, step_type=time_steps.step_type, training=training)
        squares = tf.square(action) if weights is None else weights * tf.square(action)
        # the gradient of the loss above is -2 dQ/da, a mean over components, see TF-Agents
        return loss + 2.0 * self._action_penalty * tf.reduce_mean(squares)

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """(B,) float32: Q(s, pi(s))."""
        action, _ = self._actor_network(observation)
        return self._critic_network((observation, action))[0]

    def td_errors(self, experience: trajectory.Trajectory) -> tf.Tensor:
        """(B,) float32: of the critic."""

        def next_value(following: ts.TimeStep) -> tf.Tensor:
            action, _ = self._target_actor_network(following.observation)
            return self._target_critic_network((following.observation, action))[0]

        return td.errors(
            self, experience, lambda now, action: self._critic_network((now.observation, action))[0], next_value
        )


def create(
    settings: agent_lib.Ddpg, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> WeightedDdpgAgent:
    """A DDPG agent (Lillicrap et al. 2016) with every hostile default of TF-Agents set.

    Args:
        settings: section [agent]. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    actor, critic = actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = WeightedDdpgAgent(
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
