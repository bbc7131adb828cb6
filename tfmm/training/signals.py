"""SIGINT and SIGTERM as a number to look at between two steps, so that work ends where it can be saved."""

import signal
from types import FrameType
from typing import Any, Self


class Stop:
    """Context in which the signals only set `number`; a second one of the same kind works as usual."""

    def __init__(self) -> None:
        self.number = 0
        self._previous: dict[int, Any] = {}

    def _note(self, number: int, _: FrameType | None) -> None:
        self.number = number
        signal.signal(number, self._previous[number])

    def __enter__(self) -> Self:
        self._previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._previous.items():
            signal.signal(number, handler)
