"""A policy's quotes by inventory and predicted drift, beside those of dynamic programming over the same state.

They are known where only clients trade, as the market is the same for every inventory there.
"""

from typing import Any

import numpy as np
from matplotlib import figure, lines

from tfmm.backtest import expected_objective
from tfmm.backtest.expected_objective import MarketPath
from tfmm.calibration import drift
from tfmm.environments.tape.task import TapeTask
from tfmm.evaluation.report import figures, figures_behaviour
from tfmm.policies.saved import Policy

BASELINE = "bellman_spread_drift"
TENTHS = {"down": (0.0, 0.1), "flat": (0.45, 0.55), "up": (0.9, 1.0)}
"""Quantiles of the predicted drift that bound the decisions of each group."""
_COLOURS = {"down": figures.SELL, "flat": "#333a45", "up": figures.BUY}


def by_drift(task: TapeTask, paths: list[MarketPath], policy: Policy, baseline: Any) -> list[dict[str, Any]]:
    """Mean distance of the quotes of a policy and a baseline from the mid, at every inventory, over the decisions of
    each group of TENTHS.

    Args:
        paths: of the split. policy: the evaluated one. baseline: one of policies.baselines.bellman_spread.

    Returns:
        rows of {"policy", "drift" (of TENTHS), "drift_half_spread" (its mean, mean half-spreads on train),
        "inventory_orders", "ask_spreads", "bid_spreads" (from the mid; NaN: not quoted), "n" decisions}.
    """
    acts: dict[str, tuple[expected_objective.Strategy, bool]] = {
        task.config.agent.name: (lambda states: policy(task.observe(states)), False),
        baseline.name: (baseline, True),
    }
    coefficients = np.array(drift.fit_once(task)[0].drift)
    drifts = [path.observation[:, drift.COLUMNS] @ coefficients for path in paths]
    has_market = [path.market["has_market"][:-1] > 0 for path in paths]
    all_drifts = np.concatenate([values[open_] for values, open_ in zip(drifts, has_market, strict=True)])
    limit, out = task.config.rules.inventory_limit_orders, []
    for tenth, ends in TENTHS.items():
        low, high = np.quantile(all_drifts, ends)
        rows = [
            np.flatnonzero(open_ & (values >= low) & (values <= high))
            for values, open_ in zip(drifts, has_market, strict=True)
        ]
        mean = float(np.concatenate([values[chosen] for values, chosen in zip(drifts, rows, strict=True)]).mean())
        for name, (act, distances) in acts.items():
            parts = [expected_objective.quotes(task, *pair, act, distances) for pair in zip(paths, rows, strict=True)]
            for orders, (ask, bid) in enumerate(_means(np.concatenate(parts)), -limit):
                out.append({"policy": name, "drift": tenth, "drift_half_spread": mean, "inventory_orders": orders,
                            "ask_spreads": ask, "bid_spreads": bid, "n": sum(map(len, rows))})  # fmt: skip
    return out


def _means(distances):
    """(2 L + 1, 2) means of (K, 2 L + 1, 2) over the decisions that quote a side; NaN where none does."""
    quoted = np.isfinite(distances)
    with np.errstate(invalid="ignore"):
        return np.where(quoted, distances, 0.0).sum(axis=0) / quoted.sum(axis=0)


def draw(table: list[dict[str, Any]]) -> figure.Figure:
    """Ask and bid distance by inventory, a colour for each drift, the baseline dashed; table: rows of by_drift."""
    fig, axes = figures_behaviour.panels(2, 4.4)
    policy, baseline = dict.fromkeys(row["policy"] for row in table)
    styles: dict[str, dict[str, Any]] = {policy: {"ls": "-", "lw": 2.2}, baseline: {"ls": "--", "lw": 1.1}}
    for ax, side in zip(axes[0], ("ask", "bid"), strict=True):
        for name, style in styles.items():
            for tenth, colour in _COLOURS.items():
                rows = [row for row in table if (row["policy"], row["drift"]) == (name, tenth)]
                orders = [row["inventory_orders"] for row in rows]
                ax.plot(orders, [row[f"{side}_spreads"] for row in rows], color=colour, **style)
        ax.axhline(0.5, color=figures.MARKET, lw=1.0, ls=":")
        ax.set(xlabel="inventory (orders)", title=f"our {side}")
    axes[0, 0].set_ylabel("distance from the mid (market spreads)")
    axes[0, 1].sharey(axes[0, 0])
    drifts = {row["drift"]: row["drift_half_spread"] for row in table}
    entries: dict[str, dict[str, Any]] = {
        f"predicted drift {tenth} ({mean:+.2f})": {"color": _COLOURS[tenth], "lw": 2.2}
        for tenth, mean in drifts.items()
    }
    entries |= {name: {"color": "0.3", **style} for name, style in styles.items()}
    entries["touch of the market"] = {"color": figures.MARKET, "ls": ":", "lw": 1.0}
    handles = [lines.Line2D([], [], **style) for style in entries.values()]
    title = f"drift over {drift.HORIZON_S:g} s, mean half-spreads"
    fig.legend(handles, entries, loc="outside upper left", fontsize=8, ncols=2, frameon=False, title=title,
               title_fontsize=8, alignment="left")  # fmt: skip
    return fig
