"""A training job from settings to exported policy."""

import logging
import pathlib

from tfmm.config import experiment as experiment_lib, loading
from tfmm.environments import factory
from tfmm.training import devices, reward_noise, run_directory, trainer
from tfmm.training.distributed import learner

_LOG = logging.getLogger(__name__)


def train(config: experiment_lib.Config, run_dir: pathlib.Path, resume: bool, serve: str | None = None) -> None:
    """Trains in a new run directory, or goes on with the run in it.

    Args:
        config: with `resume` the run's own config.toml is used instead.
        serve: HOST:PORT of this machine where collectors in other processes find the learner, which then collects
            the first random steps only; None: it collects everything itself.

    Raises:
        ConfigError, DataError: see config, TapeTask and RunDirectory. Interrupted, Diverged: see trainer.train.
    """
    if resume:
        run = run_directory.RunDirectory.existing(run_dir)
        config = loading.load(run.path / "config.toml")
    else:
        config = loading.resolved(config)
    port = None
    if serve is not None:
        learner.check(config, f"--serve {serve}")
        host, port = learner.parse(serve, "--serve")
        learner.claim(host, port)
    devices.prepare(config)
    task = factory.open_task(config)
    if not resume:
        run = run_directory.RunDirectory.create(run_dir, config, task.data_hash)
        if config.environment.reward_baseline != "none":
            ratio = reward_noise.variance_ratio(task)
            _LOG.info(
                "reward_baseline %s leaves %.0f%% of the variance of rewards of uniform actions",
                config.environment.reward_baseline,
                100.0 * ratio,
            )
            run.log({"step": 0, "collect/reward_variance_ratio": ratio})
    trainer.train(task, run, port)
