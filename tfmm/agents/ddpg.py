"""DdpgAgent from specs and settings."""

import tensorflow as tf
from tf_agents.agents.ddpg import ddpg_agent

from tfmm.agents import networks, optimisers, td


class DdpgAgent(ddpg_agent.DdpgAgent):
    """TF-Agents' own, whose actor's loss (B, d) takes a weight (B,) for each transition, and may climb Q - c |a|^2.

    There the two are multiplied as they are: refused, or for d = 1 and d = B every loss by the weights of others.

    Args:
        action_penalty: c, in units of the values the critic learns. The rest as TF-Agents'.
    """

    def __init__(self, *args, action_penalty=0.0, **kwargs):
        self._action_penalty = action_penalty
        super().__init__(*args, **kwargs)

    def actor_loss(self, time_steps, weights=None, training=False):
        if weights is not None:
            weights = weights[:, tf.newaxis]
        loss = super().actor_loss(time_steps, weights, training)
        if not self._action_penalty:
            return loss
        action, _ = self._actor_network(time_steps.observation, step_type=time_steps.step_type, training=training)
        squares = tf.square(action) if weights is None else weights * tf.square(action)
        # the loss above falls by 2 dQ/da, a mean over components, see TF-Agents
        return loss + 2.0 * self._action_penalty * tf.reduce_mean(squares)


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A DdpgAgent (Lillicrap et al. 2016) with every hostile default set.

    Args:
        settings: section [agent] of a Config. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    actor, critic = actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = DdpgAgent(
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


def actor_and_critic(settings, observation_spec, action_spec):
    """The networks of ddpg and td3."""
    actor = networks.ActorNetwork(observation_spec, action_spec, settings.actor_layers, settings.activation)
    critic = networks.CriticNetwork(
        (observation_spec, action_spec),
        settings.critic_observation_layers,
        settings.critic_action_layers,
        settings.critic_joint_layers,
        settings.activation,
    )
    return actor, critic


def values(agent, observation):
    """(B,) float32 tensor: Q(s, pi(s))."""
    action, _ = agent._actor_network(observation)
    return agent._critic_network((observation, action))[0]


def td_errors(agent, experience):
    """(B,) float32 tensor: of the critic."""

    def next_value(following):
        action, _ = agent._target_actor_network(following.observation)
        return agent._target_critic_network((following.observation, action))[0]

    return td.errors(
        agent, experience, lambda now, action: agent._critic_network((now.observation, action))[0], next_value
    )
