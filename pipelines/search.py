"""Searches hyper-parameters on validation, never on test; the same command continues a search that was stopped."""

import argparse
import pathlib

from tfmm import cli, errors
from tfmm.config import loading


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=pathlib.Path, help="TOML file; see configs/")
    parser.add_argument("--space", type=pathlib.Path, required=True, help="TOML file of ranges; see configs/spaces/")
    parser.add_argument("--trials", type=int, required=True, metavar="N", help="number of trials, failed ones included")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default 1)")
    parser.add_argument("--out", type=pathlib.Path, help="default: runs/NAME_OF_CONFIG-search")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a setting")
    args = parser.parse_args()
    if args.trials < 1 or args.jobs < 1:
        raise errors.ConfigError(f"--trials {args.trials} --jobs {args.jobs}: wanted at least 1 of each")
    settings = loading.resolved(loading.load(args.config, args.set))
    out = args.out or pathlib.Path("runs") / f"{args.config.stem}-search"

    cli.quiet()
    from tfmm.evaluation.report import figures
    from tfmm.experiments import search, search_figure, search_space

    study = search.Search(settings, search_space.load(args.space, settings), out)
    study.run(args.trials, args.jobs)
    report = study.report(args.config.stem, args.trials)
    path = search.write(out, report, search_figure.draw(report), figures.png)
    trials = {trial["number"]: trial for trial in report["trials"]}
    for number, trial in trials.items():
        print(f"trial {number} failed: {trial['error']}" if trial["error"] else f"trial {number}: {trial['score']:.6g}")
    best = trials[report["best"]]
    print(f"best: trial {best['number']} with {report['metric']} {best['score']:.6g} on validation")
    if report["own"] is not None:
        print(f"settings of the configuration: {trials[report['own']]['score']:.6g}")
    print(search.arguments(best["settings"]), f"search: {path}", sep="\n")


if __name__ == "__main__":
    cli.run(main)
