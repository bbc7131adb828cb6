"""A training job from settings to exported policy."""

from tfmm.config import loading
from tfmm.environments import factory
from tfmm.training import devices, run_directory, trainer
from tfmm.training.distributed import learner


def train(settings, run_dir, resume, serve=None):
    """Trains in a new run directory, or goes on with the run in it.

    Args:
        settings: Config; with `resume` the run's own config.toml is used instead.
        run_dir: path. resume: bool.
        serve: HOST:PORT of this machine where collectors in other processes find the learner, which then collects
            the first random steps only; None: it collects everything itself.

    Raises:
        ConfigError, DataError: see config, TapeTask and RunDirectory. errors.Interrupted: see Trainer.run.
    """
    if resume:
        run = run_directory.RunDirectory.existing(run_dir)
        settings = loading.load(run.path / "config.toml")
    else:
        settings = loading.resolved(settings)
    port = None
    if serve is not None:
        learner.check(settings, f"--serve {serve}")
        host, port = learner.parse(serve, "--serve")
        learner.claim(host, port)
    devices.prepare(settings)
    task = factory.open_task(settings)
    if not resume:
        run = run_directory.RunDirectory.create(run_dir, settings, task.data_hash)
    job = trainer.Trainer(task, run, port)
    try:
        job.run()
    finally:
        job.close()
