"""One-step temporal-difference errors: how much a transition surprises the critic."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.trajectories import time_step as ts, trajectory


def errors(
    agent: tf_agent.TFAgent,
    experience: trajectory.Trajectory,
    value: Callable[[ts.TimeStep, Any], tf.Tensor],
    next_value: Callable[[ts.TimeStep], tf.Tensor],
) -> tf.Tensor:
    """(B,) float32: r + gamma d V'(s') - Q(s, a), with the agent's reward scale (Sutton and Barto 2018, 6.1).

    Args:
        experience: Trajectory [B, 2, ...]. value: (time step, action) -> Q (B,). next_value: time step -> V' (B,).
    """
    now, policy_step, following = agent._as_transition(experience)
    target = agent._reward_scale_factor * following.reward + agent._gamma * following.discount * next_value(following)
    return target - value(now, policy_step.action)
