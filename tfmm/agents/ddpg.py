"""DdpgAgent from specs and settings."""

from tf_agents.agents.ddpg import ddpg_agent

from tfmm.agents import networks, optimisers


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A DdpgAgent (Lillicrap et al. 2016) with every hostile default set.

    Args:
        settings: agent_settings.Agent. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    actor, critic = actor_and_critic(settings, time_step_spec.observation, action_spec)
    agent = ddpg_agent.DdpgAgent(
        time_step_spec,
        action_spec,
        actor_network=actor,
        critic_network=critic,
        actor_optimizer=optimisers.create(settings.actor_learning_rate, settings, steps, settings.actor_delay_steps),
        critic_optimizer=optimisers.create(settings.critic_learning_rate, settings, steps),
        ou_stddev=settings.noise_stddev,
        ou_damping=settings.noise_damping,
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
