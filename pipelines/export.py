"""Adds policy.onnx to policies that were saved without one: quote.py and evaluate.py then need no TensorFlow."""

import argparse
import pathlib

from tfmm import cli
from tfmm.policies import saved


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy", type=pathlib.Path, metavar="RUN_OR_POLICY_DIR")
    args = parser.parse_args()

    cli.quiet()
    folders = [saved.find(args.policy)]
    best = args.policy / "best"
    if (best / saved.DESCRIPTION).is_file():
        folders.append(best)
    from tfmm.training import onnx_addition

    for folder in folders:
        worst = onnx_addition.add(folder)
        print(f"{folder}: policy.onnx, at most {worst:.2g} from the SavedModel")


if __name__ == "__main__":
    cli.run(main)
