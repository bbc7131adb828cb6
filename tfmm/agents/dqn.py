"""Double DQN from specs and settings."""

from typing import Any

import tensorflow as tf
from tf_agents.agents.dqn import dqn_agent
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded, networks, optimisers
from tfmm.config import agent as agent_lib


class GuardedDdqnAgent(guarded.GuardedAgent, dqn_agent.DdqnAgent):
    """TF-Agents' DdqnAgent under guard."""

    def values(self, observation: tf.Tensor) -> tf.Tensor:
        """(B, A) float32: Q(s, .) of the online network."""
        return self._q_network(observation)[0]

    def policy_layers(self) -> list[tf.keras.layers.Layer]:
        return self._q_network.policy_layers()


def create(
    settings: agent_lib.Dqn, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> GuardedDdqnAgent:
    """A Double DQN agent (van Hasselt et al. 2016): the online network chooses, the target network gives the value.

    Arguments as ddpg.create; the action spec is one number from 0. Exploration is that of collection
    (training.exploration), so the agent's own epsilon is 0.
    """
    critic = networks.QNetwork(
        time_step_spec.observation,
        action_spec,
        settings.critic_joint_layers,
        settings.activation,
        networks.Regularisation(settings.batch_normalisation, settings.dropout, settings.l2),
    )
    agent = GuardedDdqnAgent(
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
