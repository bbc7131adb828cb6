"""Figures of how policies behave, from the tables of `behaviour`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from matplotlib import figure

from tfmm.arrays import Array
from tfmm.evaluation.report import figures

_SIDES = {"all": "#333a45", "buys": figures.BUY, "sells": figures.SELL}


def panels(count: int, height: float = 3.4, rows: int = 1) -> tuple[figure.Figure, Array]:
    """(Figure, (rows, count) its panels); height: of a row, inches."""
    fig = figure.Figure(figsize=(figures.WIDTH, height * rows), layout="constrained")
    axes = fig.subplots(rows, count, squeeze=False)
    for ax in axes.flat:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def _split(table):
    """[(prefix of a title, rows)] of each instrument; the prefix is empty where there is only one."""
    symbols = list(dict.fromkeys(row["instrument"] for row in table))
    return [("" if len(symbols) == 1 else f"{symbol}: ", [row for row in table if row["instrument"] == symbol])
            for symbol in symbols]  # fmt: skip


def markouts(table: list[dict[str, Any]]) -> figure.Figure:
    """Markout by horizon: by side on the left, by rule on the right, 95 % bands.

    Args:
        table: rows of behaviour.markout_curve.
    """
    fig, (axes,) = panels(2)
    groups = list(dict.fromkeys(row["group"] for row in table))
    rules = [name for name in groups if name not in _SIDES]
    colours = _SIDES | figures.colours(rules)
    for ax, names, title in ((axes[0], _SIDES, "by side"), (axes[1], rules, "by fill rule")):
        for name in names:
            rows = [row for row in table if row["group"] == name]
            if not rows:
                continue
            x, mean, low, high = (
                np.array([row[key] for row in rows]) for key in ("horizon_s", "mean_bps", "low_bps", "high_bps")
            )
            ax.fill_between(x, low, high, color=colours[name], alpha=0.15, lw=0)
            ax.plot(x, mean, marker=".", lw=1.2, color=colours[name], label=f"{name} ({rows[0]['n']})")
        ax.set_xscale("symlog", linthresh=0.1)
        ax.set_xticks([0, 0.1, 1, 10, 60, 300], ["0", ".1", "1", "10", "60", "300"])
        ax.axhline(0.0, color="black", lw=0.6)
        ax.set(title=title, xlabel="seconds after the fill", ylabel="markout (bps)")
        if ax.lines[:-1]:
            ax.legend(fontsize=8)
    return fig


def by_inventory(table: list[dict[str, Any]], names: Sequence[str]) -> figure.Figure:
    """Skew and half-spread by inventory of every policy, a row of panels for each instrument.

    Args:
        table: rows of behaviour.by_inventory. names: of the policies, the evaluated one first; its 10 to 90 % band is
            drawn.
    """
    parts, colour_of = _split(table), figures.colours(names)
    fig, axes = panels(2, 3.8, len(parts))
    for (symbol, part), row in zip(parts, axes, strict=True):
        for policy in dict.fromkeys(entry["policy"] for entry in part):
            entries = [entry for entry in part if entry["policy"] == policy]
            _line(row, entries, colour_of[policy], policy == names[0], policy)
        row[0].set(xlabel="inventory (orders)", ylabel="our mid minus the market's (ticks)", title=f"{symbol}skew")
        row[1].set(xlabel="inventory (orders)", ylabel="half of our spread (ticks)", title=f"{symbol}half-spread")
    lines = {line.get_label(): line for ax in axes.flat for line in ax.lines}
    fig.legend(lines.values(), lines, loc="outside upper left", fontsize=8, ncols=4, frameon=False)
    return fig


def _line(axes, rows, colour, evaluated, label):
    orders = [row["inventory_orders"] for row in rows]
    for ax, key in zip(axes, ("skew", "half_spread"), strict=True):
        if evaluated:
            low, high = ([row[f"{key}_{end}"] for row in rows] for end in ("low", "high"))
            ax.fill_between(orders, low, high, color=colour, alpha=0.15, lw=0)
        ax.plot(orders, [row[f"{key}_tick"] for row in rows], marker=".", color=colour, lw=2.0 if evaluated else 1.0,
                ls="-" if evaluated else "--", label=label)  # fmt: skip


def fill_probability(table: list[dict[str, Any]], fits: Sequence[dict[str, float]]) -> figure.Figure:
    """Share of filled quotes by distance with 95 % intervals, and the exponential fit, for each instrument.

    Args:
        table: rows of behaviour.fill_probability. fits: its fit of each instrument in `table`, in order.
    """
    parts = _split(table)
    fig, axes = panels(1, 3.4, len(parts))
    for (symbol, part), ax, fit in zip(parts, axes[:, 0], fits, strict=True):
        x, share, low, high, fitted = (
            np.array([row[key] for row in part]) for key in ("distance_tick", "share", "low", "high", "fitted")
        )
        ax.errorbar(x, share, [np.maximum(share - low, 0), np.maximum(high - share, 0)], fmt="o", ms=4,
                    color=figures.OURS, lw=1, label=f"{symbol}quotes of all policies")  # fmt: skip
        if np.isfinite(fit["k_per_tick"]):
            label = f"fit: {fit['rate_per_s']:.3g} exp(-{fit['k_per_tick']:.3g} d) fills per second, d in ticks"
            ax.plot(x, fitted, color=figures.SELL, lw=1.3, label=label)
        ax.set(xlabel="distance d from the mid when sent (ticks)", ylabel="filled before the next quote\n(share)",
               ylim=(0, None))  # fmt: skip
        ax.legend(fontsize=8)
    return fig


def decomposition(results: dict[str, dict[str, Any]], currency: str) -> figure.Figure:
    """Spread captured, inventory PnL, fees and net PnL of every policy; results: {policy: metrics}."""
    fig, ((ax,),) = panels(1, 3.8)
    parts = (("spread_capture", "spread captured", figures.BUY, 1),
             ("inventory_pnl", "inventory PnL", figures.LIMIT, 1),
             ("fees", "fees", figures.SELL, -1), ("net_pnl", "net PnL", figures.OURS, 1))  # fmt: skip
    x = np.arange(len(results))
    for k, (key, label, colour, sign) in enumerate(parts):
        heights = [sign * metrics[key] for metrics in results.values()]
        ax.bar(x + (k - 1.5) * 0.2, heights, 0.19, color=colour, label=label)
    ax.axhline(0.0, color="black", lw=0.6)
    slanted: dict[str, Any] = {"rotation": 30, "ha": "right", "rotation_mode": "anchor"} if len(results) > 4 else {}
    ax.set_xticks(x, results, **slanted)
    ax.set_ylabel(currency)
    ax.legend(fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)
    return fig
