"""DDPG from specs and settings."""

from typing import Any

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded, networks, optimisers
from tfmm.arrays import Floats32
from tfmm.config import agent as agent_lib


class GuardedDdpgAgent(guarded.GuardedAgent, ddpg_agent.DdpgAgent):
    """TF-Agents' DdpgAgent under guard, whose actor may climb Q - c |a|^2 (Andrychowicz et al. 2017, appendix A).

    Args:
        action_penalty: c, in units of the values that the critic learns. The rest as TF-Agents'.
    """

    observation_per_order: Floats32 | None = None

    def __init__(self, *args: Any, action_penalty: float = 0.0, **kwargs: Any) -> None:
        self._action_penalty = action_penalty
        super().__init__(*args, **kwargs)

    def critic_loss(
        self,
        time_steps: ts.TimeStep,
        actions: tf.Tensor,
        next_time_steps: ts.TimeStep,
        weights: tf.Tensor | None = None,
        training: bool = False,
    ) -> tf.Tensor:
        """Scalar float32: of targets as TF-Agents', or with rewards (B, 4) of fill_outcomes in expectation over fills.

        The latter are r + gamma d sum_k P(k) Q(s'_k, pi(s'_k)), s'_k the next state with k = -1, 0, 1 orders more than
        before: Expected SARSA (van Seijen et al. 2009) over the dealer's fills. Arguments as TF-Agents'.
        """
        if self.observation_per_order is not None:
            reward = next_time_steps.reward
            value = self._expected_over_fills(next_time_steps)
            target = self._reward_scale_factor * reward[..., 0] + self._gamma * next_time_steps.discount * value
            next_time_steps = next_time_steps._replace(
                reward=target / self._reward_scale_factor, discount=tf.zeros_like(next_time_steps.discount)
            )
        return super().critic_loss(time_steps, actions, next_time_steps, weights, training)

    def _expected_over_fills(self, next_time_steps):
        """(B,) float32: E over fills of the target networks' value of the next state."""
        _, sold, bought, drawn = tf.unstack(next_time_steps.reward, axis=-1)
        per_order = tf.constant(self.observation_per_order)
        orders = tf.constant([-1.0, 0.0, 1.0])[:, tf.newaxis] - drawn[tf.newaxis]
        observation = next_time_steps.observation[tf.newaxis] + orders[..., tf.newaxis] * per_order
        shape = tf.shape(observation)
        flat = tf.reshape(observation, (-1, shape[-1]))
        action, _ = self._target_actor_network(flat)
        values = tf.reshape(self._target_critic_network((flat, action))[0], shape[:-1])
        down, up = sold * (1.0 - bought), bought * (1.0 - sold)
        return down * values[0] + (1.0 - down - up) * values[1] + up * values[2]

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

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        return self._actor_network.policy_layers()


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
        settings.critic_value_layers,
    )
    return actor, critic
