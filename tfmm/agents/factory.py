"""Agents by name."""

import tensorflow as tf

from tfmm.agents import ddpg, dqn, reinforce, td3

_AGENTS = {"ddpg": ddpg, "td3": td3, "dqn": dqn, "reinforce": reinforce}


def create(settings, time_step_spec, action_spec, train_step, steps):
    """The agent of `settings.name`.

    Args:
        settings: agent_settings.Agent. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    return _AGENTS[settings.name].create(settings, time_step_spec, action_spec, train_step, steps)


def on_policy(settings):
    """Whether the agent may learn only from what its present policy did."""
    return settings.name == "reinforce"


def losses(info):
    """{name: float} of a LossInfo: the whole loss and the means of its parts."""
    parts = {name: part for name, part in info.extra._asdict().items() if name.endswith("loss")}
    return {"loss": float(info.loss), **{name: float(tf.reduce_mean(part)) for name, part in parts.items()}}
