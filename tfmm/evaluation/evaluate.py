"""The whole evaluation of a policy that was trained on a tape: backtests, metrics, comparison, figures."""

import dataclasses
import json
from collections.abc import Sequence
from typing import Any

import numpy as np

from tfmm import errors
from tfmm.backtest import closed_loop, control_variate
from tfmm.backtest.expected_objective import ExpectedBacktest
from tfmm.backtest.record import Backtest
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import baseline_runs, comparison, gate, objectives
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.evaluation.report import chart, fill_log, film as film_lib, gallery, report
from tfmm.market.ingest import periods, prepare, quality_table
from tfmm.policies.saved import Policy

_SCENARIO = ("data", "rules", "clients", "evaluation")
_FITTED = ("rules.order_size", "rules.inventory_limit_orders", "rules.hedge", "data.rates", "data.currency")


def evaluate(
    policy: Policy,
    store: Any = None,
    split: str = "test",
    command: str = "",
    against: Sequence[Policy] = (),
    film: bool = False,
    changes: Sequence[str] = (),
) -> report.TapeEvaluation:
    """Backtests a saved policy and every baseline on one split, and compares them.

    Args:
        policy: the policy. store: path of another store than the policy was trained on, or None.
        split: "train", "validation" or "test". command: printed in the report.
        against: further saved policies to compare with, each by its own settings on the same data.
        film: whether to make a film of an episode too.
        changes: strings `section.key=value`, the scenario: how the market differs from that of training. Scales and
            baselines stay as they were fitted.

    Raises:
        DataError: the store has other instruments than the policy quotes, or does not match its hashes.
        ConfigError: the backtests of a policy in `against` cover other times; `changes` of a setting that the policy
            was fitted to.
    """
    fitted_on = _open(policy, store)
    task = _in_scenario(fitted_on, changes)
    config, name = task.config, task.config.agent.name
    base, paths = baseline_runs.of(fitted_on, task, split), objectives.market_paths(task, split)
    fitted = {key: baseline.fitted for key, baseline in base.baselines.items()}
    ungated, ungated_name = gate.ungated(policy), gate.label(name)
    policies = {name: policy} | ({ungated_name: ungated} if ungated else {})
    runs = {key: backtests_of(task, one, split) for key, one in policies.items()} | base.runs
    expected = {key: objectives.of_policy(task, one, paths) for key, one in policies.items()} | base.expected
    for rival in against:
        label, rival_task = _label(rival, runs), _in_scenario(_open(rival, store), changes)
        runs[label], fitted[label] = _rival(rival_task, rival, split, runs[name]), {"policy": str(rival.folder)}
        expected[label] = objectives.of_policy(rival_task, rival, objectives.market_paths(rival_task, split))
    risk, settings, clients = summary.risk_of(task), summary.settings_of(task), config.clients.rate_s > 0
    lots = np.array([instrument.lot_size for instrument in task.store.instruments])
    limits, quoted = task.parameters["limit_lot"] * lots, np.flatnonzero(task.parameters["quoted"]).tolist()
    results = {key: summary.assess(run, risk, limits, settings, None, clients) for key, run in runs.items()}
    parts = {key: summary.breakdown(run, risk, limits, settings, clients, quoted) for key, run in runs.items()}
    for key in runs:
        objectives.add(results[key], parts[key], expected[key])
        control_variate.add(results[key], parts[key], runs[key])
    rivals = {key: run for key, run in runs.items() if key not in policies}
    entries, best = _compare({name: runs[name]} | rivals, expected, results, risk, config)
    would = _compare({ungated_name: runs[ungated_name]} | rivals, expected, results, risk, config)[0] if ungated else []
    figures, tables = gallery.draw(policy, task, runs, results, limits)
    more_figures, more_tables = gallery.policy_by_drift(policy, task, paths, base.baselines)
    return report.TapeEvaluation(
        policy=_facts(policy),
        data=_data(task, split, runs[name]),
        rules=_rules(task, risk, limits, lots, fitted) | {"changes": list(changes)},
        results=results,
        breakdown=parts,
        comparison=entries,
        verdict=comparison.verdict(entries, best),
        best_baseline=best,
        name=name,
        currency=task.currency,
        fills=fill_log.columns(runs[name]),
        figures=figures | more_figures,
        tables=tables | more_tables,
        chart=chart.payload(runs[name], gallery.shown(runs[name], quoted)),
        film=_film(runs[name], quoted) if film else None,
        quality=_quality(task, {backtest.session for backtest in runs[name]}),
        config_text=loading.dumps(config),
        command=command,
        advice=gate.advice(policy.description["no_quote_gate"], results[ungated_name], config) if ungated else [],
        ungated=would,
    )


def _film(backtests, quoted):
    """film.gif of the segment and instrument with most fills."""
    pairs = [(backtest, n) for backtest in backtests for n in quoted]
    return film_lib.gif(*max(pairs, key=lambda pair: int((pair[0].fills["instrument"] == pair[1]).sum())))


def _compare(
    runs: dict[str, list[Backtest]],
    expected: dict[str, list[ExpectedBacktest] | None],
    results: dict[str, dict[str, Any]],
    risk: summary.Risk,
    config: Any,
) -> tuple[list[dict[str, Any]], str]:
    """(entries of the first of `runs` against each other one, name of the best of the others).

    All are compared by the same metric: expected where all are expected, adjusted where all have a control variate.
    """
    name, *others = runs
    settings = config.evaluation
    if None in expected.values():
        expected = dict.fromkeys(runs)
    if any(backtest.control_variate is None for run in runs.values() for backtest in run):
        runs = {
            key: [dataclasses.replace(backtest, control_variate=None) for backtest in run] for key, run in runs.items()
        }
    gains = {key: objectives.blocks(run, expected[key], risk, settings.block_s) for key, run in runs.items()}
    (metric, gain), samples = gains.pop(name), settings.bootstrap_samples
    entries = [
        comparison.compare(name, key, gain - other, samples, config.seed, len(others), metric)
        for key, (_, other) in gains.items()
    ]
    return entries, max(others, key=lambda key: results[key][metric])


def _label(rival, runs):
    """A name for a policy of `against` that no other run has."""
    folder = rival.folder.resolve()
    label = (folder.parent if folder.name in ("policy", "best") else folder).name
    while label in runs:
        label += "'"
    return label


def _rival(task, rival, split, evaluated):
    """Backtests of a policy of `against`, which must have the spans of those of the evaluated policy."""
    backtests = backtests_of(task, rival, split)
    if [backtest.span for backtest in backtests] != [backtest.span for backtest in evaluated]:
        raise errors.ConfigError(
            f"policy {rival.folder}: decides over other stretches of {split}, wanted the same data, split, warm-up "
            "and interval"
        )
    return backtests


def _quality(task, sessions):
    """(table, notes) of these sessions from the data-quality report of prepare.py; None where the store has none."""
    path = task.store.path / prepare.QUALITY
    if not path.is_file():
        return None
    rows = [row for row in json.loads(path.read_text(encoding="utf-8"))["sessions"] if row["session"] in sessions]
    notes = [f"{row['session']} {row['symbol']}: {note}" for row in rows for note in quality_table.notes(row)]
    return quality_table.rows(rows), notes + periods.lines(rows)


def backtests_of(task: tape_task.TapeTask, policy: Policy, split: str) -> list[Backtest]:
    """Backtests of a saved policy, one for each segment of a split."""
    return closed_loop.run(task, split, closed_loop.policy_actions(task, policy), False, task.config.agent.name)


def explain(
    policy: Policy,
    store: Any = None,
    split: str = "test",
    fill: int | None = None,
    quote: int | None = None,
    changes: Sequence[str] = (),
) -> str:
    """Why fill number `fill` of the policy happened or, where `quote` is given, what became of that quote; in words.

    Raises:
        ConfigError: see fill_log.explain and fill_log.explain_quote.
    """
    backtests = backtests_of(_in_scenario(_open(policy, store), changes), policy, split)
    if quote is not None:
        return fill_log.explain_quote(backtests, quote)
    assert fill is not None, "neither a fill nor a quote to explain"
    return fill_log.explain(backtests, fill)


def _open(policy, store):
    """The policy's TapeTask, on another store if one is given; raises DataError where the data do not fit."""
    task = tape_task.TapeTask.create(loading.with_store(policy.config, store) if store else policy.config)
    task.store.verify()
    _check_symbols([instrument["symbol"] for instrument in policy.description["instruments"]], task)
    return task


def _in_scenario(task, changes):
    """The TapeTask in the scenario of `changes`; settings that were fitted to the market of training stay."""
    if not changes:
        return task
    config = loading.changed(task.config, changes, "--scenario")
    for change in changes:
        key = change.partition("=")[0].strip()
        if key.partition(".")[0] not in _SCENARIO or key in _FITTED:
            raise errors.ConfigError(
                f"--scenario {change}: the policy was fitted to it, wanted a key of {', '.join(_SCENARIO)} but "
                f"{', '.join(_FITTED)}"
            )
    out = task.in_scenario(config)
    out.store.verify()
    _check_symbols([instrument.symbol for instrument in task.instruments], out)
    return out


def _check_symbols(wanted, task):
    got = [instrument.symbol for instrument in task.store.instruments]
    if len(wanted) != len(got):
        raise errors.DataError(
            f"store {task.store.path}: holds {', '.join(got)}, wanted {len(wanted)} instruments as the policy "
            f"was trained on ({', '.join(wanted)})"
        )


def _facts(policy):
    description = policy.description
    keys = ("train_step", "features", "actions", "instruments", "scales", "data_hash")
    decision = description.get("no_quote_gate")
    return {
        "name": policy.config.agent.name,
        "seed": policy.config.seed,
        **{key: description[key] for key in keys},
        **({} if decision is None else {"no_quote_gate": decision}),
    }


def _data(task, split, backtests):
    return {
        "store": task.store.path.name,
        "data_hash": task.store.data_hash,
        "split": split,
        "segments": [
            {
                "session": backtest.session,
                "start_ns": backtest.span[0],
                "stop_ns": backtest.span[1],
                "span_s": (backtest.span[1] - backtest.span[0]) * 1e-9,
                "decisions": len(backtest.schedule) // len(task.scales),
                "events": len(backtest.tape),
            }
            for backtest in backtests
        ],
    }


def _rules(task, risk, limits, lots, fitted):
    rules, environment = task.config.rules, task.config.environment
    return {
        "touch": rules.touch,
        "marketable": rules.marketable,
        "latency_s": rules.latency_s,
        "maker_fee_bps": rules.maker_fee_bps,
        "maker_fee_per_unit": rules.maker_fee_per_unit,
        "minimum_fee": rules.minimum_fee,
        "order_size": (task.parameters["order_lot"] * lots).tolist(),
        "inventory_limit": limits.tolist(),
        "interval_s": environment.interval_s,
        "block_s": task.config.evaluation.block_s,
        "sampling_s": task.config.evaluation.sampling_s,
        "trading_days_per_year": task.config.evaluation.trading_days_per_year,
        "trading_hours_per_day": summary.settings_of(task).trading_hours_per_day,
        **_risk_facts(risk),
        "baselines": fitted,
    }


def _risk_facts(risk):
    if isinstance(risk, path_lib.VectorRisk):
        return {"risk_money_per_s": risk.cost, "omega": risk.omega.tolist(), "risk_power": risk.power}
    return {"risk_money_per_unit_s": risk.tolist()}
