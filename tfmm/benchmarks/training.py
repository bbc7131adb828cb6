"""Speed of train steps from Reverb, against the same agent on one fixed batch."""

import numpy as np
import tensorflow as tf

from tfmm.benchmarks import collection, timing
from tfmm.environments.tape.task import TapeTask

_BATCH_SIZE, _STEPS = 64, 200


def run(task: TapeTask, repeats: int) -> dict[str, float]:
    """{"train_steps_per_s", "train_vs_fixed_batch"}; repeats: of which the fastest counts."""
    collector = collection.Collector(task, collection.ROWS)
    collector.collect()
    iterator = iter(collector.replay.dataset(_BATCH_SIZE))
    batch, _ = next(iterator)
    fixed = iter(tf.data.Dataset.from_tensors((batch, ())).repeat())

    @tf.function
    def loop(source, count):
        for _ in tf.range(count):
            collector.agent.train(next(source)[0])

    rates = []
    for _ in range(repeats):
        # alternately, as the load of the machine may change
        from_replay = timing.best(lambda: loop(iterator, tf.constant(_STEPS)), 1)
        from_fixed = timing.best(lambda: loop(fixed, tf.constant(_STEPS)), 1)
        rates.append((_STEPS / from_replay, _STEPS / from_fixed))
    steps_per_s, fixed_steps_per_s = np.max(rates, axis=0)
    collector.replay.close()
    return {"train_steps_per_s": steps_per_s, "train_vs_fixed_batch": steps_per_s / fixed_steps_per_s}
