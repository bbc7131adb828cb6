"""Where a run's batches come from: its replay, restored where it can be, and the dataset that the learner reads."""

import logging

from tfmm.agents import factory as agents
from tfmm.training.distributed import learner, report_table, weight_table
from tfmm.training.replay import augmentation, checkpoint, n_step, on_policy, server as server_lib

_LOG = logging.getLogger(__name__)


def create(task, agent, rows, run, port=None, priorities=None, reported=()):
    """The replay of a run, with what its newest checkpoint holds.

    Args:
        task: see environments.factory. rows: B, or None for a single environment. run: RunDirectory.
        port: of a server that other processes fill too, or None. priorities: prioritised.Priorities, or None.
        reported: names of what those processes report of their steps.

    Returns:
        replay.Replay, or on_policy.Blocks for an agent that learns from each step once.
    """
    settings, spec = task.config.train, agent.collect_data_spec
    if agents.on_policy(task.config.agent):
        return on_policy.Blocks(spec, rows, settings.replay_timeout_s)
    served, timeout_s = {}, settings.replay_timeout_s
    if port is not None:
        capacity = server_lib.items(settings.replay_capacity, rows)
        served = {
            "port": port,
            "limiter": learner.limiter(task.config, capacity),
            "tables": (weight_table.table(agent.policy.variables()), report_table.table(reported)),
        }
        # a learner gives up by itself, and its sampler may have waited since before it began to
        timeout_s *= 10
    names = (server_lib.TABLE, *(table.name for table in served.get("tables", ())))
    return server_lib.Replay(
        spec,
        rows,
        settings.replay_capacity,
        timeout_s,
        scratch=run.scratch,
        checkpoint=_usable(run, settings, names),
        length=task.config.agent.n_step + 1,
        priorities=priorities,
        **served,
    )


def dataset(task, replay):
    """Endless dataset of (Trajectory [B, 2, ...], ()): rewards centred and summed over agent.n_step steps,
    mirrored where train.reflect says so.

    With priorities of ((Trajectory, weights (B,), keys (B,)), ()), see prioritised.Priorities.attach.
    """
    agent = task.config.agent
    centre = task.reward_centre if agent.reward_centre == "auto" else agent.reward_centre
    centred = server_lib.centred(replay.dataset(task.config.train.batch_size), centre)
    folded = n_step.folded(centred, agent.n_step, agent.gamma)
    if task.config.train.reflect:
        folded = augmentation.mirrored(folded, task.reflection)
    if not task.config.train.prioritized:
        return folded
    return folded.map(lambda experience, info: ((experience, *info), ()))


def _usable(run, settings, names):
    """Folder of the checkpoint whose replay can be loaded, or None; then the replay will be filled again."""
    newest = run.newest()
    if newest is None or not settings.checkpoint_replay:
        return None
    reason = checkpoint.refusal(newest, names, settings.replay_timeout_s)
    if reason is None:
        return newest
    _LOG.warning("replay of checkpoint %s: %s; it is filled again with the restored policy", newest, reason)
    return None
