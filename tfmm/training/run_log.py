"""Numbers at a train step, in metrics.jsonl and for TensorBoard."""

import tensorflow as tf
from tf_agents.metrics import py_metric

from tfmm.training import critic_values, exploration, metrics, run_directory
from tfmm.training.distributed import learner as serving_lib


def write(run: run_directory.RunDirectory, step: int, record: dict[str, float]) -> None:
    """Writes {name: number} to both; call it in a trigger, where the summary writer of the Learner is the default."""
    run.log({"step": step, **record})
    with tf.summary.record_if(True):
        for name, value in record.items():
            tf.summary.scalar(name, value, step=step)


class RunLog:
    """The record of all metrics of a training since the last one.

    Args:
        run: where it is written. train_step: the step variable. losses, values: of learner and critic.
        collected: of this process, or of other ones. noise: of the exploration of this process, or None.
    """

    def __init__(
        self,
        run: run_directory.RunDirectory,
        train_step: tf.Variable,
        losses: metrics.Losses,
        values: critic_values.CriticValues,
        collected: metrics.Collected | serving_lib.Reports,
        noise: exploration.Exploration | None,
    ) -> None:
        self._run, self._train_step = run, train_step
        self._update_to_data = metrics.UpdateToData(train_step, lambda: collected.transitions)
        self._metrics: list[py_metric.PyMetric] = [
            losses,
            values,
            metrics.Reading("resident_mb", "job", critic_values.resident_mb),
            collected,
            metrics.Reading("transitions", "collect", lambda: collected.transitions),
            *([] if noise is None else [noise.metric()]),
            self._update_to_data,
        ]

    def begin(self) -> None:
        """Transitions of a warm-up do not count as collected beside train steps."""
        self._update_to_data.reset()

    def write(self) -> None:
        """Writes the record; the metrics begin anew."""
        write(self._run, int(self._train_step.numpy()), metrics.record(self._metrics))
