"""Lines of a pipe or file as they come: bounded in length, with a look at the clock and at signals while none comes."""

import os
import select
import signal
from collections.abc import Iterator
from typing import Any, Self

LONGEST = 1 << 20
"""Bytes of a line; a longer one is skipped up to its end."""
_CHUNK = 1 << 16


class Signals:
    """Context in which SIGINT and SIGTERM only set `stopped` to their number, and wake up who waits for lines."""

    def __init__(self) -> None:
        self.stopped = 0
        self._previous: dict[int, Any] = {}
        self._wakeup, self._before = (-1, -1), -1

    def __enter__(self) -> Self:
        self._wakeup = os.pipe()
        for end in self._wakeup:
            os.set_blocking(end, False)
        self._before = signal.set_wakeup_fd(self._wakeup[1], warn_on_full_buffer=False)
        self._previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(self._before)
        for end in self._wakeup:
            os.close(end)

    def _note(self, number, _):
        self.stopped = number

    def wait(self, descriptor: int, wait_s: float) -> bool:
        """Waits for a descriptor to be readable, for a signal or for a time; whether it is readable."""
        ready, _, _ = select.select([descriptor, self._wakeup[0]], [], [], wait_s)
        if self._wakeup[0] in ready:
            os.read(self._wakeup[0], _CHUNK)
        return descriptor in ready


def read(file: Any, signals: Signals, wait_s: float) -> Iterator[bytes | None]:
    """Lines of a binary file with their ends, until its end or a signal.

    Args:
        file: one without a descriptor is read to its end without waiting. wait_s: longest time without a line.

    Yields:
        A line; None for one longer than LONGEST; b"" after wait_s without one.
    """
    rest, is_long = b"", False
    for chunk in _chunks(file, signals, wait_s):
        if not chunk:
            yield chunk
            continue
        *whole, rest = (rest + chunk).split(b"\n")
        for line in whole:
            yield None if is_long or len(line) > LONGEST else line + b"\n"
            is_long = False
            if signals.stopped:
                return
        if len(rest) > LONGEST:
            rest, is_long = b"", True
    if not signals.stopped and (rest or is_long):
        yield None if is_long else rest


def _chunks(file, signals, wait_s):
    """Bytes as they come; none after wait_s without any."""
    try:
        descriptor = file.fileno()
    except (AttributeError, OSError):
        while not signals.stopped and (chunk := file.read(_CHUNK)):
            yield chunk
        return
    while not signals.stopped:
        if not signals.wait(descriptor, wait_s):
            yield b""
        elif chunk := os.read(descriptor, _CHUNK):
            yield chunk
        else:
            return
