"""Double DQN from specs and settings."""

from tf_agents.agents.dqn import dqn_agent

from tfmm.agents import networks, optimisers, td


def create(settings, time_step_spec, action_spec, train_step, steps):
    """A DdqnAgent (van Hasselt et al. 2016): the online network chooses, the target network judges.

    Arguments as ddpg.create; the action spec is one number from 0. Rows explore by themselves, so the agent's own
    epsilon is 0.
    """
    critic = networks.ValueNetwork(
        time_step_spec.observation,
        action_spec,
        settings.critic_joint_layers,
        settings.activation,
        settings.batch_normalisation,
        settings.dropout,
        settings.l2,
    )
    agent = dqn_agent.DdqnAgent(
        time_step_spec,
        action_spec,
        q_network=critic,
        optimizer=optimisers.create(settings.critic_learning_rate, settings, steps),
        epsilon_greedy=0.0,
        train_step_counter=train_step,
        **optimisers.td_learning(settings),
    )
    agent.initialize()
    return agent


def values(agent, observation):
    """(B, A) float32 tensor: Q(s, .) of the online network."""
    return agent._q_network(observation)[0]


def td_errors(agent, experience):
    """(B,) float32 tensor: of the online network at the actions taken."""
    return td.errors(
        agent, experience, agent._compute_q_values, lambda following: agent._compute_next_q_values(following, ())
    )
