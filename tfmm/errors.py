"""Errors that are the user's to mend; the scripts turn each into one line and exit code 2."""


class TfmmError(Exception):
    """Base of the errors below: one sentence that says what, where, got and wanted."""


class ConfigError(TfmmError):
    """A configuration file, a `--set` or an argument is wrong."""


class Interrupted(Exception):
    """SIGINT or SIGTERM stopped a job; what it had was saved. `number`: of the signal."""

    def __init__(self, message: str, number: int):
        super().__init__(message)
        self.number = number


class Diverged(Exception):
    """Training met a loss or a weight that is not finite and stopped; the last good checkpoint is whole."""


class DataError(TfmmError):
    """A market data file, a store or a policy directory is wrong."""
