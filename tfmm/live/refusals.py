"""Input that is not understood: said in a line each, counted, and too much of it is an error."""

import logging

from tfmm import errors

_LOG = logging.getLogger(__name__)


class Refusals:
    """Counts what is not understood. count: up to now."""

    def __init__(self, most: int, option: str = "--max-errors") -> None:
        """most: so many are borne. option: that sets it, for the error."""
        self._most, self._option = most, option
        self.count = 0

    def __call__(self, error: errors.DataError) -> None:
        """Says why something was left out. Raises DataError: it was one too many."""
        self.count += 1
        if self.count > self._most:
            raise errors.DataError(f"{error}; more than {self._option} {self._most} were not understood") from error
        _LOG.warning("left out: %s", error)
