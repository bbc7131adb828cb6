"""Figures of policies on the exact models."""

import numpy as np

from tfmm.evaluation.report import figures


def policy_by_inventory(columns, table):
    """Distances of a policy by inventory, the optimal ones dashed: on a model.

    With a second currency, one panel for each of three inventories of it.

    Args:
        columns: names. table: (S, C) float64; a column `optimal_X` is drawn with `X`.
    """
    if "inventory_2" in columns:
        second = table[:, columns.index("inventory_2")]
        most = second.max()
        parts = [(f"inventory 2 = {q:g}", table[second == q]) for q in (-(most // 2), 0.0, most // 2)]
    else:
        parts = [("", table)]
    fig, axes = figures.stacked(len(parts), 4.6 if len(parts) == 1 else 7.0)
    for ax, (title, rows) in zip(axes, parts, strict=True):
        held = rows[:, columns.index("inventory")]
        for name, colour in (
            ("ask_distance", figures.SELL),
            ("bid_distance", figures.BUY),
            ("hedge_rate", figures.OURS),
        ):
            if name in columns:
                label = name.replace("_", " ")
                ax.plot(held, rows[:, columns.index(name)], color=colour, marker=".", lw=1.2, label=f"{label}, learned")
                best = rows[:, columns.index(f"optimal_{name}")]
                ax.plot(held, best, color=colour, ls="--", lw=1.0, label=f"{label}, optimal")
        ax.set_title(title, fontsize=9)
        ax.set_ylabel("from the mid (spreads)")
    axes[-1].set_xlabel("inventory (orders)")
    axes[0].legend(loc="best", fontsize=8, ncols=2)
    return fig


def hedging_band(held, own, optimal):
    """Rate of hedging by inventory: inside the band where it is 0 a dealer only internalises.

    Args:
        held: (2 L + 1,) orders. own: (2 L + 1,) the policy's rate. optimal: {label: (2 L + 1,)}.
    """
    fig, (ax,) = figures.stacked(1, 4.0)
    ax.plot(held, own, color=figures.OURS, marker=".", lw=1.2, label="learned")
    for (label, rate), style in zip(optimal.items(), ("--", ":"), strict=False):
        inside = held[np.asarray(rate) == 0]
        ax.plot(
            held, rate, color="black", ls=style, lw=1.0, label=f"optimal, {label}: band {inside[0]:g} to {inside[-1]:g}"
        )
    ax.axhline(0.0, color="0.8", lw=0.6)
    ax.set_xlabel("inventory (orders)")
    ax.set_ylabel("hedging rate (orders bought per unit of time)")
    ax.legend(loc="best", fontsize=8)
    return fig
