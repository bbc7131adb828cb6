"""Agents by name."""

from tf_agents.agents.dqn import dqn_agent
from tf_agents.agents.reinforce import reinforce_agent
from tf_agents.agents.td3 import td3_agent

from tfmm.agents import ddpg, dqn, reinforce, td3

_AGENTS = {"ddpg": ddpg, "td3": td3, "dqn": dqn, "reinforce": reinforce}
_AGENTS_OF = {
    ddpg.DdpgAgent: ddpg,
    td3_agent.Td3Agent: td3,
    dqn_agent.DdqnAgent: dqn,
    reinforce_agent.ReinforceAgent: reinforce,
}
_PARTS = ("actor_loss", "critic_loss", "policy_gradient_loss", "value_estimation_loss", "entropy_regularization_loss")


def create(settings, time_step_spec, action_spec, train_step, steps):
    """The agent of `settings.name`.

    Args:
        settings: section [agent] of a Config. time_step_spec, action_spec: tensor specs of one row.
        train_step: the step variable, int64. steps: train steps of the whole run.
    """
    return _AGENTS[settings.name].create(settings, time_step_spec, action_spec, train_step, steps)


def on_policy(settings):
    """Whether the agent may learn only from what its present policy did."""
    return settings.name == "reinforce"


def values(agent, observation):
    """What the critic thinks of states: Q(s, .) (B, A) of a dqn, else the value (B,) of the greedy action or state.

    Args:
        observation: (B, F) float32 tensor.
    """
    return _AGENTS_OF[type(agent)].values(agent, observation)


def td_errors(agent, experience):
    """(B,) float32 tensor: how far the value of each transition is from its target.

    Args:
        experience: Trajectory [B, 2, ...], of an agent that learns from a replay.
    """
    return _AGENTS_OF[type(agent)].td_errors(agent, experience)


def losses(info):
    """{name: float} of a LossInfo: the whole loss and its parts that are numbers."""
    parts = {name: part for name, part in info.extra._asdict().items() if name in _PARTS}
    return {"loss": float(info.loss), **{name: float(part) for name, part in parts.items()}}
