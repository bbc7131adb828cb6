"""What every script shares: errors as one line, exit codes, a quiet TensorFlow."""

import argparse
import contextlib
import logging
import os
import signal
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import Any, NoReturn

from tfmm import errors


def run(main: Callable[[], int | None]) -> NoReturn:
    """Calls main() and exits, see code_of."""
    sys.exit(code_of(main))


def code_of(main: Callable[[], int | None]) -> int:
    """Calls main(); returns the exit code.

    0: done. 2: the input is wrong (one line on stderr). 3: training diverged (one line). 128 + n: stopped by signal n.
    """
    try:
        code = main()
    except errors.TfmmError as error:
        code = _complain(error)
    except OSError as error:
        code = _complain(f"{error.filename or 'file system'}: {error.strerror or error}")
    except errors.Diverged as error:
        code = _complain(error, 3)
    except errors.Interrupted as stop:
        print(stop, file=sys.stderr)
        code = 128 + stop.number
    except KeyboardInterrupt:
        code = 130
    return code or 0


@contextlib.contextmanager
def interruptible() -> Iterator[None]:
    """Context in which SIGINT and SIGTERM raise errors.Interrupted, wherever the main thread is; a second one too."""

    def stop(number, _):
        raise errors.Interrupted(f"stopped by {signal.Signals(number).name}", number)

    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def quiet() -> None:
    """Keeps TensorFlow, its optional parts and gym from writing what no user can act on. Call before importing them."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    warnings.filterwarnings("ignore", category=SyntaxWarning)  # code that autograph generates
    import absl.logging
    import gym_notices.notices

    absl.logging.set_verbosity(absl.logging.ERROR)
    logging.getLogger("tensorflow").setLevel(logging.ERROR)
    logging.basicConfig(level=logging.WARNING, format="%(message)s", force=True)
    logging.getLogger("tfmm").setLevel(logging.INFO)

    gym_notices.notices.notices.clear()


def renamed_option(parser: argparse.ArgumentParser, old: str, new: str) -> None:
    """Adds an option of an earlier version to a parser: not in the help, it raises ConfigError with the new name."""

    class Renamed(argparse.Action):
        def __call__(self, *_: Any) -> NoReturn:
            raise errors.ConfigError(f"{old} is now {new}")

    parser.add_argument(old, action=Renamed, nargs="*", help=argparse.SUPPRESS, dest=argparse.SUPPRESS)


def _complain(what, code=2):
    print(f"error: {' '.join(str(what).split())}", file=sys.stderr)
    return code
