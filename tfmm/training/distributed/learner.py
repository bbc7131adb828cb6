"""A learner whose transitions come from other processes: its address, the ratio it keeps, its messages to them.

Reverb listens on every interface of the machine, whatever address is given, and asks nobody who they are.
"""

import math
import socket
import time

import reverb

from tfmm import errors
from tfmm.agents import factory as agents
from tfmm.training import metrics
from tfmm.training.distributed import report_table, weight_table

_POLL_S = 0.02
_LINGER_S, _LONGEST_LINGER_S = 3.0, 30.0  # for collectors to read that training is over
_SLACK = 256  # items that sampling may run ahead: what the dataset holds ready


def parse(text, option):
    """(host, port) of HOST:PORT."""
    host, _, port = text.rpartition(":")
    if not host or not port.isdecimal() or not 0 < int(port) < 65536:
        raise errors.ConfigError(f"{option} {text}: wanted HOST:PORT, as 10.0.0.5:8500")
    return host, int(port)


def check(settings, option):
    """Raises ConfigError where transitions of other processes cannot be learned from."""
    if settings.collect.mode != "batch":
        raise errors.ConfigError(f"{option}: collect.mode is {settings.collect.mode}, wanted batch")
    if agents.on_policy(settings.agent):
        raise errors.ConfigError(f"{option}: agent.name is {settings.agent.name}, wanted one that learns off policy")
    if settings.train.prioritized:
        raise errors.ConfigError(
            f"{option}: train.sampler is prioritized, wanted uniform: collectors do not know the highest priority"
        )


def claim(host, port):
    """Checks that the address is this machine's and free: Reverb itself would share a port with another learner."""
    try:
        with socket.create_server((host, port), reuse_port=False):
            pass
    except OSError as error:
        reason = error.strerror or str(error)
        raise errors.ConfigError(
            f"--serve {host}:{port}: {reason}, wanted an address of this machine with a free port"
        ) from error


def ratio(settings):
    """Items sampled per item inserted, as one process alone would: (train steps x batch) / (collect steps x rows)."""
    train, collect = settings.train, settings.collect
    trained = train.steps_per_iteration * train.batch_size
    return trained / (collect.steps_per_iteration * settings.environment.rows)


def needed(settings, iterations):
    """Items that so many train steps sample."""
    return iterations * settings.train.batch_size / settings.environment.rows


def limiter(settings, capacity):
    """Reverb's rate limiter that keeps the ratio, once the random steps are in; capacity: of the table, items."""
    per_insert = ratio(settings)
    least = max(1, min(settings.collect.initial_steps - settings.agent.n_step, capacity))
    slack = max(_SLACK, 4 * needed(settings, settings.train.steps_per_iteration), 64 * per_insert)
    return reverb.rate_limiters.SampleToInsertRatio(per_insert, least, float(slack))


class Serving:
    """What a learner does for its collectors.

    Args:
        task: see environments.factory. replay: replay.Replay with a limiter. variables: of the policy.
        stop: interruption.Stop. reported: names of what collectors report.
    """

    def __init__(self, task, replay, variables, stop, reported):
        self._reported = reported
        self._settings, self._replay, self._variables, self._stop = task.config, replay, variables, stop
        self._digests = weight_table.digests(task)
        self._published = -math.inf

    def publish(self, step, finished=False):
        weight_table.publish(self._replay.client, self._variables, step, self._digests, finished)
        self._published = step

    def publish_when_due(self, step):
        if step >= self._published + self._settings.train.publish_interval:
            self.publish(step)

    def finish(self, step):
        """Tells collectors that training is over, and stays until none of them has sent anything for a while."""
        self.publish(step, finished=True)
        began, inserted = time.monotonic(), -1
        while time.monotonic() < began + _LONGEST_LINGER_S:
            before, inserted = inserted, self._replay.info().rate_limiter_info.insert_stats.completed
            if inserted == before:
                break
            time.sleep(_LINGER_S)

    def wait(self, iterations):
        """Waits until that many train steps can run without waiting, or a signal came.

        Raises:
            DataError: nothing came for train.replay_timeout_s.
        """
        items, limit_s = needed(self._settings, iterations), self._settings.train.replay_timeout_s
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
                raise errors.DataError(
                    f"replay on port {self._replay.port}: no transition came for {limit_s:g} s "
                    "(train.replay_timeout_s), wanted a running pipelines/collect.py; checkpoint saved, go on with "
                    "--resume --serve"
                )
            time.sleep(_POLL_S)

    def record(self):
        """What is logged of the steps that collectors reported since the last record."""
        return metrics.means(self._reported, report_table.take(self._replay.client, self._reported))

    def transitions(self):
        """Rows of all items that ever came, steps between episodes included."""
        return self._replay.info().rate_limiter_info.insert_stats.completed * self._settings.environment.rows
