"""One more collector process for a training job that was started with train.py --serve, here or on another machine.

Collectors may be started, stopped and killed at any time; one that loses its learner waits for it to come back.
Reverb has no authentication: use a private network only.
"""

import argparse
import pathlib
import secrets
import time

from tfmm import cli, errors
from tfmm.config import loading


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "config", type=pathlib.Path, help="the learner's configuration, as its run directory's config.toml"
    )
    parser.add_argument(
        "--server", metavar="HOST:PORT", required=True, help="address of the learner, see train.py --serve"
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a setting")
    parser.add_argument("--seed", type=int, help="of environment and noise; default: a new one every time")
    parser.add_argument("--wait", type=float, default=300.0, metavar="SECONDS", help="how long a learner may be silent")
    args = parser.parse_args()
    settings = loading.load(args.config, args.set)
    if args.wait <= 0 or (args.seed is not None and args.seed < 0):
        raise errors.ConfigError(f"--wait {args.wait:g} --seed {args.seed}: wanted above 0, at least 0")

    cli.quiet()
    from tfmm.training.distributed import collector

    began = time.perf_counter()
    seed = secrets.randbits(64) if args.seed is None else args.seed
    count = collector.collect(settings, args.server, args.wait, seed)
    print(f"training is over: {count} transitions collected, {count / (time.perf_counter() - began):.0f} a second")


if __name__ == "__main__":
    cli.run(main)
