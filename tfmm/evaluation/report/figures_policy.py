"""What was learned where clients alone trade: quotes by inventory and by where the mid is expected to go.

Beside those of dynamic programming over the same (`bellman_spread_drift`).
"""

import numpy as np
from matplotlib import lines

from tfmm.backtest import expected_objective
from tfmm.calibration import drift
from tfmm.evaluation.report import figures, figures_behaviour

BASELINE = "bellman_spread_drift"
TENTHS = {"down": (0.0, 0.1), "flat": (0.45, 0.55), "up": (0.9, 1.0)}
"""Quantiles of the predicted drift between which decisions are looked at."""
_COLOURS = {"down": figures.SELL, "flat": "#333a45", "up": figures.BUY}


def by_drift(task, watched, policy, baseline):
    """Mean distance of the quotes of both at decisions of each tenth, asked with every inventory.

    Args:
        watched: [law.Watched]. policy: policies.saved.Policy. baseline: of policies.baselines.bellman_spread.

    Returns:
        list of {"policy", "drift" (of TENTHS), "drift_half_spread" (its mean, mean half-spreads on train),
        "inventory_orders", "ask_spreads", "bid_spreads" (from the mid; NaN: not quoted), "n" decisions}.
    """
    acts = {
        task.config.agent.name: (lambda seen: policy(task.observe(seen)), False),
        baseline.name: (baseline, True),
    }
    coefficients = np.array(drift.fit_once(task)[0].drift)
    moves = [one.observation[:, drift.COLUMNS] @ coefficients for one in watched]
    open_ = [one.market["has_market"][:-1] > 0 for one in watched]
    known = np.concatenate([move[now] for move, now in zip(moves, open_, strict=True)])
    limit, out = task.config.rules.inventory_limit_orders, []
    for tenth, ends in TENTHS.items():
        low, high = np.quantile(known, ends)
        rows = [np.flatnonzero(now & (move >= low) & (move <= high)) for move, now in zip(moves, open_, strict=True)]
        mean = float(np.concatenate([move[chosen] for move, chosen in zip(moves, rows, strict=True)]).mean())
        for name, (act, distances) in acts.items():
            parts = [expected_objective.quotes(task, *pair, act, distances) for pair in zip(watched, rows, strict=True)]
            for held, (ask, bid) in enumerate(_means(np.concatenate(parts)), -limit):
                out.append({"policy": name, "drift": tenth, "drift_half_spread": mean, "inventory_orders": held,
                            "ask_spreads": ask, "bid_spreads": bid, "n": sum(map(len, rows))})  # fmt: skip
    return out


def _means(distances):
    """(2 L + 1, 2) of (K, 2 L + 1, 2), over decisions that quoted the side; NaN where none did."""
    quoted = np.isfinite(distances)
    with np.errstate(invalid="ignore"):
        return np.where(quoted, distances, 0.0).sum(axis=0) / quoted.sum(axis=0)


def draw(table):
    """Ask and bid distance by inventory, a colour for each drift, the baseline dashed; table: by_drift."""
    fig, axes = figures_behaviour.panels(2, 4.4)
    own, baseline = dict.fromkeys(row["policy"] for row in table)
    styles = {own: {"ls": "-", "lw": 2.2}, baseline: {"ls": "--", "lw": 1.1}}
    for ax, side in zip(axes[0], ("ask", "bid"), strict=True):
        for name, style in styles.items():
            for tenth, colour in _COLOURS.items():
                rows = [row for row in table if (row["policy"], row["drift"]) == (name, tenth)]
                held = [row["inventory_orders"] for row in rows]
                ax.plot(held, [row[f"{side}_spreads"] for row in rows], color=colour, **style)
        ax.axhline(0.5, color=figures.MARKET, lw=1.0, ls=":")
        ax.set(xlabel="inventory (orders)", title=f"our {side}")
    axes[0, 0].set_ylabel("distance from the mid (market spreads)")
    axes[0, 1].sharey(axes[0, 0])
    drifts = {row["drift"]: row["drift_half_spread"] for row in table}
    entries = {f"mid expected {tenth} ({mean:+.2f})": {"color": _COLOURS[tenth], "lw": 2.2}
               for tenth, mean in drifts.items()}  # fmt: skip
    entries |= {name: {"color": "0.3", **style} for name, style in styles.items()}
    entries["the market's touch"] = {"color": figures.MARKET, "ls": ":", "lw": 1.0}
    handles = [lines.Line2D([], [], **style) for style in entries.values()]
    title = f"moves over {drift.HORIZON_S:g} s in mean half-spreads"
    fig.legend(handles, entries, loc="outside upper left", fontsize=8, ncols=2, frameon=False, title=title,
               title_fontsize=8, alignment="left")  # fmt: skip
    return fig
