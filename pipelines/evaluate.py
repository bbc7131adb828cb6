"""Backtest of a saved policy and of every baseline: metrics.json, report.html, figures."""

import argparse
import pathlib
import shlex
import sys

from tfmm import cli, errors
from tfmm.config import experiment
from tfmm.policies import saved

_LESS_NOISE = {"expected_objective": "expected", "adjusted_objective": "adjusted"}
"""Metrics with less noise than the objective, and their names in print."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy", type=pathlib.Path, metavar="RUN_OR_POLICY_DIR")
    parser.add_argument("--store", type=pathlib.Path, help="default: the store it was trained on")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--out", type=pathlib.Path, help="default: RUN_OR_POLICY_DIR/evaluation-SPLIT or -model")
    parser.add_argument("--against", type=pathlib.Path, action="append", default=[], metavar="RUN_OR_POLICY_DIR",
                        help="compare with this saved policy too; may be repeated")  # fmt: skip
    parser.add_argument("--scenario", action="append", default=[], metavar="KEY.PATH=VALUE",
                        help="a setting that differs from training (rules, clients, data); fits stay")  # fmt: skip
    parser.add_argument("--film", action="store_true", help="also write film.gif, an episode with its fills")
    parser.add_argument("--explain", type=int, metavar="N", help="only say why fill N of fills.parquet happened")
    parser.add_argument("--explain-quote", type=int, metavar="N", help="only say what became of quote N, filled or not")
    cli.renamed_option(parser, "--set", "--scenario")
    args = parser.parse_args()

    cli.quiet()
    policy = saved.Policy.load(args.policy)
    if args.scenario and policy.config.environment.name != experiment.TAPE:
        raise errors.ConfigError(
            f"--scenario {args.scenario[0]}: {policy.config.environment.name} is no market, wanted none"
        )
    if policy.config.environment.name in experiment.EXAMPLES:
        if args.store is not None or args.explain is not None or args.explain_quote is not None:
            raise errors.ConfigError(f"{args.policy}: has no store and no fills, wanted no --store and no --explain")
        from tfmm.evaluation.environments import examples

        example = examples.evaluate(policy, args.split)
        path = examples.write(args.out or args.policy / f"evaluation-{args.split}", example)
        print(*examples.lines(example), f"metrics: {path}", sep="\n")
        return
    if policy.config.environment.name != experiment.TAPE:
        from tfmm.evaluation.environments import analytic

        on_model = analytic.evaluate(policy)
        path = analytic.write(args.out or args.policy / "evaluation-model", on_model)
        print(*analytic.lines(on_model), f"metrics: {path}", sep="\n")
        return
    from tfmm.evaluation import evaluate
    from tfmm.evaluation.report import figures, report

    if args.explain is not None or args.explain_quote is not None:
        print(evaluate.explain(policy, args.store, args.split, args.explain, args.explain_quote, args.scenario))
        return
    command = shlex.join(["python", *sys.argv])
    rivals = [saved.Policy.load(folder) for folder in args.against]
    evaluation = evaluate.evaluate(policy, args.store, args.split, command, rivals, args.film, args.scenario)
    path = report.write(args.out or args.policy / f"evaluation-{args.split}", evaluation, figures.png)
    if evaluation.no_quote_reason:
        print(evaluation.no_quote_reason, *(f"try {line}" for line in evaluation.advice), sep="\n")
    print(f"verdict: {evaluation.headline}")
    for name, result in evaluation.results.items():
        less_noise = "".join(f" ({result[key]:.5g} {word})" for key, word in _LESS_NOISE.items() if key in result)
        print(
            f"{name}: objective {result['objective']:.4g}{less_noise}, net PnL {result['net_pnl']:.4g} "
            f"{evaluation.currency}, {result['n_fills']} fills"
        )
    print(f"report: {path}")


if __name__ == "__main__":
    cli.run(main)
