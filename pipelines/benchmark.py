"""Speed of every stage, as ratios to references measured in the same run."""

import argparse
import pathlib

from tfmm import cli, config, files

NOTEBOOK = pathlib.Path(__file__).resolve().parents[1] / "configs" / "notebook.toml"


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=pathlib.Path, help="write the numbers to this file")
    parser.add_argument("--repeats", type=int, default=3, help="the best of so many counts")
    args = parser.parse_args()

    notebook = config.load(NOTEBOOK)

    cli.quiet()
    from tfmm.training import benchmark

    numbers = benchmark.run(max(1, args.repeats), notebook)
    for name, value in numbers.items():
        print(f"{name:32s} {value:16,.3f}")
    if args.json:
        files.write_json(args.json, numbers)


if __name__ == "__main__":
    cli.run(main)
