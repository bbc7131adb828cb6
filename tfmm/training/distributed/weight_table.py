"""The weights of the policy as a table of the replay server: the learner publishes, collectors follow.

A message has the train step, whether training is over, a digest of each section of settings that learner and
collectors must share, and the policy's variables.
"""

import hashlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np
import reverb
import tensorflow as tf

from tfmm.arrays import Array
from tfmm.config import examples
from tfmm.environments import task as task_lib

TABLE = "weights"
SHARED = ("data", "clients", "model", "rules", "environment", *examples.SECTIONS)
"""Sections that decide what a transition means."""


def digests(task: task_lib.Task) -> Array:
    """(len(SHARED), 32) uint8: SHA-256 of the sections; of [data] with the hash of the data, and without any paths."""
    settings = task.config
    data = msgspec.structs.replace(settings.data, store=task.data_hash)
    daily = msgspec.structs.replace(settings.daily_trading, train="", test="", macro=())
    settings = msgspec.structs.replace(settings, data=data, daily_trading=daily)
    sections = [getattr(settings, name) for name in SHARED]
    return np.array([list(hashlib.sha256(msgspec.json.encode(one)).digest()) for one in sections], np.uint8)


def table(variables: Sequence[tf.Variable]) -> reverb.Table:
    """A Reverb table that holds the newest message."""
    return reverb.Table(
        TABLE,
        sampler=reverb.selectors.Uniform(),
        remover=reverb.selectors.Fifo(),
        rate_limiter=reverb.rate_limiters.MinSize(1),
        max_size=1,
        signature={
            "train_step": tf.TensorSpec((), tf.int64),
            "finished": tf.TensorSpec((), tf.bool),
            "digests": tf.TensorSpec((len(SHARED), 32), tf.uint8),
            "values": [tf.TensorSpec(variable.shape, variable.dtype) for variable in variables],
        },
    )


def publish(
    client: reverb.Client, variables: Sequence[tf.Variable], train_step: int, digests: Array, finished: bool = False
) -> None:
    """Replaces the message in the table."""
    message = {
        "train_step": np.int64(train_step),
        "finished": np.bool_(finished),
        "digests": digests,
        "values": [variable.numpy() for variable in variables],
    }
    client.insert(message, {TABLE: 1.0})


def pull(client: reverb.Client) -> dict[str, Any]:
    """The newest message; waits for ever where the server is gone, so call it in a thread that may be left behind."""
    (sample,) = client.sample(TABLE, 1, emit_timesteps=False, unpack_as_table_signature=True)
    return {name: [part[0] for part in value] if name == "values" else value[0] for name, value in sample.data.items()}
