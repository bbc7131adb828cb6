"""Options of quote.py: what cannot be, in a line, and those of a Desk."""

import argparse
import sys

from tfmm import errors
from tfmm.config import experiment
from tfmm.live import desk


def fills(args: argparse.Namespace, config: experiment.Config) -> str:
    """--fills, or without it `simulated`; `reported`, said on stderr, where a policy's clients cannot be simulated."""
    if args.fills or args.paper or not config.clients.informed:
        return args.fills or "simulated"
    print(
        "note: fills are those that --fills reported takes: clients.informed is above 0, and a live market has no "
        "future that clients could know",
        file=sys.stderr,
    )
    return "reported"


def check(args: argparse.Namespace) -> None:
    """Raises ConfigError for options that cannot be."""
    if args.until is not None and not 0 <= args.until < 2**62:
        raise errors.ConfigError(f"--until {args.until}: wanted a time in ns UTC, from 0 to 2^62")
    if args.paper and args.fills == "reported":
        raise errors.ConfigError("--paper FILE keeps simulated fills, wanted no --fills reported beside it")
    if not 0.0 <= args.hold <= 60.0 or args.max_errors < 0:
        raise errors.ConfigError(f"--hold {args.hold} --max-errors {args.max_errors}: wanted 0 to 60 s, 0 or more")
    for name, value in (("--max-jump", args.max_jump), ("--every", args.every)):
        if not 0 < value <= 1e6:
            raise errors.ConfigError(f"{name} {value}: wanted seconds, above 0 and at most 1e6")
    if args.resume and args.state is None:
        raise errors.ConfigError("--resume goes on from a state, wanted --state FILE too")
    if args.state is not None and (args.ws or args.paper):
        raise errors.ConfigError("--state holds no paper account and no stream, wanted no --ws or --paper beside it")
    if args.status is not None and args.ws:
        raise errors.ConfigError("--status is of lines on stdin or of a tape, wanted no --ws beside it")
    for name, path in (("--state", args.state), ("--status", args.status)):
        is_other = path is not None and path.exists() and not path.is_file()
        if path is not None and (is_other or not path.absolute().parent.is_dir()):
            raise errors.ConfigError(f"{name} {path}: wanted a file in a folder that is there")
    if sys.stdin is None and not (args.tape or args.ws):
        raise errors.ConfigError("stdin is closed, wanted lines on it, --tape or --ws")


def of_desk(args: argparse.Namespace) -> desk.Options:
    """The options of a Desk."""
    settings = {"fills": args.fills, "until": args.until, "tape": args.tape, "max_jump": args.max_jump}
    return desk.Options(
        max_errors=args.max_errors, status=args.status, state=args.state, every_s=args.every, settings=settings
    )
