"""Figures of policies on the analytic models."""

from collections.abc import Sequence

import numpy as np
from matplotlib import figure

from tfmm.arrays import Floats
from tfmm.evaluation.report import figures


def policy_by_inventory(columns: Sequence[str], table: Floats) -> figure.Figure:
    """Distances of a policy by inventory, the optimal ones dashed.

    With a second currency: one panel for each of three inventories of it.

    Args:
        columns: (C,) names. table: (S, C), a row for each state; a column `optimal_X` is drawn with `X`.
    """
    if "inventory_2" in columns:
        second = table[:, columns.index("inventory_2")]
        most = second.max()
        parts = [(f"inventory 2 = {q:g}", table[second == q]) for q in (-(most // 2), 0.0, most // 2)]
    else:
        parts = [("", table)]
    fig, axes = figures.stacked(len(parts), 4.6 if len(parts) == 1 else 7.0)
    for ax, (title, rows) in zip(axes, parts, strict=True):
        inventory = rows[:, columns.index("inventory")]
        for name, colour in (
            ("ask_distance", figures.SELL),
            ("bid_distance", figures.BUY),
            ("hedge_rate", figures.OURS),
        ):
            if name in columns:
                label = name.replace("_", " ")
                ax.plot(
                    inventory, rows[:, columns.index(name)], color=colour, marker=".", lw=1.2, label=f"{label}, policy"
                )
                best = rows[:, columns.index(f"optimal_{name}")]
                ax.plot(inventory, best, color=colour, ls="--", lw=1.0, label=f"{label}, optimal")
        ax.set_title(title, fontsize=9)
        ax.set_ylabel("from the mid (spreads)")
    axes[-1].set_xlabel("inventory (orders)")
    axes[0].legend(loc="best", fontsize=8, ncols=2)
    return fig


def hedging_band(inventory: Floats, rate: Floats, optimal: dict[str, Floats]) -> figure.Figure:
    """Hedging rate by inventory: in the band where the rate is 0 a dealer only internalises.

    Args:
        inventory: (2 L + 1,) orders. rate: (2 L + 1,) of the policy, orders bought per unit of time.
        optimal: {label: (2 L + 1,) optimal rate}.
    """
    fig, (ax,) = figures.stacked(1, 4.0)
    ax.plot(inventory, rate, color=figures.OURS, marker=".", lw=1.2, label="policy")
    for (label, best), style in zip(optimal.items(), ("--", ":"), strict=False):
        inside = inventory[np.asarray(best) == 0]
        band = f"optimal, {label}: band {inside[0]:g} to {inside[-1]:g}"
        ax.plot(inventory, best, color="black", ls=style, lw=1.0, label=band)
    ax.axhline(0.0, color="0.8", lw=0.6)
    ax.set_xlabel("inventory (orders)")
    ax.set_ylabel("hedging rate (orders bought per unit of time)")
    ax.legend(loc="best", fontsize=8)
    return fig
