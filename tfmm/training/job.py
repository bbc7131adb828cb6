"""A training job from settings to exported policy."""

import tensorflow as tf

from tfmm import config as config_lib
from tfmm.environments import factory
from tfmm.training import run_directory, serving, trainer

_SMALL = 128  # units


def train(settings, run_dir, resume, serve=None):
    """Trains in a new run directory, or goes on with the run in it.

    Args:
        settings: Config; with `resume` the run's own config.toml is used instead.
        run_dir: path. resume: bool.
        serve: HOST:PORT of this machine where collectors in other processes find the learner, which then collects
            the first random steps only; None: it collects everything itself.

    Raises:
        ConfigError, DataError: see config, Problem and RunDirectory. errors.Interrupted: see Trainer.run.
    """
    if resume:
        run = run_directory.RunDirectory.existing(run_dir)
        settings = config_lib.load(run.path / "config.toml")
    else:
        settings = config_lib.resolved(settings)
    port = None
    if serve is not None:
        serving.check(settings, f"--serve {serve}")
        host, port = serving.parse(serve, "--serve")
        serving.claim(host, port)
    prepare_devices(settings)
    problem = factory.open_problem(settings)
    if not resume:
        run = run_directory.RunDirectory.create(run_dir, settings, problem.data_hash)
    job = trainer.Trainer(problem, run, port)
    try:
        job.run()
    finally:
        job.close()


def prepare_devices(settings):
    """Threads by the size of the networks, which train faster on one if they are small, and GPU memory as it is needed.

    Call it before TensorFlow does anything.
    """
    agent = settings.agent
    widest = max(
        agent.actor_layers + agent.critic_observation_layers + agent.critic_action_layers + agent.critic_joint_layers
    )
    threads = settings.train.threads or (1 if widest <= _SMALL else 0)
    for gpu in tf.config.list_physical_devices("GPU"):
        # else TensorFlow takes all of its memory, and the evaluation beside it finds none
        tf.config.experimental.set_memory_growth(gpu, True)
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
