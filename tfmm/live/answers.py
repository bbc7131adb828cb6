"""Lines of answers to the messages of a source, how long they took, and a status now and then."""

import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO

import msgspec
import numpy as np

from tfmm import errors
from tfmm.live import messages, session as session_lib
from tfmm.policies import saved

STATUS_S = 60.0


class Answers:
    """Answers messages with lines of JSON.

    Attributes:
        taken_s: seconds from the message to each answer.
    """

    def __init__(
        self, policy: saved.Policy, session: session_lib.Session | None, out: BinaryIO,
        status: Sequence[Callable[[], str]] = (),
    ) -> None:  # fmt: skip
        """
        Args:
            session: None: observations alone are answered. out: where the lines go.
            status: each returns lines that are written to stderr every minute and at the end.
        """
        self._policy, self._session, self._out, self._status = policy, session, out, status
        self.taken_s: list[float] = []

    def write(self, source: Iterable[tuple[str, messages.Message | messages.Observation, float]]) -> None:
        """Answers every (where it is, message, time.perf_counter() when it came) of a source.

        Raises:
            ConfigError: a market message, and no session. DataError: see Session.take.
        """
        told_s = time.monotonic()
        try:
            for where, message, came_s in source:
                self._answer(where, message, came_s)
                if time.monotonic() - told_s > STATUS_S:
                    told_s = time.monotonic()
                    self._tell()
            if self._session is not None:
                self._print(self._session.close(), time.perf_counter())
        finally:
            self._tell()

    def _answer(self, where, message, came_s):
        if isinstance(message, messages.Observation):
            self._print([[{"action": self._policy(message.observation)[0].tolist()}]], came_s)
        elif self._session is None:
            name = self._policy.config.environment.name
            raise errors.ConfigError(f"{where}: a policy of {name} answers observations only")
        else:
            self._print(self._session.take(message, where), came_s)

    def _print(self, decisions, last_s):
        for answers in decisions:
            for answer in answers:
                self._out.write(msgspec.json.encode(answer) + b"\n")
            self._out.flush()
            now_s = time.perf_counter()
            self.taken_s.append(now_s - last_s)
            last_s = now_s

    def _tell(self):
        lines = [line() for line in self._status]
        session = self._session
        if session is not None and (session.dropped or session.stream.late):
            lines.append(f"dropped: {session.dropped}, too late: {session.stream.late}")
        if self.taken_s:
            middle, high = 1e3 * np.percentile(self.taken_s, (50, 99))
            lines.append(f"quotes: {len(self.taken_s)}, latency p50 {middle:.2f} ms, p99 {high:.2f} ms")
        for line in lines:
            print(line, file=sys.stderr, flush=True)
