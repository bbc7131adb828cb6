"""Where a run's batches come from: its replay, restored where it can be, and the dataset that the learner reads."""

import logging
from collections.abc import Sequence
from typing import Any

import tensorflow as tf
from tf_agents.agents import tf_agent

from tfmm.agents import factory as agents
from tfmm.environments import task as task_lib
from tfmm.training import run_directory
from tfmm.training.replay import augmentation, checkpoint, n_step, on_policy, server as server_lib

_LOG = logging.getLogger(__name__)


def create(
    task: task_lib.Task,
    agent: tf_agent.TFAgent,
    rows: int | None,
    run: run_directory.RunDirectory,
    service: server_lib.Service | None = None,
) -> Any:
    """The replay of a run, with the items of its newest checkpoint.

    Args:
        task: see environments.factory. rows: B, or None for a single environment.
        service: of a server that other processes fill too; None: this process alone fills it.

    Returns:
        server.Replay, or on_policy.Blocks for an agent that learns from each step once.
    """
    settings, spec = task.config.train, agent.collect_data_spec
    if agents.on_policy(task.config.agent):
        return on_policy.Blocks(spec, rows, settings.replay_timeout_s)
    names = (server_lib.TABLE, *(table.name for table in (service.tables if service else ())))
    # a learner that serves gives up by itself, and its sampler may have waited since before it began to
    timeout_s = settings.replay_timeout_s if service is None else 10 * settings.replay_timeout_s
    return server_lib.Replay(
        spec,
        rows,
        settings.replay_capacity,
        timeout_s,
        length=task.config.agent.n_step + 1,
        folders=server_lib.Folders(run.scratch, _usable(run, settings, names)),
        service=service,
    )


def dataset(task: task_lib.Task, replay: server_lib.Replay | on_policy.Blocks) -> tf.data.Dataset:
    """Endless dataset of (Trajectory [B, 2, ...], ()): rewards centred and summed over agent.n_step steps,
    reflected where train.reflect says so."""
    agent = task.config.agent
    centre = task.reward_centre if agent.reward_centre == "auto" else agent.reward_centre
    out = server_lib.centred(replay.dataset(task.config.train.batch_size), centre)
    out = n_step.folded(out, agent.n_step, agent.gamma)
    if task.config.train.reflect:
        out = augmentation.reflected(out, task.reflection)
    return out


def _usable(run: run_directory.RunDirectory, settings: Any, names: Sequence[str]) -> Any:
    """Folder of the checkpoint whose replay can be loaded, or None; then the replay will be filled again."""
    newest = run.newest()
    if newest is None or not settings.checkpoint_replay:
        return None
    reason = checkpoint.refusal(newest, names, settings.replay_timeout_s)
    if reason is None:
        return newest
    _LOG.warning("replay of checkpoint %s: %s; it is filled again with the restored policy", newest, reason)
    return None
