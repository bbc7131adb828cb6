"""A learner whose transitions come from other processes: its address, the ratio it keeps, its messages to them.

Reverb listens on every interface of the machine, whatever address is given, and asks nobody who they are.
"""

import math
import socket
import time
from collections.abc import Callable, Sequence

import numpy as np
import reverb
from tf_agents.agents import tf_agent
from tf_agents.metrics import py_metric

from tfmm import errors
from tfmm.agents import factory as agents
from tfmm.config import experiment as experiment_lib
from tfmm.environments import task as task_lib
from tfmm.training import metrics, signals
from tfmm.training.distributed import report_table, weight_table
from tfmm.training.replay import server as server_lib

_POLL_S = 0.02
_LINGER_S, _LONGEST_LINGER_S = 3.0, 30.0  # for collectors to read that training is over
_RETURN_S = 30.0  # for collectors to find a learner again: gRPC asks an absent one ever more rarely
_SLACK = 256  # items that sampling may run ahead: what the dataset holds ready


def parse(text: str, option: str) -> tuple[str, int]:
    """(host, port) of HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise errors.ConfigError(f"{option} {text}: wanted HOST:PORT, as 10.0.0.5:8500")
    return host, int(port)


def check(config: experiment_lib.Config, option: str) -> None:
    """Raises ConfigError where transitions of other processes cannot be learned from."""
    if config.collect.mode != "batch":
        raise errors.ConfigError(f"{option}: collect.mode is {config.collect.mode}, wanted batch")
    if agents.on_policy(config.agent):
        raise errors.ConfigError(f"{option}: agent.name is {config.agent.name}, wanted one that learns off policy")


def claim(host: str, port: int) -> None:
    """Checks that the address is this machine's and free: Reverb itself would share a port with another learner."""
    try:
        with socket.create_server((host, port), reuse_port=False):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise errors.ConfigError(
            f"--serve {host}:{port}: {reason}, wanted an address of this machine with a free port"
        ) from error


def ratio(config: experiment_lib.Config) -> float:
    """Items sampled per item inserted, as one process alone would: (train steps x batch) / (collect steps x rows)."""
    train, collect = config.train, config.collect
    trained = train.steps_per_iteration * train.batch_size
    return trained / (collect.steps_per_iteration * config.environment.rows)


def needed(config: experiment_lib.Config, iterations: int) -> float:
    """Items that `iterations` train steps sample."""
    return iterations * config.train.batch_size / config.environment.rows


def limiter(config: experiment_lib.Config, capacity: int) -> reverb.rate_limiters.RateLimiter:
    """Reverb's rate limiter that keeps the ratio, once the random steps are in; capacity: of the table, items."""
    per_insert = ratio(config)
    least = max(1, min(config.collect.initial_steps - config.agent.n_step, capacity))
    slack = max(_SLACK, 4 * needed(config, config.train.steps_per_iteration), 64 * per_insert)
    return reverb.rate_limiters.SampleToInsertRatio(per_insert, least, float(slack))


def service(
    config: experiment_lib.Config, port: int, agent: tf_agent.TFAgent, reported: Sequence[str]
) -> server_lib.Service:
    """Port, rate limiter and tables of a replay server that collectors fill. reported: names of their statistics."""
    capacity = server_lib.items(config.train.replay_capacity, config.environment.rows)
    tables = weight_table.table(agent.policy.variables()), report_table.table(reported)
    return server_lib.Service(port, limiter(config, capacity), tables)


class Reports(py_metric.PyMetric):
    """metrics.Collected of other processes: the means over the steps that they reported since `reset`.

    Args:
        replay: whose server has the reports. names: of the statistics. rows: B of a collector.
    """

    def __init__(self, replay: server_lib.Replay, names: Sequence[str], rows: int) -> None:
        super().__init__("reports", "collect")
        self._replay, self._names, self._rows = replay, names, rows
        self._sums = np.zeros(len(names))

    @property
    def transitions(self) -> int:
        """Rows of all items that ever came, steps between episodes included."""
        return self._replay.info().rate_limiter_info.insert_stats.completed * self._rows

    def result(self) -> dict[str, float]:
        """See metrics.means."""
        self._sums = self._sums + report_table.take(self._replay.client, self._names)
        return metrics.means(self._names, self._sums)

    def reset(self) -> None:
        """Begins the sums anew."""
        self._sums = np.zeros(len(self._names))


class Serving:
    """Serves collectors instead of a driver: publishes weights, and waits for transitions.

    Args:
        task: see environments.factory. replay: server.Replay with a limiter. agent: whose policy is published.
        stop: signals.Stop. save: writes a checkpoint. resumed: whether collectors may still look for this learner.
    """

    def __init__(
        self,
        task: task_lib.Task,
        replay: server_lib.Replay,
        agent: tf_agent.TFAgent,
        stop: signals.Stop,
        save: Callable[[], None],
        resumed: bool = False,
    ) -> None:
        self._config, self._replay, self._variables = task.config, replay, agent.policy.variables()
        self._stop, self._save = stop, save
        self._digests = weight_table.digests(task)
        self._published = -math.inf
        self._found_by = time.monotonic() + (_RETURN_S if resumed else 0.0)

    def _publish(self, step, finished=False):
        weight_table.publish(self._replay.client, self._variables, step, self._digests, finished)
        self._published = step

    def finish(self, step: int) -> None:
        """Tells collectors that training is over, and stays until none of them has sent anything for a while and those
        of a training that was resumed have had time to find it."""
        self._publish(step, finished=True)
        began, inserted = time.monotonic(), -1
        while time.monotonic() < began + _LONGEST_LINGER_S:
            before, inserted = inserted, self._replay.info().rate_limiter_info.insert_stats.completed
            if inserted == before and time.monotonic() > self._found_by:
                break
            time.sleep(_LINGER_S)

    def run(self, step: int, iterations: int) -> None:
        """Publishes the weights of a train step when it is time, then waits until `iterations` train steps can run
        without waiting, or a signal came.

        Raises:
            DataError: nothing came for train.replay_timeout_s; a checkpoint is saved.
        """
        if step >= self._published + self._config.train.publish_interval:
            self._publish(step)
        items, limit_s = needed(self._config, iterations), self._config.train.replay_timeout_s
        inserted, since = -1, time.monotonic()
        while not self._stop.number:
            info = self._replay.info().rate_limiter_info
            now = info.insert_stats.completed
            allowed = now * info.samples_per_insert - info.sample_stats.completed - info.min_diff
            if allowed >= items:
                return
            if now != inserted:
                inserted, since = now, time.monotonic()
            elif time.monotonic() - since > limit_s:
                self._save()
                raise errors.DataError(
                    f"replay on port {self._replay.port}: no transition came for {limit_s:g} s "
                    "(train.replay_timeout_s), wanted a running pipelines/collect.py; checkpoint saved, go on with "
                    "--resume --serve"
                )
            time.sleep(_POLL_S)
