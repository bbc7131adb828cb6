"""A collector process: follows a learner's weights and fills its replay, from this machine or another."""

import logging
import queue
import socket
import threading
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
import reverb
import tensorflow as tf
import tqdm
import tree

from tfmm import errors
from tfmm.agents import factory as agents
from tfmm.arrays import Array
from tfmm.config import experiment as experiment_lib
from tfmm.environments import factory
from tfmm.training import collection, devices, exploration, metrics, signals
from tfmm.training.distributed import learner, report_table, weight_table
from tfmm.training.replay import server as server_lib, writers

_ANSWER_S = 2  # a server that is there answers within
_FLUSH_MS = 1000
_KNOCK_S = 0.2  # between two looks for a learner that is not there
_PULL_S = 1.0  # between two looks at the weights
_REPORT_S = 1.0
_SILENT = (reverb.errors.ReverbError, RuntimeError)
_LOG = logging.getLogger(__name__)


class _Finished(Exception):
    """The learner says that training is over."""


class Link:
    """The connection to a learner. Every wait has a limit and ends with a signal.

    Args:
        address: HOST:PORT. signature: of an item of this collector. variables: of its policy.
        digests: see weight_table.digests. limit_s: how long a learner may be silent. stop: signals.Stop.
    """

    def __init__(
        self,
        address: str,
        signature: Any,
        variables: Sequence[tf.Variable],
        digests: Array,
        limit_s: float,
        stop: signals.Stop,
    ) -> None:
        self._address, self._limit_s, self._stop = address, limit_s, stop
        self._host_port = learner.parse(address, "--server")
        self._signature, self._variables, self._digests = signature, variables, digests
        self._messages: queue.Queue[dict[str, Any]] = queue.Queue()
        self._step = -1
        self._closed = threading.Event()
        self._follower: threading.Thread | None = None
        self.client = reverb.Client(address)

    @property
    def train_step(self) -> int:
        """Of the weights that the policy has; -1 before `connect`."""
        return self._step

    def connect(self) -> None:
        """Waits for the learner and its first weights.

        Raises:
            ConfigError: nobody answers at the address, or a learner of other settings. Interrupted: after a signal.
        """
        _LOG.info("waiting up to %g s for learner %s", self._limit_s, self._address)
        self._wait_for_answer()
        self._follower = threading.Thread(target=self._follow, daemon=True)
        self._follower.start()
        since = time.monotonic()
        while self._step < 0:
            self.check()
            if not self._published():
                since = time.monotonic()  # the learner is still at its first random steps
            elif time.monotonic() - since > self._limit_s:
                raise errors.ConfigError(f"--server {self._address}: no weights came within {self._limit_s:g} s")
            time.sleep(0.1)

    def check(self) -> None:
        """Takes over new weights; called between two steps and while the learner lets nothing in.

        Raises:
            _Finished: training is over. ConfigError, Interrupted: see `connect`.
        """
        if self._stop.number:
            raise errors.Interrupted("stopped", self._stop.number)
        message = None
        while not self._messages.empty():
            message = self._messages.get()
        if message is None:
            return
        self._compare_digests(message["digests"])
        if message["finished"]:
            raise _Finished
        for variable, value in zip(self._variables, message["values"], strict=True):
            variable.assign(value)
        self._step = int(message["train_step"])

    def check_server(self) -> None:
        """`check`, and waits for the learner to come back if it does not answer: it may be under way again soon."""
        self.check()
        self._published()

    def _published(self):
        """Whether there are weights; waits for the learner if it does not answer."""
        try:
            tables = self.client.server_info(_ANSWER_S)
        except _SILENT:
            _LOG.warning("learner %s does not answer, waiting up to %g s for it", self._address, self._limit_s)
            tables = self._wait_for_answer()
            _LOG.warning("learner %s is back", self._address)
        return weight_table.TABLE in tables and tables[weight_table.TABLE].current_size > 0

    def _wait_for_answer(self):
        since = time.monotonic()
        while True:
            if self._stop.number:
                raise errors.Interrupted("stopped", self._stop.number)
            try:
                # the port first: what asks an address where nobody listens through gRPC may ask again only after a
                # time that grows with the absence, up to two minutes
                with socket.create_connection(self._host_port, _ANSWER_S):
                    pass
                tables = reverb.Client(self._address).server_info(_ANSWER_S)
            except (OSError, *_SILENT):
                time.sleep(_KNOCK_S)
                if time.monotonic() - since > self._limit_s:
                    raise errors.ConfigError(
                        f"--server {self._address}: no learner answers for {self._limit_s:g} s, wanted the address "
                        "of a running train.py --serve"
                    ) from None
            else:
                self._compare_tables(tables)
                return tables

    def _follow(self):
        # Reverb waits for ever for a server that is gone, and finds it again when it comes back
        seen = None
        while not self._closed.is_set():
            try:
                message = weight_table.pull(self.client)
            except _SILENT:
                time.sleep(_PULL_S)
                continue
            identity = int(message["train_step"]), bool(message["finished"])
            if identity != seen:
                self._messages.put(message)
                seen = identity
            self._closed.wait(_PULL_S)

    def close(self) -> None:
        """Stops listening: a process that ends while Reverb samples in a thread is aborted, whatever its exit code."""
        self._closed.set()
        if self._follower is not None:
            self._follower.join(_ANSWER_S)

    def _compare_tables(self, tables):
        if not {server_lib.TABLE, weight_table.TABLE, report_table.TABLE} <= tables.keys():
            raise errors.ConfigError(
                f"--server {self._address}: a Reverb server with tables {', '.join(sorted(tables))}, wanted that of "
                "train.py --serve"
            )
        learners = _shapes(tables[server_lib.TABLE].signature), _shapes(tables[weight_table.TABLE].signature["values"])
        own = _shapes(self._signature), [(tuple(one.shape), one.dtype) for one in self._variables]
        for what, theirs, ours in zip(("transitions", "policy"), learners, own, strict=True):
            if theirs != ours:
                pair = next((pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]), None)
                found = (
                    f"{len(theirs)} parts, not {len(ours)}"
                    if pair is None
                    else f"{_text(pair[0])}, not {_text(pair[1])}"
                )
                raise errors.ConfigError(
                    f"--server {self._address}: the learner's {what} have {found}, wanted its own configuration "
                    "(environment.rows, features, actions, agent.n_step, agent.actor_layers)"
                )

    def _compare_digests(self, theirs):
        pairs = zip(weight_table.SHARED, theirs, self._digests, strict=True)
        other = [f"[{name}]" for name, one, two in pairs if (one != two).any()]
        if other:
            raise errors.ConfigError(
                f"--server {self._address}: the learner has another {', '.join(other)} or other data, wanted its own "
                "configuration and store"
            )


class Writer(writers.BatchWriter):
    """A BatchWriter that keeps an eye on the learner while it waits to be let in."""

    def __init__(self, link: Link, length: int) -> None:
        super().__init__(link.client, length)
        self._link = link

    def flush(self) -> None:
        _flush(self._writer, self._link)


class Reporter:
    """Sends the learner every few seconds the statistics of the steps since the last report."""

    def __init__(self, link: Link, collected: metrics.Collected) -> None:
        self._link, self._collected = link, collected
        self._writer = link.client.trajectory_writer(num_keep_alive_refs=1)
        self._last = time.monotonic()

    def report_when_due(self) -> None:
        """Sends a report if it is time."""
        if time.monotonic() - self._last < _REPORT_S:
            return
        self._last = time.monotonic()
        report_table.send(self._writer, self._collected.sums())
        self._collected.reset()
        _flush(self._writer, self._link)


def collect(config: experiment_lib.Config, address: str, limit_s: float, seed: int) -> int:
    """Collects for the learner at `address` until training is over.

    Args:
        config: the learner's, except for data.store. limit_s: how long a learner may be silent.
        seed: of environment and noise, another one for every collector.

    Returns:
        Transitions collected.

    Raises:
        ConfigError: see Link. DataError: see environments.factory. Interrupted: after a signal.
    """
    learner.parse(address, "--server")
    learner.check(config, f"--server {address}")
    devices.prepare(config)
    task = factory.open_task(config)
    rows = config.environment.rows
    # the third was of random actions, which only the learner plays
    env_seed, noise_seed, _ = map(int, np.random.SeedSequence(seed).generate_state(3))
    env = task.environment("train", rows, env_seed)
    agent, _ = agents.create_agent(config, collection.tf_environment(env))
    noise, collected = exploration.create(config.agent, env.action_spec(), rows, noise_seed), metrics.Collected(env)
    length = config.agent.n_step + 1
    signature = server_lib.signature(agent.collect_data_spec, rows, length)
    with signals.Stop() as stop, tqdm.tqdm(unit="transition", unit_scale=True, disable=None) as bar:
        link = Link(address, signature, agent.policy.variables(), weight_table.digests(task), limit_s, stop)
        try:
            link.connect()
            _LOG.info("collecting for %s from train step %d on", address, link.train_step)
            policy, writer = collection.collect_policy(agent, env, noise), Writer(link, length)
            collector = collection.Collector(config, env, policy, noise, writer, collected)
            reporter = Reporter(link, collected)
            while True:
                link.check()
                collector.run()
                reporter.report_when_due()
                bar.update(collected.transitions - bar.n)
        except _Finished:
            return collected.transitions
        finally:
            link.close()


def _flush(writer, link):
    while True:
        try:
            writer.flush(0, _FLUSH_MS)
            return
        except reverb.errors.DeadlineExceededError:
            link.check_server()


def _shapes(signature):
    return [(tuple(one.shape), one.dtype) for one in tree.flatten(signature)]


def _text(shape):
    return f"{tf.as_dtype(shape[1]).name} {list(shape[0])}"
