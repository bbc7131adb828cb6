"""The whole evaluation of a saved policy: backtests, metrics, comparison, figures."""

import json

import numpy as np

from tfmm import errors
from tfmm.backtest import closed_loop, control_variate
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import baseline_runs, comparison, objectives
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.evaluation.report import chart, fill_log, film, gallery, report
from tfmm.market.ingest import prepare, quality_page

_SCENARIO = ("data", "rules", "clients", "evaluation")
_FITTED = ("rules.order_size", "rules.inventory_limit_orders", "rules.hedge", "data.rates", "data.currency")


def evaluate(policy, store=None, split="test", command="", against=(), filmed=False, changes=()):
    """Backtests a saved policy and every baseline on one split.

    Args:
        policy: policies.saved.Policy. store: path of another store than the policy was trained on, or None.
        split: "train", "validation" or "test". command: printed in the report.
        filmed: whether to make a film of an episode too.
        against: further saved policies to compare with, each by its own rules on the same data.
        changes: strings `section.key=value`, what is otherwise than in training: all is played there, while scales
            and baselines stay as they were fitted.

    Returns:
        report.Outcome.

    Raises:
        DataError: the store has other instruments than the policy quotes, or does not match its hashes.
        ConfigError: a policy of `against` decides over other stretches of time; `changes` of what was fitted.
    """
    home = _open(policy, store)
    task = _in_scenario(home, changes)
    config, name = task.config, task.config.agent.name
    known, watched = baseline_runs.of(home, task, split), objectives.watch(task, split)
    baselines, fitted = known.baselines, {key: one.fitted for key, one in known.baselines.items()}
    runs = {name: play(task, policy, split)} | known.runs
    laws = {name: objectives.of_policy(task, policy, watched)} | known.laws
    for rival in against:
        label, own = _label(rival, runs), _in_scenario(_open(rival, store), changes)
        runs[label], fitted[label] = _rival(own, rival, split, runs[name]), {"policy": str(rival.folder)}
        laws[label] = objectives.of_policy(own, rival, objectives.watch(own, split))
    risk, settings, clients = summary.risk_of(task), config.evaluation, config.clients.rate_s > 0
    lots = np.array([one.lot_size for one in task.store.instruments])
    limits, quoted = task.parameters["limit_lot"] * lots, np.flatnonzero(task.parameters["quoted"]).tolist()
    results = {key: summary.assess(one, risk, limits, settings, None, clients) for key, one in runs.items()}
    parts = {key: summary.breakdown(one, risk, limits, settings, clients, quoted) for key, one in runs.items()}
    for key, one in laws.items():
        objectives.add(results[key], parts[key], one)
        control_variate.add(results[key], parts[key], runs[key])
    entries, best = _compare(runs, laws, results, risk, config)
    figures, tables = gallery.draw(policy, task, runs, results, limits)
    more_figures, more_tables = gallery.of_law(policy, task, watched, baselines)
    return report.Outcome(
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
        film=_film(runs[name], quoted) if filmed else None,
        quality=_quality(task, {one.session for one in runs[name]}),
        config_text=loading.dumps(config),
        command=command,
    )


def _film(backtests, quoted):
    """film.gif of the segment and instrument with most fills."""
    pairs = [(one, n) for one in backtests for n in quoted]
    return film.gif(*max(pairs, key=lambda pair: int((pair[0].fills["instrument"] == pair[1]).sum())))


def _compare(runs, laws, results, risk, config):
    """(entries of the first of `runs` against each other one, name of the best of these)."""
    name, *others = runs
    settings = config.evaluation
    if None in laws.values():  # only drawn and drawn, or expected and expected can be compared
        laws = dict.fromkeys(runs)
    gains = {key: objectives.blocks(one, laws[key], risk, settings.block_s) for key, one in runs.items()}
    (metric, own), samples = gains.pop(name), settings.bootstrap_samples
    entries = [
        comparison.compare(name, key, own - gain, samples, config.seed, len(others), metric)
        for key, (_, gain) in gains.items()
    ]
    return entries, max(others, key=lambda key: results[key][metric])


def _label(rival, runs):
    """A name for a policy of `against` that no other run has."""
    folder = rival.folder.resolve()
    label = (folder.parent if folder.name in ("policy", "best") else folder).name
    while label in runs:
        label += "'"
    return label


def _rival(task, rival, split, own):
    runs = play(task, rival, split)
    if [one.span for one in runs] != [one.span for one in own]:
        raise errors.ConfigError(
            f"policy {rival.folder}: decides over other stretches of {split}, wanted the same data, split, warm-up "
            "and interval"
        )
    return runs


def _quality(task, sessions):
    """(table, notes) of the data-quality report that prepare.py left in the store, of these sessions; None without."""
    path = task.store.path / prepare.QUALITY
    if not path.is_file():
        return None
    known = [one for one in json.loads(path.read_text(encoding="utf-8"))["sessions"] if one["session"] in sessions]
    notes = [f"{one['session']} {one['symbol']}: {note}" for one in known for note in quality_page.notes(one)]
    return quality_page.rows(known), notes


def play(task, policy, split):
    """Backtests of the saved policy alone, one for each segment of a split."""
    return closed_loop.run(task, split, closed_loop.policy_actions(task, policy), False, task.config.agent.name)


def explain(policy, store=None, split="test", fill=None, quote=None, changes=()):
    """Why a fill of the policy happened, or what became of a quote, in words; see fill_log."""
    runs = play(_in_scenario(_open(policy, store), changes), policy, split)
    return fill_log.explain(runs, fill) if quote is None else fill_log.explain_quote(runs, quote)


def _open(policy, store):
    """The policy's TapeTask, on another store if one is given; its data checked."""
    task = tape_task.TapeTask.create(loading.with_store(policy.config, store) if store else policy.config)
    task.store.verify()
    _check_fit(policy, task)
    return task


def _in_scenario(task, changes):
    """The TapeTask in the scenario of `changes`; what they may not touch was fitted to the market of training."""
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
    _check_symbols([one.symbol for one in task.instruments], out)
    return out


def _check_fit(policy, task):
    _check_symbols([one["symbol"] for one in policy.description["instruments"]], task)


def _check_symbols(wanted, task):
    got = [one.symbol for one in task.store.instruments]
    if len(wanted) != len(got):
        raise errors.DataError(
            f"store {task.store.path}: holds {', '.join(got)}, wanted {len(wanted)} instruments as the policy "
            f"was trained on ({', '.join(wanted)})"
        )


def _facts(policy):
    description = policy.description
    keys = ("train_step", "features", "actions", "instruments", "scales", "data_hash")
    gate = description.get("no_quote_gate")
    return {
        "name": policy.config.agent.name,
        "seed": policy.config.seed,
        **{key: description[key] for key in keys},
        **({} if gate is None else {"no_quote_gate": gate}),
    }


def _data(task, split, backtests):
    return {
        "store": task.store.path.name,
        "data_hash": task.store.data_hash,
        "split": split,
        "segments": [
            {
                "session": one.session,
                "start_ns": one.span[0],
                "stop_ns": one.span[1],
                "span_s": (one.span[1] - one.span[0]) * 1e-9,
                "decisions": len(one.schedule) // len(task.scales),
                "events": len(one.tape),
            }
            for one in backtests
        ],
    }


def _rules(task, risk, limits, lots, fitted):
    rules, environment = task.config.rules, task.config.environment
    return {
        "touch": rules.touch,
        "marketable": rules.marketable,
        "latency_s": rules.latency_s,
        "maker_fee_bps": rules.maker_fee_bps,
        "order_size": (task.parameters["order_lot"] * lots).tolist(),
        "inventory_limit": limits.tolist(),
        "interval_s": environment.interval_s,
        "block_s": task.config.evaluation.block_s,
        "sampling_s": task.config.evaluation.sampling_s,
        "trading_days_per_year": task.config.evaluation.trading_days_per_year,
        "trading_hours_per_day": task.config.evaluation.trading_hours_per_day,
        **_risk_facts(risk),
        "baselines": fitted,
    }


def _risk_facts(risk):
    if isinstance(risk, path_lib.VectorRisk):
        return {"risk_money_per_s": risk.cost, "omega": risk.omega.tolist(), "risk_power": risk.power}
    return {"risk_money_per_unit_s": risk.tolist()}
