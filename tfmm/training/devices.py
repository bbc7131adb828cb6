"""Where TensorFlow computes: threads, GPU memory, and the strategy that the agent and its learner are made under."""

import contextlib

import absl.flags
import tensorflow as tf

from tfmm import errors
from tfmm.config import experiment as experiment_lib, training

_SMALL = 128  # units


def prepare(config: experiment_lib.Config) -> None:
    """Threads by the size of the networks, which train faster on one if they are small, and GPU memory as it is needed.

    Call it before TensorFlow does anything.

    Raises:
        ConfigError: train.device is gpu and TensorFlow sees none.
    """
    agent, gpus = config.agent, _gpus()
    if config.train.device == "gpu" and not gpus:
        raise errors.ConfigError(
            "train.device is gpu and TensorFlow sees no GPU, wanted one with its driver and the extra `gpu` installed, "
            "or auto or cpu"
        )
    if config.train.device == "cpu":
        tf.config.set_visible_devices([], "GPU")
        gpus = []
    for gpu in gpus:
        # else TensorFlow takes all of its memory, and the evaluation beside it finds none
        tf.config.experimental.set_memory_growth(gpu, True)
    widest = max(agent.hidden_layers, default=0)
    threads = config.train.threads or (1 if widest <= _SMALL else 0)
    if threads:
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)


def strategy(settings: training.Train) -> tf.distribute.Strategy:
    """TF-Agents' strategy for train.device: mirrored on the GPU where there is one to be used, else the default one.

    Args:
        settings: section [train].
    """
    if settings.device == "cpu" or not _gpus():
        return tf.distribute.get_strategy()
    with _no_new_flags():
        from tf_agents.train.utils import strategy_utils
    return strategy_utils.get_strategy(tpu=None, use_gpu=True)


def _gpus():
    return tf.config.list_physical_devices("GPU")


@contextlib.contextmanager
def _no_new_flags():
    """Takes back the command-line flags that importing strategy_utils defines."""
    before = set(absl.flags.FLAGS)
    yield
    for name in set(absl.flags.FLAGS) - before:
        delattr(absl.flags.FLAGS, name)
