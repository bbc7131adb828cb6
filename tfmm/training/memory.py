"""What the learner learns from: a replay, or the blocks of an agent that forgets, and the batches out of either."""

import logging

from tfmm.agents import factory as agents
from tfmm.training import n_step, on_policy, replay, replay_checkpoint, serving, weights

_LOG = logging.getLogger(__name__)


def create(config, agent, rows, run, port=None):
    """The replay.Replay or on_policy.Blocks of the agent's settings, with the items of the newest checkpoint.

    Args:
        config: Config. agent: of it. rows: B, or None for a single environment. run: RunDirectory.
        port: where transitions of other processes are taken; None: this one collects them.
    """
    settings, data_spec = config.train, agent.collect_data_spec
    timeout_s, limiter, tables = settings.replay_timeout_s, None, ()
    if agents.on_policy(config.agent):
        return on_policy.Blocks(data_spec, rows, timeout_s)
    if port is not None:
        # a learner gives up by itself, and its sampler may have waited since before it began to
        timeout_s *= 10
        limiter = serving.limiter(config, replay.items(settings.replay_capacity, rows))
        tables = (weights.table(agent.policy.variables()),)
    return replay.Replay(
        data_spec,
        rows,
        settings.replay_capacity,
        timeout_s,
        length=config.agent.n_step + 1,
        scratch=run.scratch,
        checkpoint=_checkpoint(settings, run, (replay.TABLE, *(table.name for table in tables))),
        port=port,
        limiter=limiter,
        tables=tables,
    )


def batches(memory, problem):
    """Endless dataset of (Trajectory, ()) as the agent trains on it: rewards centred, n of them summed."""
    agent = problem.config.agent
    centre = problem.reward_centre if agent.reward_centre == "auto" else agent.reward_centre
    data = replay.centred(memory.dataset(problem.config.train.batch_size), centre)
    return n_step.folded(data, agent.n_step, agent.gamma)


def _checkpoint(settings, run, names):
    """Folder of the checkpoint whose replay can be loaded, or None; then the replay will be filled again."""
    newest = run.newest()
    if newest is None or not settings.checkpoint_replay:
        return None
    reason = replay_checkpoint.refusal(newest, names, settings.replay_timeout_s)
    if reason is None:
        return newest
    _LOG.warning("replay of checkpoint %s: %s; it is filled again with the restored policy", newest, reason)
    return None
