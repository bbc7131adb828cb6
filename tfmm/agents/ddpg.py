"""DDPG from specs and settings."""

from typing import Any, NamedTuple

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded, networks, optimisers
from tfmm.arrays import Floats32
from tfmm.config import agent as agent_lib


class Structure(NamedTuple):
    """What an agent may know of a task beside its specs.

    Attributes:
        observation_per_order, exogenous: see environments.task.Task.
    """

    observation_per_order: Floats32 | None = None
    exogenous: Floats32 | None = None


class GuardedDdpgAgent(guarded.GuardedAgent, ddpg_agent.DdpgAgent):
    """TF-Agents' DdpgAgent under guard, whose actor may climb Q - c |a|^2 (Andrychowicz et al. 2017, appendix A).

    Args:
        action_penalty: c, in units of the values that the critic learns. The rest as TF-Agents'.

    Attributes:
        structure: what the TD target uses; nothing: TF-Agents' target.
    """

    structure = Structure()

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
        """Scalar float32: of targets as TF-Agents', or r + gamma d (v - v0). Arguments as TF-Agents'.

        v = Q(s', pi(s')), or where rewards (B, 4) come with fill_outcomes sum_k P(k) Q(s'_k, pi(s'_k)), s'_k the next
        state with k = -1, 0, 1 orders more than before: Expected SARSA (van Seijen et al. 2009) over the fills.

        v0 = 0, or where it is known which components are exogenous Q(s'_0, pi(s'_0)), s'_0 the next state with 0 in
        all others: what the same market is worth to a dealer without inventory and quotes. No action changes it, so
        the best policy stays what it is (Exo-MDP: Dietterich et al. 2018), while values become relative ones, as in
        relative value iteration (White 1963), with a reference state for each market.
        """
        if any(part is not None for part in self.structure):
            reward, value = self._reward_and_value(next_time_steps)
            target = self._reward_scale_factor * reward + self._gamma * next_time_steps.discount * value
            next_time_steps = next_time_steps._replace(
                reward=target / self._reward_scale_factor, discount=tf.zeros_like(next_time_steps.discount)
            )
        return super().critic_loss(time_steps, actions, next_time_steps, weights, training)

    def _reward_and_value(self, next_time_steps):
        """(B,) float32 each: the reward, and the target networks' v - v0 of the next state, see critic_loss."""
        reward, observation = next_time_steps.reward, next_time_steps.observation[tf.newaxis]
        chances = tf.ones_like(next_time_steps.discount)[tf.newaxis]
        if self.structure.observation_per_order is not None:
            reward, sold, bought, drawn = tf.unstack(reward, axis=-1)
            orders = tf.constant([-1.0, 0.0, 1.0])[:, tf.newaxis] - drawn
            observation += orders[..., tf.newaxis] * tf.constant(self.structure.observation_per_order)
            down, up = sold * (1.0 - bought), bought * (1.0 - sold)
            chances = tf.stack([down, 1.0 - down - up, up])
        if self.structure.exogenous is not None:
            market = next_time_steps.observation[tf.newaxis] * tf.constant(self.structure.exogenous)
            observation = tf.concat([observation, market], axis=0)
            chances = tf.concat([chances, -tf.ones_like(chances[:1])], axis=0)
        shape = tf.shape(observation)
        rows = tf.reshape(observation, (-1, shape[-1]))
        action, _ = self._target_actor_network(rows)
        values = tf.reshape(self._target_critic_network((rows, action))[0], shape[:-1])
        return reward, tf.reduce_sum(chances * values, axis=0)

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
