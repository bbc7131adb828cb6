"""The whole experiment, training and evaluation, with several seeds: mean and standard deviation of every metric."""

import argparse
import pathlib

import msgspec

from tfmm import cli, errors, files
from tfmm.config import experiment, loading


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("config", type=pathlib.Path, help="TOML file; see configs/")
    parser.add_argument("--seeds", type=int, required=True, metavar="N", help="seed, seed + 1, ... of the config")
    parser.add_argument("--jobs", type=int, default=1, help="processes at a time (default 1)")
    parser.add_argument("--out", type=pathlib.Path, help="default: runs/NAME_OF_CONFIG-validation")
    parser.add_argument("--set", action="append", default=[], metavar="KEY.PATH=VALUE", help="override a setting")
    parser.add_argument(
        "--store",
        type=pathlib.Path,
        help="evaluate the same trainings on this store, baselines fitted there; see evaluate.py --store",
    )
    parser.add_argument("--scenario", action="append", default=[], metavar="KEY.PATH=VALUE",
                        help="evaluate the same trainings in this scenario; see evaluate.py --scenario")  # fmt: skip
    cli.renamed_option(parser, "--world", "--scenario")
    args = parser.parse_args()
    if args.seeds < 1 or args.jobs < 1:
        raise errors.ConfigError(f"--seeds {args.seeds} --jobs {args.jobs}: wanted at least 1 of each")
    settings = loading.resolved(loading.load(args.config, args.set))
    out = args.out or pathlib.Path("runs") / f"{args.config.stem}-validation"

    cli.quiet()
    from tfmm.experiments import runner, tables
    from tfmm.market import store

    seeds = range(settings.seed, settings.seed + args.seeds)
    scenario = runner.Scenario(args.store, tuple(args.scenario))
    if scenario.parts and settings.environment.name != experiment.TAPE:
        raise errors.ConfigError(f"--scenario, --store: {settings.environment.name} is no market, wanted neither")
    loading.changed(settings, args.scenario, "--scenario")  # a wrong key is refused before the training
    if args.store is not None:
        store.Store.open(args.store)
    runs = [
        runner.Experiment(msgspec.structs.replace(settings, seed=seed), out / f"seed_{seed}", scenario=scenario)
        for seed in seeds
    ]
    results = runner.run(runs, args.jobs)
    failed = {str(seed): result for seed, result in zip(seeds, results, strict=True) if isinstance(result, str)}
    for seed, line in failed.items():
        print(f"seed {seed} failed: {line}")
    finished = [result for result in results if not isinstance(result, str)]
    if not finished:
        raise errors.DataError(f"{out}: every seed failed, wanted one that ends; see {out}/seed_*.log")
    summary = tables.over_seeds(finished)
    path = out / f"{scenario.named('validation')}.json"
    about = {"config": args.config.stem, "seeds": list(seeds), "failed": failed, "data": finished[0]["data"]}
    about |= {"scenario": scenario.parts} if scenario.parts else {}
    files.write_json(path, about | summary)
    print(*tables.seeds_table(summary), "", *tables.against_table(summary), "", sep="\n")
    verdicts = ", ".join(f"{name} {count}" for name, count in summary["verdicts"].items())
    beats = summary["beats_best_baseline"]
    share = "no baseline to beat" if beats != beats else f"beat the best baseline: {beats:.0%}"
    print(f"{len(finished)} seeds: {verdicts}; {share}")
    print(f"summary: {path}")


if __name__ == "__main__":
    cli.run(main)
