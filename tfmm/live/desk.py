"""Answers a feed line by line, and keeps what a desk needs to trust it: counts, a status, a state to resume from."""

import collections
import dataclasses
import datetime
import math
import pathlib
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, BinaryIO

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.live import guard as guard_lib, lines as lines_lib, messages, session as session_lib, state_file
from tfmm.policies import saved

_KEPT = 100_000  # latencies
Item = tuple[str, bytes | messages.Message | None, float]
"""(where it is, a line, None for one that is too long, b"" for none in a while, or a message, time received)."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Options:
    """max_errors: bad lines that are skipped. status, state: files, or None. every_s: how often they are written.

    settings: options of the session, which a state must agree with.
    """

    max_errors: int = 100
    status: pathlib.Path | None = None
    state: pathlib.Path | None = None
    every_s: float = 60.0
    settings: dict[str, Any] = dataclasses.field(default_factory=dict)


class Desk:
    """A feed answered by a policy.

    Attributes:
        lines: taken so far, those of the state that was resumed included. answers, bad_lines: likewise.
    """

    def __init__(
        self,
        policy: saved.Policy,
        session: session_lib.Session | None,
        guard: guard_lib.Guard | None,
        out: BinaryIO,
        options: Options,
        told: Sequence[Callable[[], str]] = (),
    ) -> None:
        """
        Args:
            session: None: observations alone are answered. guard: None: messages need no checks. out: gets the answers.
            told: each returns lines that are told with the status and at the end.
        """
        self._policy, self._session, self._guard = policy, session, guard
        self._out, self._options, self._told = out, options, told
        self.lines = self.answers = self.bad_lines = 0
        self._taken: collections.deque[float] = collections.deque(maxlen=_KEPT)
        self._last = time.perf_counter()
        self._first_error = ""
        self._has_good = self._told_unit = False
        self._policy_hash = state_file.policy_of(policy) if options.state else ""

    def resume(self) -> None:
        """Goes on from the state file. Raises DataError where it is none of this policy and these settings."""
        path, session, guard = self._options.state, self._session, self._guard
        if path is None or session is None:
            raise errors.ConfigError("--resume goes on from the file of --state, wanted both, and a policy of a market")
        header, arrays = state_file.read(path, self._policy_hash, self._options.settings)
        try:
            session.set_state(arrays)
            if guard is not None:
                guard.set_state(header.guard)
        except ValueError as error:
            raise errors.DataError(f"state {path}: {error}") from error
        self.lines, self.answers, self.bad_lines = header.lines, header.answers, header.bad_lines
        self._has_good = True
        print(f"resumed after line {self.lines} and {self.answers} quotes: send line {self.lines + 1} next",
              file=sys.stderr)  # fmt: skip

    def run(self, items: Iterable[Item], signals: lines_lib.Signals) -> None:
        """Answers all items.

        Raises:
            DataError: more bad lines than allowed, or none that is good; the state is saved before.
            Interrupted: by a signal, after the state was saved.
        """
        following = time.monotonic() + self._options.every_s
        try:
            for where, item, self._last in items:
                if item != b"":
                    self.lines += 1
                    self._take(where, item)
                if time.monotonic() >= following:
                    self._write_files()
                    following = time.monotonic() + self._options.every_s
            self._end(signals.stopped)
        except (errors.TfmmError, OSError):
            self._save()
            raise
        self._save()
        if signals.stopped:
            raise errors.Interrupted(f"stopped after line {self.lines}", signals.stopped)

    def _write_files(self):
        """Files that cannot be written now do not end the quotes."""
        try:
            self._report(always=True)
            for line in self._told:
                print(line(), file=sys.stderr)
            self._save()
        except OSError as error:
            print(f"not written: {error.filename or 'a file'}: {error.strerror or error}", file=sys.stderr)

    def _end(self, stopped):
        """The feed has ended: what is still due is answered, unless a state is to be gone on from."""
        if self._session is not None and not stopped and self._options.state is None:
            held = self._guard.close() if self._guard is not None else ()
            for message in held:
                self._answer(message, "end")
            for answers in self._session.close():
                self._write(answers)
        if not self._has_good and (self._first_error or self._rejected()):
            raise errors.DataError(self._first_error or f"no event can be true: {_listed(self._rejected())}")
        self._report(always=False)
        for line in self._told:
            print(line(), file=sys.stderr)
        if self._taken:
            middle, high = 1e3 * np.percentile(self._taken, (50, 99))
            print(f"quotes: {self.answers}, latency p50 {middle:.2f} ms, p99 {high:.2f} ms", file=sys.stderr)

    def _take(self, where, item):
        """A line or message; what is wrong with it is counted."""
        is_observation = False
        try:
            if item is None:
                raise errors.DataError(f"{where}: more than {lines_lib.LONGEST} bytes, wanted a JSON object")
            if isinstance(item, bytes):
                if item.isspace():
                    return
                item = messages.decode(item, where)
            is_observation = isinstance(item, messages.Observation)
            if is_observation:
                self._observation(item, where)
                return
            if self._session is None:
                name = self._policy.config.environment.name
                raise errors.DataError(f"{where}: a policy of {name} answers observations only")
            for message in (item,) if self._guard is None else self._guard.check(item, where):
                self._answer(message, where)
            self._tell_unit()
        except errors.DataError as error:
            self.bad_lines += 1
            self._first_error = self._first_error or str(error)
            if self.bad_lines > self._options.max_errors:
                if not self._options.max_errors:
                    raise
                raise errors.DataError(
                    f"{self.bad_lines} bad lines, wanted at most --max-errors {self._options.max_errors}; the first: "
                    f"{self._first_error}"
                ) from error
            if is_observation:  # keeps answers in step with observations
                self._write({"error": str(error)})

    def _observation(self, item, where):
        values = np.array(item.observation, np.float64)
        if not (np.abs(values) <= np.finfo(np.float32).max).all():
            raise errors.DataError(f"{where}: an observation beyond single precision")
        action = self._policy(values.astype(np.float32))[0]
        self._has_good = True
        self._write({"action": action.tolist()})

    def _answer(self, message, where):
        for answers in self._session.take(message, where):
            self._write(answers)
        self._has_good = True

    def _write(self, answers):
        for answer in answers if isinstance(answers, list) else [answers]:
            self._out.write(msgspec.json.encode(answer) + b"\n")
        self._out.flush()
        now = time.perf_counter()
        self._taken.append(now - self._last)
        self._last = now
        self.answers += 1

    def _tell_unit(self):
        if not self._told_unit and self._guard is not None and self._guard.unit:
            self._told_unit = True
            if self._guard.unit != "ns":
                unit = self._guard.unit
                print(f"times are in {unit} by their size: taken as such, those of answers are in ns", file=sys.stderr)

    def _rejected(self):
        """{reason: number} of all that was stopped on the way."""
        found = dict(self._guard.counts) if self._guard is not None else {}
        if self._session is not None:
            found |= self._session.dropped
            found |= {"late": self._session.stream.late} if self._session.stream.late else {}
        return found

    def status(self) -> dict[str, Any]:
        """What the status file holds; times in ns UTC, inventory in size units."""
        out = {
            "time_ns": time.time_ns(), "lines": self.lines, "quotes": self.answers, "bad_lines": self.bad_lines,
            "first_error": self._first_error, "rejected": self._rejected(),
        }  # fmt: skip
        if self._session is not None:
            stream = self._session.stream
            states = dict(zip((one.symbol for one in self._session.instruments), stream.instruments[0], strict=True))
            sizes = [one.lot_size for one in self._session.instruments]
            out |= {
                "event_ns": stream.seen_ns if stream.seen_ns > 0 else None,
                "decision_ns": stream.decision_ns,
                "market_known": {name: bool(one["has_market"]) for name, one in states.items()},
                "inventory": {
                    name: float(one["inventory_lot"] * size)
                    for (name, one), size in zip(states.items(), sizes, strict=True)
                },
            }
        return out

    def _report(self, always):
        """A line on stderr, of a feed without faults only where `always`; and the status file."""
        status = self.status()
        if self._options.status is not None:
            files.write_json(self._options.status, status)
        if always or status["bad_lines"] or status["rejected"]:
            parts = [f"{status['lines']} lines, {status['quotes']} quotes, {status['bad_lines']} bad lines"]
            if status["bad_lines"]:
                parts[0] += f" (the first: {status['first_error']})"
            parts.append(f"rejected: {_listed(status['rejected'])}")
            if status.get("event_ns") is not None:
                parts.append(f"last event {_utc(status['event_ns'])}")
                parts += [
                    f"{name}: inventory {held:+g}, market {'known' if status['market_known'][name] else 'unknown'}"
                    for name, held in status["inventory"].items()
                ]
            print(f"status: {'; '.join(parts)}", file=sys.stderr)

    def _save(self):
        if self._options.state is None or self._session is None:
            return
        guard = self._guard.get_state() if self._guard is not None else guard_lib.State()
        header = state_file.Header(
            state_file.VERSION, self._policy_hash, self._options.settings, self.lines, self.answers, self.bad_lines,
            guard,
        )  # fmt: skip
        state_file.write(self._options.state, header, self._session.get_state())


def _listed(counts):
    return ", ".join(f"{reason} {number}" for reason, number in counts.items()) or "none"


def _utc(ns):
    return f"{datetime.datetime.fromtimestamp(math.floor(ns / 1e9), datetime.UTC):%Y-%m-%d %H:%M:%S} UTC"


def of_lines(file: Any, signals: lines_lib.Signals, skipped: int, wait_s: float) -> Iterator[Item]:
    """Items of the lines of a file; the first one has number `skipped` + 1."""
    number = skipped
    for line in lines_lib.read(file, signals, wait_s):
        number += line != b""
        yield f"line {number}", line, time.perf_counter()


def of_messages(source: Iterable[messages.Message], signals: lines_lib.Signals, skipped: int) -> Iterator[Item]:
    """Items of messages but the first `skipped`."""
    for number, message in enumerate(source):
        if number >= skipped:
            yield f"tape row {number}", message, time.perf_counter()
        if signals.stopped:
            return
