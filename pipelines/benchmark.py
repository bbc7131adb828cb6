"""Speed of every stage, as ratios to references measured in the same run."""

import argparse
import pathlib

from tfmm import cli, errors, files
from tfmm.config import loading

SCRIPTS = pathlib.Path(__file__).resolve().parent
NOTEBOOK = SCRIPTS.parent / "configs" / "notebook.toml"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers to this file")
    parser.add_argument("--repeats", type=int, default=3, help="repetitions, of which the fastest counts")
    parser.add_argument(
        "--collectors", default="", metavar="1,2,4",
        help="also measure a learner with these numbers of collect.py processes, on loopback; minutes for each",
    )  # fmt: skip
    args = parser.parse_args()
    try:
        collectors = [int(one) for one in args.collectors.split(",") if one]
    except ValueError:
        collectors = [0]
    if min(collectors, default=1) < 1:
        raise errors.ConfigError(f"--collectors {args.collectors}: wanted numbers above 0, as 1,2,4")

    notebook = loading.load(NOTEBOOK)

    cli.quiet()
    from tfmm.benchmarks import suite

    numbers = suite.run(max(1, args.repeats), notebook, collectors, SCRIPTS)
    for name, value in numbers.items():
        print(f"{name:32s} {value:16,.3f}")
    if args.json:
        files.write_json(args.json, numbers)


if __name__ == "__main__":
    cli.run(main)
