"""The tables of Avellaneda and Stoikov 2008, section 3.3: profit and inventory of both strategies by risk aversion."""

import argparse

from tfmm import cli
from tfmm.models import avellaneda_stoikov


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--paths", type=int, default=1000, help="as in the paper")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--gamma", type=float, nargs="+", default=[0.1, 0.01, 0.5], help="risk aversions")
    args = parser.parse_args()

    print(f"{'gamma':>6s} {'strategy':10s} {'spread':>7s} {'profit':>8s} {'std':>7s} {'final q':>8s} {'std':>6s}")
    for gamma in args.gamma:
        for symmetric, name in ((False, "inventory"), (True, "symmetric")):
            result = avellaneda_stoikov.simulate(
                avellaneda_stoikov.Model(), gamma, symmetric, max(2, args.paths), args.seed
            )
            print(
                f"{gamma:6g} {name:10s} {result.spread:7.3f} {result.profit:8.2f} {result.profit_std:7.2f} "
                f"{result.inventory:8.2f} {result.inventory_std:6.2f}"
            )


if __name__ == "__main__":
    cli.run(main)
