"""What the learner learns from: a replay, or the blocks of an agent that forgets, and the batches out of either."""

import logging

from tfmm.agents import factory as agents
from tfmm.training import n_step, on_policy, replay, replay_checkpoint

_LOG = logging.getLogger(__name__)


def create(config, data_spec, rows, run):
    """The replay.Replay or on_policy.Blocks of the agent's settings, with the items of the newest checkpoint.

    Args:
        config: Config. data_spec: the agent's collect_data_spec. rows: B, or None for a single environment.
        run: RunDirectory.
    """
    settings = config.train
    if agents.on_policy(config.agent):
        return on_policy.Blocks(data_spec, rows, settings.replay_timeout_s)
    length = config.agent.n_step + 1
    checkpoint = _checkpoint(settings, run)
    return replay.Replay(
        data_spec, rows, settings.replay_capacity, settings.replay_timeout_s, length, run.scratch, checkpoint
    )


def batches(memory, problem):
    """Endless dataset of (Trajectory, ()) as the agent trains on it: rewards centred, n of them summed."""
    agent = problem.config.agent
    centre = problem.reward_centre if agent.reward_centre == "auto" else agent.reward_centre
    data = replay.centred(memory.dataset(problem.config.train.batch_size), centre)
    return n_step.folded(data, agent.n_step, agent.gamma)


def _checkpoint(settings, run):
    """Folder of the checkpoint whose replay can be loaded, or None; then the replay will be filled again."""
    newest = run.newest()
    if newest is None or not settings.checkpoint_replay:
        return None
    reason = replay_checkpoint.refusal(newest, (replay.TABLE,), settings.replay_timeout_s)
    if reason is None:
        return newest
    _LOG.warning("replay of checkpoint %s: %s; it is filled again with the restored policy", newest, reason)
    return None
