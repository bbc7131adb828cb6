"""The agent of a configuration, made from the specs of an environment."""

from collections.abc import Callable
from typing import Any

import tensorflow as tf
from tf_agents.agents import tf_agent
from tf_agents.environments import tf_environment
from tf_agents.train.utils import train_utils
from tf_agents.trajectories import time_step as ts

from tfmm.agents import ddpg, dqn, guarded, reinforce, td3
from tfmm.config import agent as agent_lib, experiment as experiment_lib

_CREATE: dict[str, Callable[..., guarded.GuardedAgent]] = {
    "ddpg": ddpg.create,
    "td3": td3.create,
    "dqn": dqn.create,
    "reinforce": reinforce.create,
}
_PARTS = ("actor_loss", "critic_loss", "policy_gradient_loss", "value_estimation_loss", "entropy_regularization_loss")


def create_agent(
    config: experiment_lib.Config,
    environment: tf_environment.TFEnvironment,
    structure: ddpg.Structure = ddpg.Structure(),  # noqa: B008, an immutable tuple
) -> tuple[guarded.GuardedAgent, tf.Variable]:
    """(agent, its step variable) for an environment of a configuration.

    Args:
        structure: of the task; an agent that only acts needs none.
    """
    train_step = train_utils.create_train_step()
    specs = environment.time_step_spec(), environment.action_spec()
    agent = create(config.agent, *specs, train_step, config.train.steps)
    if isinstance(agent, ddpg.GuardedDdpgAgent):
        agent.structure = structure
    return agent, train_step


def create(
    settings: agent_lib.AnyAgent, time_step_spec: ts.TimeStep, action_spec: Any, train_step: tf.Variable, steps: int
) -> guarded.GuardedAgent:
    """The agent of `settings.name`.

    Args:
        settings: section [agent]. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    return _CREATE[settings.name](settings, time_step_spec, action_spec, train_step, steps)


def on_policy(settings: agent_lib.AnyAgent) -> bool:
    """Whether the agent may learn only from actions of its present policy."""
    return settings.name == "reinforce"


def losses(info: tf_agent.LossInfo) -> dict[str, float]:
    """{name: value} of the whole loss and of its parts that are numbers."""
    parts = {name: part for name, part in info.extra._asdict().items() if name in _PARTS}
    return {"loss": float(info.loss), **{name: float(part) for name, part in parts.items()}}
