"""Training job: store -> Reverb -> DDPG -> saved policy, in a run directory."""

import argparse
import pathlib

from tfmm import cli, errors
from tfmm.config import loading


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=pathlib.Path, help="TOML file; see configs/")
    parser.add_argument("--run-dir", type=pathlib.Path, help="default: runs/NAME_OF_CONFIG")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a setting")
    parser.add_argument(
        "--resume", action="store_true", help="continue from the last checkpoint, with the settings of the run"
    )
    parser.add_argument(
        "--serve", metavar="HOST:PORT",
        help="learn from pipelines/collect.py processes that connect to this address of this machine; Reverb listens "
        "on every interface and has no authentication, so on a private network only",
    )  # fmt: skip
    args = parser.parse_args()
    settings = loading.load(args.config, args.set)
    run_dir = args.run_dir or pathlib.Path("runs") / args.config.stem
    if args.resume and args.set:
        raise errors.ConfigError("--resume continues with the settings of the run directory, wanted no --set")

    cli.quiet()
    from tfmm.training import job

    job.train(settings, run_dir, args.resume, args.serve)
    print(f"policy: {run_dir / 'policy'}")


if __name__ == "__main__":
    cli.run(main)
