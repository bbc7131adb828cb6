"""The whole evaluation of a saved policy: backtests, metrics, comparison, figures."""

import numpy as np

from tfmm import config as config_lib
from tfmm import errors, files
from tfmm.environments import problem as problem_lib
from tfmm.evaluation import assess, backtest, comparison, figures, fill_log, metrics, report
from tfmm.policies import baselines


def evaluate(policy, store=None, split="test", command=""):
    """Backtests a saved policy and every baseline on one split.

    Args:
        policy: policies.saved.Policy. store: path of another store than the policy was trained on, or None.
        split: "train", "validation" or "test". command: printed in the report.

    Returns:
        report.Outcome.

    Raises:
        DataError: the store has other instruments than the policy quotes, or does not match its hashes.
    """
    problem = _open(policy, store)
    config, name = problem.config, problem.config.agent.name
    runs = {name: play(problem, policy, split)}
    fitted = {}
    for one in baselines.all_of(problem):
        fitted[one.name] = one.fitted
        runs[one.name] = backtest.run(problem, split, one, True, one.name)
    lots = np.array([one.lot_size for one in problem.store.instruments])
    risk = assess.risk_of(problem)
    limits = problem.parameters["limit_lot"] * lots
    settings = config.evaluation
    results = {key: assess.assess(one, risk, limits, settings) for key, one in runs.items()}
    blocks = {key: assess.block_objectives(one, risk, settings.block_s) for key, one in runs.items()}
    entries = [
        comparison.compare(name, key, blocks[name] - blocks[key], settings.bootstrap_samples, config.seed)
        for key in fitted
    ]
    best = max(fitted, key=lambda key: results[key]["objective"])
    return report.Outcome(
        policy=_facts(policy),
        data=_data(problem, split, runs[name]),
        rules=_rules(problem, risk, limits, lots, fitted),
        results=results,
        comparison=entries,
        verdict=comparison.verdict(entries, best),
        best_baseline=best,
        name=name,
        currency=problem.currency,
        fills=fill_log.columns(runs[name]),
        figures=_figures(policy, problem, runs, name, limits),
        config_text=config_lib.dumps(config),
        command=command,
    )


def play(problem, policy, split):
    """Backtests of the saved policy alone, one for each segment of a split."""
    return backtest.run(problem, split, backtest.policy_actions(problem, policy), False, problem.config.agent.name)


def explain(policy, store=None, split="test", fill=None, quote=None):
    """Why a fill of the policy happened, or what became of a quote, in words; see fill_log."""
    runs = play(_open(policy, store), policy, split)
    return fill_log.explain(runs, fill) if quote is None else fill_log.explain_quote(runs, quote)


def _open(policy, store):
    """The policy's Problem, on another store if one is given; its data checked."""
    problem = problem_lib.Problem.create(config_lib.with_store(policy.config, store) if store else policy.config)
    problem.store.verify()
    _check_fit(policy, problem)
    return problem


def _check_fit(policy, problem):
    wanted = [one["symbol"] for one in policy.description["instruments"]]
    got = [one.symbol for one in problem.store.instruments]
    if len(wanted) != len(got):
        raise errors.DataError(
            f"store {problem.store.path}: holds {', '.join(got)}, wanted {len(wanted)} instruments as the policy "
            f"was trained on ({', '.join(wanted)})"
        )


def _facts(policy):
    description = policy.description
    keys = ("train_step", "features", "actions", "instruments", "scales", "data_hash")
    return {
        "name": policy.config.agent.name,
        "seed": policy.config.seed,
        **{key: description[key] for key in keys},
    }


def _data(problem, split, backtests):
    return {
        "store": problem.store.path.name,
        "data_hash": problem.store.data_hash,
        "split": split,
        "segments": [
            {
                "session": one.session,
                "start_ns": one.span[0],
                "stop_ns": one.span[1],
                "span_s": (one.span[1] - one.span[0]) * 1e-9,
                "decisions": len(one.schedule) // len(problem.scales),
                "events": len(one.tape),
            }
            for one in backtests
        ],
    }


def _rules(problem, risk, limits, lots, fitted):
    rules, environment = problem.config.rules, problem.config.environment
    return {
        "touch": rules.touch,
        "marketable": rules.marketable,
        "latency_s": rules.latency_s,
        "maker_fee_bps": rules.maker_fee_bps,
        "order_size": (problem.parameters["order_lot"] * lots).tolist(),
        "inventory_limit": limits.tolist(),
        "interval_s": environment.interval_s,
        **_risk_facts(risk),
        "baselines": fitted,
    }


def _risk_facts(risk):
    if isinstance(risk, metrics.VectorRisk):
        return {"risk_money_per_s": risk.cost, "omega": risk.omega.tolist(), "risk_power": risk.power}
    return {"risk_money_per_unit_s": risk.tolist()}


def _figures(policy, problem, runs, name, limits):
    firsts = {key: one[0] for key, one in runs.items()}
    own = firsts[name]
    currency = problem.currency
    out = {
        "equity": (f"Equity, {own.session}", figures.equity(firsts, name, currency)),
        "inventory": (f"Inventory, {own.session}", figures.inventory(own, limits)),
        "quotes": ("Quotes against the market, where fills are densest", figures.quotes(own)),
        "actions": (
            "Actions",
            figures.actions(np.concatenate([one.actions for one in runs[name]]), problem.action_names),
        ),
    }
    curve = figures.learning(files.read_json_lines(policy.folder.parent / "metrics.jsonl"))
    if curve is not None:
        out["learning"] = ("Learning", curve)
    return out
