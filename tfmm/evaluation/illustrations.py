"""Which figures a report has, and the tables behind them."""

import numpy as np

from tfmm import files
from tfmm.evaluation import behaviour, figures, figures_behaviour


def draw(policy, problem, runs, results, limits):
    """All figures of an evaluation.

    Args:
        policy: saved.Policy. problem: Problem. runs: {policy name: list of Backtest}, the evaluated one first.
        results: {policy name: metrics}. limits: (N,) inventory limits, size unit.

    Returns:
        ({stem: (title, caption, Figure)}, {stem: list of dicts}).
    """
    name, own = next(iter(runs.items()))
    quoted = np.flatnonzero(problem.parameters["quoted"])
    first = int(quoted[0])
    currency, symbol = problem.currency, problem.store.instruments[first].symbol
    busiest = max(own, key=lambda one: len(one.fills))
    taken = np.concatenate([one.actions for one in own])
    marks = behaviour.markout_curve(own)
    order = float(problem.parameters["order_lot"][first] * problem.store.instruments[first].lot_size)
    held = behaviour.by_inventory(runs, order, first)
    met, fit = behaviour.fill_probability(runs, first)
    of_first = f" {symbol} only." if len(quoted) > 1 else ""
    out = {
        "equity": ("Equity, drawdown and price", "", figures.equity(runs, name, currency)),
        "inventory": ("Inventory", "", figures.inventory(own, limits, quoted)),
        "quotes": ("Quotes against the market", f"Where fills are densest, {busiest.session}.{of_first}",
                   figures.quotes(busiest, first)),
        "decomposition": ("What the profit is made of", "", figures_behaviour.decomposition(results, currency)),
        "actions": ("Actions", "", figures.actions(taken, problem.action_names)),
    }  # fmt: skip
    if marks:
        caption = "How the mid moved in our favour after a fill, in basis points of its price, with 95 % bands."
        out["markouts"] = ("Markouts", caption, figures_behaviour.markouts(marks))
    if held:
        caption = f"Mean over decisions that quoted both sides; the band of {name} is 10 to 90 %.{of_first}"
        out["skew"] = ("Skew and half-spread by inventory", caption, figures_behaviour.by_inventory(held, list(runs)))
    if met:
        caption = (
            f"Quotes of all policies on this split, with 95 % intervals; the fit is by maximum likelihood.{of_first}"
        )
        figure = figures_behaviour.fill_probability(met, fit)
        out["fill_probability"] = ("Fill probability by distance", caption, figure)
    curve = figures.learning(files.read_json_lines(policy.folder.parent / "metrics.jsonl"))
    if curve is not None:
        out["learning"] = ("Learning", "", curve)
    tables = {"markouts": marks, "skew": held, "fill_probability": met}
    return out, {stem: rows for stem, rows in tables.items() if rows}
