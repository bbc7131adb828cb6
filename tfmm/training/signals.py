"""SIGINT and SIGTERM as a number to look at between two steps, so that work ends where it can be saved."""

import signal


class Stop:
    """Context in which the signals only set `number`; a second one of the same kind works as usual."""

    def __init__(self):
        self.number = 0
        self._previous = {}

    def _note(self, number, _):
        self.number = number
        signal.signal(number, self._previous[number])

    def __enter__(self):
        self._previous = {number: signal.signal(number, self._note) for number in (signal.SIGINT, signal.SIGTERM)}
        return self

    def __exit__(self, *_):
        for number, handler in self._previous.items():
            signal.signal(number, handler)
