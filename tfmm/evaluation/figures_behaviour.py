"""Figures of how policies behave, from the tables of `behaviour`."""

import numpy as np
from matplotlib import figure

from tfmm.evaluation import figures

_SIDES = {"all": "#333a45", "buys": figures.BUY, "sells": figures.SELL}


def _panels(count, height=3.4):
    fig = figure.Figure(figsize=(figures.WIDTH, height), layout="constrained")
    axes = fig.subplots(1, count, squeeze=False)[0]
    for ax in axes:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def markouts(table):
    """Markout by horizon: by side on the left, by rule on the right, 95 % bands; table: behaviour.markout_curve."""
    fig, axes = _panels(2)
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


def by_inventory(table, names):
    """Skew and half-spread by inventory of every policy; the first of `names` is the evaluated one.

    Its band is 10 to 90 %.
    """
    fig, axes = _panels(2, 3.8)
    policies = list(dict.fromkeys(row["policy"] for row in table))
    for policy in policies:
        colour = figures.colours(names)[policy]
        rows = [row for row in table if row["policy"] == policy]
        held = [row["inventory_orders"] for row in rows]
        for ax, key in zip(axes, ("skew", "half_spread"), strict=True):
            own = policy == names[0]
            if own:
                ax.fill_between(held, [row[f"{key}_low"] for row in rows], [row[f"{key}_high"] for row in rows],
                                color=colour, alpha=0.15, lw=0)  # fmt: skip
            ax.plot(held, [row[f"{key}_tick"] for row in rows], marker=".", color=colour, lw=2.0 if own else 1.0,
                    ls="-" if own else "--", label=policy)  # fmt: skip
    axes[0].set(xlabel="inventory (orders)", ylabel="our mid minus the market's (ticks)", title="skew")
    axes[1].set(xlabel="inventory (orders)", ylabel="half-spread (ticks)", title="half-spread")
    if policies:
        axes[1].legend(fontsize=8)
    return fig


def fill_probability(table, fit):
    """Share of filled quotes by distance with 95 % intervals, and the exponential fit."""
    fig, (ax,) = _panels(1)
    x, share, low, high, fitted = (
        np.array([row[key] for row in table]) for key in ("distance_tick", "share", "low", "high", "fitted")
    )
    ax.errorbar(x, share, [np.maximum(share - low, 0), np.maximum(high - share, 0)], fmt="o", ms=4,
                color=figures.OURS, lw=1, label="quotes of all policies")  # fmt: skip
    if np.isfinite(fit["k_per_tick"]):
        label = f"fit: rate {fit['rate_per_s']:.3g} exp(-{fit['k_per_tick']:.3g} d) per second"
        ax.plot(x, fitted, color=figures.SELL, lw=1.3, label=label)
    ax.set(xlabel="distance from the mid when sent (ticks)", ylabel="filled before the next quote", ylim=(0, None))
    ax.legend(fontsize=8)
    return fig


def decomposition(results, currency):
    """Spread captured, inventory PnL, fees and what is left, for every policy."""
    fig, (ax,) = _panels(1, 3.6)
    parts = (("spread_capture", "spread captured", figures.BUY, 1),
             ("inventory_pnl", "inventory PnL", figures.LIMIT, 1),
             ("fees", "fees", figures.SELL, -1), ("net_pnl", "net PnL", figures.OURS, 1))  # fmt: skip
    place = np.arange(len(results))
    for k, (key, label, colour, sign) in enumerate(parts):
        heights = [sign * one[key] for one in results.values()]
        ax.bar(place + (k - 1.5) * 0.2, heights, 0.19, color=colour, label=label)
    ax.axhline(0.0, color="black", lw=0.6)
    ax.set_xticks(place, results, rotation=20 if len(results) > 4 else 0)
    ax.set_ylabel(currency)
    ax.legend(fontsize=8, ncols=4, loc="lower left", bbox_to_anchor=(0.0, 1.0), frameon=False)
    return fig
