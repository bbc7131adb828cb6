"""Trains and evaluates every combination of a grid of settings, with a plot over one or two keys, or ablations."""

import argparse
import pathlib

import numpy as np

from tfmm import cli, errors, files
from tfmm.config import loading


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=pathlib.Path, help="TOML file; see configs/")
    kind = parser.add_mutually_exclusive_group(required=True)
    kind.add_argument("--grid", nargs="+", metavar="KEY.PATH=A,B,C", help="every combination")
    kind.add_argument(
        "--ablate", nargs="+", metavar="KEY.PATH=A,B,C", help="the configuration as it is, and each value by itself"
    )
    parser.add_argument("--metric", help="of the policy, as in metrics.json; default: the main one of the environment")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default 1)")
    parser.add_argument("--out", type=pathlib.Path, help="default: runs/NAME_OF_CONFIG-sweep")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a setting")
    cli.renamed_option(parser, "--alone", "--ablate")
    args = parser.parse_args()
    if args.jobs < 1:
        raise errors.ConfigError(f"--jobs {args.jobs}: wanted at least 1")
    out = args.out or pathlib.Path("runs") / f"{args.config.stem}-sweep"

    cli.quiet()
    from tfmm.evaluation.report import figures
    from tfmm.experiments import runner, tables

    grid = tables.parse_grid(args.grid or args.ablate)
    tried = tables.combinations(grid) if args.grid else tables.one_at_a_time(grid)
    runs = []
    for values in tried:
        overrides = [f"{key}={value}" for key, value in values.items()]
        settings = loading.resolved(loading.load(args.config, [*args.set, *overrides]))
        runs.append(runner.Experiment(settings, out / (runner.named(",".join(overrides)) or "as_it_is")))
    metric, sign = tables.main_metric(runs[0].config)
    if args.metric and args.metric != metric:
        metric, sign = args.metric, 1
    results = runner.run(runs, args.jobs)
    scores = []
    for run, result in zip(runs, results, strict=True):
        if isinstance(result, str):
            print(f"{run.folder.name} failed: {result}")
        scores.append(runner.score(result, metric, run.folder))
    records = [
        {"settings": values, "folder": run.folder.name, metric: value}
        for values, run, value in zip(tried, runs, scores, strict=True)
    ]
    files.write_json(out / "sweep.json", {"config": args.config.stem, "metric": metric, "runs": records})
    lines = tables.grid_table(grid, scores) if args.grid else tables.ablation_table(tried, scores)
    files.write_text(out / "sweep.txt", "\n".join([metric, *lines]) + "\n")
    figure = tables.surface(grid, scores, metric) if args.grid else None
    if figure is not None:
        files.write_bytes(out / "sweep.png", figures.png(figure))
    print(f"{metric} by", " and ".join(grid))
    print(*lines, sep="\n")
    if np.isfinite(scores).any():
        best = int(np.nanargmax(sign * np.array(scores)))
        print(f"best: {runs[best].folder.name} with {metric} {scores[best]:.5g}")
    print(f"table: {out / 'sweep.txt'}")


if __name__ == "__main__":
    cli.run(main)
