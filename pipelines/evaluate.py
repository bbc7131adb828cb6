"""Backtest of a saved policy and of every baseline: metrics.json, report.html, figures."""

import argparse
import pathlib
import shlex
import sys

from tfmm import cli, errors
from tfmm.config import experiment
from tfmm.policies import saved

_SURER = {"expected_objective": "expected", "adjusted_objective": "adjusted"}
"""Results with less noise than the objective, and what is said of them."""


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("policy", type=pathlib.Path, metavar="RUN_OR_POLICY_DIR")
    parser.add_argument("--store", type=pathlib.Path, help="default: the store it was trained on")
    parser.add_argument("--split", choices=("train", "validation", "test"), default="test")
    parser.add_argument("--out", type=pathlib.Path, help="default: RUN_OR_POLICY_DIR/evaluation-SPLIT or -model")
    parser.add_argument("--against", type=pathlib.Path, action="append", default=[], metavar="RUN_OR_POLICY_DIR",
                        help="compare with this saved policy too; repeat for more")  # fmt: skip
    parser.add_argument("--scenario", action="append", default=[], metavar="KEY.PATH=VALUE",
                        help="changed since training (rules, clients, data); what was fitted stays")  # fmt: skip
    parser.add_argument("--film", action="store_true", help="write film.gif, an episode with its fills, too")
    parser.add_argument("--explain", type=int, metavar="N", help="say why fill N of fills.parquet happened, no more")
    parser.add_argument("--explain-quote", type=int, metavar="N", help="say what became of quote N, filled or not")
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

        outcome = examples.evaluate(policy, args.split)
        path = examples.write(args.out or args.policy / f"evaluation-{args.split}", outcome)
        print(*examples.lines(outcome), f"metrics: {path}", sep="\n")
        return
    if policy.config.environment.name != experiment.TAPE:
        from tfmm.evaluation.environments import analytic

        outcome = analytic.evaluate(policy)
        path = analytic.write(args.out or args.policy / "evaluation-model", outcome)
        for name, result in {outcome.name: outcome.optimum, **outcome.baselines}.items():
            print(f"{name}: value {result['policy_value']:.4f}, ratio {result['ratio']:.4f} of {result['value']:.4f}, "
                  f"max gap {result['max_gap']:.4f}")  # fmt: skip
        print(f"played: {outcome.played['value']:.4f} +- {outcome.played['standard_error']:.4f}")
        print(f"metrics: {path}")
        return
    from tfmm.evaluation import evaluate
    from tfmm.evaluation.report import figures, report

    if args.explain is not None or args.explain_quote is not None:
        print(evaluate.explain(policy, args.store, args.split, args.explain, args.explain_quote, args.scenario))
        return
    command = shlex.join(["python", *sys.argv])
    rivals = [saved.Policy.load(folder) for folder in args.against]
    outcome = evaluate.evaluate(policy, args.store, args.split, command, rivals, args.film, args.scenario)
    path = report.write(args.out or args.policy / f"evaluation-{args.split}", outcome, figures.png)
    if outcome.abstention:
        print(outcome.abstention)
    print(f"verdict: {outcome.headline}")
    for name, result in outcome.results.items():
        known = "".join(f" ({result[key]:.5g} {words})" for key, words in _SURER.items() if key in result)
        print(
            f"{name}: objective {result['objective']:.4g}{known}, net PnL {result['net_pnl']:.4g} {outcome.currency}, "
            f"{result['n_fills']} fills"
        )
    print(f"report: {path}")


if __name__ == "__main__":
    cli.run(main)
