"""Which figures a report has, and the tables behind them."""

from collections.abc import Iterable
from typing import Any, TypeAlias

import numpy as np
from matplotlib import figure

from tfmm import files
from tfmm.arrays import Floats
from tfmm.backtest.expected_objective import MarketPath
from tfmm.backtest.record import Backtest
from tfmm.environments.tape.task import TapeTask
from tfmm.evaluation.report import behaviour, figures, figures_behaviour, figures_policy
from tfmm.policies.saved import Policy

Gallery: TypeAlias = tuple[dict[str, tuple[str, str, figure.Figure]], dict[str, list[dict[str, Any]]]]
"""({file stem: (title, caption, Figure)}, {file stem: rows of the table behind the figure})."""
_MOST = 4
"""Instruments that a figure shows."""


def draw(
    policy: Policy, task: TapeTask, runs: dict[str, list[Backtest]], results: dict[str, dict[str, Any]], limits: Floats
) -> Gallery:
    """The figures that every evaluation on a tape has.

    Args:
        policy: the evaluated one. task: in which it is evaluated.
        runs: {policy name: its backtests}, the evaluated one first. results: {policy name: metrics}.
        limits: (N,) inventory limits, size unit.
    """
    name, backtests = next(iter(runs.items()))
    lots = [instrument.lot_size for instrument in task.store.instruments]
    quoted = np.flatnonzero(task.parameters["quoted"])
    chosen = shown(backtests, quoted)
    busiest = max(backtests, key=lambda run: len(run.fills))
    markouts = behaviour.markout_curve(backtests)
    orders = task.parameters["order_lot"] * lots
    skews = [row for n in chosen for row in behaviour.by_inventory(runs, float(orders[n]), n)]
    tables, fits = zip(*(behaviour.fill_probability(runs, n) for n in chosen), strict=True)
    fits = [fit for rows, fit in zip(tables, fits, strict=True) if rows]
    probabilities = [row for rows in tables for row in rows]
    some = f" The {_MOST} instruments with most fills." if len(quoted) > _MOST else ""
    actions, names = np.concatenate([run.actions for run in backtests if run.actions is not None]), task.action_names
    across = len(names) // len(quoted) if len(quoted) > 1 else len(names)
    out = {
        "equity": (
            "Equity, drawdown and price",
            f"Net P&L so far of every policy; below it the drawdown of {name}.",
            figures.equity(runs, name, task.currency, chosen),
        ),
        "inventory": ("Inventory", f"Of {name}, size units.{some}", figures.inventory(backtests, limits, chosen)),
        "quotes": ("Quotes against the market", f"The stretch with most fills, {busiest.session}.{some}",
                   figures.quotes(busiest, chosen)),
        "decomposition": (
            "P&L attribution",
            "Net PnL = spread captured (mid minus price of every fill) + inventory PnL (inventory times changes of the "
            "mid) - fees.",
            figures_behaviour.decomposition(results, task.currency),
        ),
        "actions": ("Actions", f"Of {name}, from -1 to 1; many at a bound: their range may be too narrow.",
                    figures.actions(actions, names, across)),
    }  # fmt: skip
    if markouts:
        caption = "Move of the mid in our favour after a fill, in basis points of its price, with 95 % bands."
        caption += " All instruments together." if len(quoted) > 1 else ""
        out["markouts"] = ("Markouts", caption, figures_behaviour.markouts(markouts))
    if skews:
        caption = f"Mean over decisions that quoted both sides; the band of {name} is 10 to 90 %.{some}"
        out["skew"] = ("Skew and half-spread by inventory", caption, figures_behaviour.by_inventory(skews, list(runs)))
    if probabilities:
        caption = f"Quotes of all policies on this split, with 95 % intervals; the fit is by maximum likelihood.{some}"
        drawn = figures_behaviour.fill_probability(probabilities, fits)
        out["fill_probability"] = ("Fill probability by distance", caption, drawn)
    curve = figures.learning(files.read_json_lines(policy.folder.parent / "metrics.jsonl"))
    if curve is not None:
        out["learning"] = ("Learning curves", "Records of metrics.jsonl by train step.", curve)
    rows_of = {"markouts": markouts, "skew": skews, "fill_probability": probabilities}
    return out, {stem: rows for stem, rows in rows_of.items() if rows}


def policy_by_drift(
    policy: Policy, task: TapeTask, paths: list[MarketPath] | None, baselines: dict[str, Any]
) -> Gallery:
    """The figure of the quotes by inventory and predicted drift; empty where the inventory distribution is not known,
    or the policy does not observe the predicted drift.

    Args:
        paths: of the split, see objectives.market_paths. baselines: {name: baseline}.
    """
    if paths is None or "drift" not in task.feature_names:
        return {}, {}
    table = figures_policy.by_drift(task, paths, policy, baselines[figures_policy.BASELINE])
    caption = (
        "Mean distance of the quotes from the mid, at every inventory, over the tenth of decisions with the lowest "
        "predicted drift, the middle tenth and the tenth with the highest; "
        f"dashed: {figures_policy.BASELINE}, dynamic programming over the same state."
    )
    title = "The policy: quotes by inventory and predicted drift"
    return {"policy_by_drift": (title, caption, figures_policy.draw(table))}, {"policy_by_drift": table}


def shown(backtests: list[Backtest], instruments: Iterable[int]) -> list[int]:
    """Indices of the instruments that figures show: all, or the _MOST with most fills."""
    counts = {int(n): sum(int((run.fills["instrument"] == n).sum()) for run in backtests) for n in instruments}
    return sorted(sorted(counts, key=lambda n: -counts[n])[:_MOST])
