"""Which figures a report has, and the tables behind them."""

import numpy as np

from tfmm import files
from tfmm.evaluation.report import behaviour, figures, figures_behaviour, figures_policy

_MOST = 4
"""Instruments that a figure shows."""


def draw(policy, task, runs, results, limits):
    """All figures of an evaluation.

    Args:
        policy: saved.Policy. task: TapeTask. runs: {policy name: list of Backtest}, the evaluated one first.
        results: {policy name: metrics}. limits: (N,) inventory limits, size unit.

    Returns:
        ({stem: (title, caption, Figure)}, {stem: list of dicts}).
    """
    name, own = next(iter(runs.items()))
    quoted, lots = np.flatnonzero(task.parameters["quoted"]), [one.lot_size for one in task.store.instruments]
    chosen = shown(own, quoted)
    busiest = max(own, key=lambda one: len(one.fills))
    marks = behaviour.markout_curve(own)
    orders = task.parameters["order_lot"] * lots
    held = [row for n in chosen for row in behaviour.by_inventory(runs, float(orders[n]), n)]
    met, fits = zip(*(behaviour.fill_probability(runs, n) for n in chosen), strict=True)
    fits, met = [fit for rows, fit in zip(met, fits, strict=True) if rows], [row for rows in met for row in rows]
    some = f" The {_MOST} instruments with most fills." if len(quoted) > _MOST else ""
    taken, names = np.concatenate([one.actions for one in own]), task.action_names
    across = len(names) // len(quoted) if len(quoted) > 1 else len(names)
    out = {
        "equity": (
            "Equity, drawdown and price",
            f"Profit so far of every policy; below, how far that of {name} is under its peak.",
            figures.equity(runs, name, task.currency, chosen),
        ),
        "inventory": ("Inventory", f"What {name} holds, size units.{some}", figures.inventory(own, limits, chosen)),
        "quotes": ("Quotes against the market", f"Where fills are densest, {busiest.session}.{some}",
                   figures.quotes(busiest, chosen)),
        "decomposition": (
            "What the profit is made of",
            "Net PnL = spread captured (mid minus price of every fill) + inventory PnL (what prices did to what was "
            "held) - fees.",
            figures_behaviour.decomposition(results, task.currency),
        ),
        "actions": ("Actions", f"What {name} chose, from -1 to 1; at a bound it may have wanted to go further.",
                    figures.actions(taken, names, across)),
    }  # fmt: skip
    if marks:
        caption = "How the mid moved in our favour after a fill, in basis points of its price, with 95 % bands."
        caption += " All instruments together." if len(quoted) > 1 else ""
        out["markouts"] = ("Markouts", caption, figures_behaviour.markouts(marks))
    if held:
        caption = f"Mean over decisions that quoted both sides; the band of {name} is 10 to 90 %.{some}"
        out["skew"] = ("Skew and half-spread by inventory", caption, figures_behaviour.by_inventory(held, list(runs)))
    if met:
        caption = f"Quotes of all policies on this split, with 95 % intervals; the fit is by maximum likelihood.{some}"
        figure = figures_behaviour.fill_probability(met, fits)
        out["fill_probability"] = ("Fill probability by distance", caption, figure)
    curve = figures.learning(files.read_json_lines(policy.folder.parent / "metrics.jsonl"))
    if curve is not None:
        out["learning"] = ("Learning", "What training wrote to metrics.jsonl, by train step.", curve)
    tables = {"markouts": marks, "skew": held, "fill_probability": met}
    return out, {stem: rows for stem, rows in tables.items() if rows}


def of_law(policy, task, watched, baselines):
    """What `draw` returns, of the figure that needs the law of the inventory and a drift that the policy sees.

    Args:
        watched: expected.watch of the split. baselines: {name: baseline}.
    """
    if watched is None or "drift" not in task.feature_names:
        return {}, {}
    table = figures_policy.by_drift(task, watched, policy, baselines[figures_policy.BASELINE])
    caption = (
        "Mean distance of our quotes from the mid at the tenth of decisions with the lowest predicted drift, the "
        "middle tenth and the highest, each asked with every inventory; "
        f"dashed: {figures_policy.BASELINE}, dynamic programming over the same."
    )
    title = "What was learned: quotes by inventory and predicted drift"
    return {"learned": (title, caption, figures_policy.draw(table))}, {"learned": table}


def shown(backtests, instruments):
    """The instruments that figures show: all, or the _MOST with most fills."""
    counts = {int(n): sum(int((one.fills["instrument"] == n).sum()) for one in backtests) for n in instruments}
    return sorted(sorted(counts, key=lambda n: -counts[n])[:_MOST])
