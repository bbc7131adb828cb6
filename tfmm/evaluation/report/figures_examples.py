"""Figures of policies on the example environments, as matplotlib Figures."""

import itertools
from typing import Any

import numpy as np
from matplotlib import figure, ticker

from tfmm.arrays import Array, Floats
from tfmm.environments.examples import quote_target
from tfmm.evaluation.report.figures import BUY, COLOURS, MARKET, SELL


def quotes(values: Floats) -> figure.Figure:
    """Histograms of asks and bids, the best ones dashed; values: (K, 2) ask and bid."""
    fig = figure.Figure(figsize=(9.5, 3.4), layout="constrained")
    rows = (("ask", SELL, quote_target.TARGET_ASK), ("bid", BUY, quote_target.TARGET_BID))
    for ax, column, (name, colour, target) in zip(fig.subplots(1, 2), values.T, rows, strict=True):
        low, high = min(column.min(), target - 0.1), max(column.max(), target + 0.1)
        ax.hist(column, bins=np.linspace(low, high, 61), color=colour)
        ax.axvline(target, color="black", ls="--", lw=1.0, label=f"best {name} {target:g}")
        ax.set_title(f"{name}: mean {column.mean():.3f}", fontsize=10)
        ax.set_xlabel(name)
        ax.set_ylabel("observations")
        ax.legend(loc="best", fontsize=8)
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def norms(paths: dict[str, Floats]) -> figure.Figure:
    """||s|| by step, mean and range over episodes; paths: {policy: (steps + 1, episodes)}."""
    fig, ax = _plain(4.0)
    for colour, (name, path) in zip(itertools.cycle(COLOURS), paths.items(), strict=False):
        steps = np.arange(len(path))
        ax.fill_between(steps, path.min(axis=1), path.max(axis=1), color=colour, alpha=0.2, lw=0)
        ax.plot(steps, path.mean(axis=1), color=colour, lw=1.3, label=name)
    ax.set_ylim(bottom=0.0)
    ax.set_xlabel("step")
    ax.set_ylabel("norm of the state")
    ax.legend(loc="best", fontsize=8)
    return fig


def _plain(height):
    fig = figure.Figure(figsize=(9.5, height), layout="constrained")
    ax = fig.subplots()
    ax.grid(alpha=0.25)
    ax.spines[["top", "right"]].set_visible(False)
    return fig, ax


def price_signals(path: dict[str, Array]) -> figure.Figure:
    """The close, with a mark where the position turned long or short or was closed.

    Args:
        path: see daily_trading.DailyTradingTask.walk.
    """
    fig, ax = _plain(4.0)
    ax.plot(path["date"], path["close"], color=MARKET, lw=1.0)
    sign = np.sign(path["shares"])
    turned = np.diff(np.concatenate([[0.0], sign])) != 0
    for which, colour, marker, label in ((1, BUY, "^", "long"), (-1, SELL, "v", "short"), (0, "black", "o", "flat")):
        here = turned & (sign == which)
        if here.any():
            ax.plot(path["date"][here], path["close"][here], marker, color=colour, ms=6, ls="", label=label)
    ax.set_ylabel("close")
    ax.legend(loc="best", fontsize=8)
    return fig


def cumulative_return(dates: Array, wealth: dict[str, Floats]) -> figure.Figure:
    """Wealth over the capital, less 1.

    Args:
        dates: (D,) datetime64. wealth: {policy: (T,)} on the first T dates.
    """
    fig, ax = _plain(4.0)
    for colour, (name, path) in zip(itertools.cycle(COLOURS), wealth.items(), strict=False):
        ax.plot(dates[: len(path)], path / path[0] - 1.0, color=colour, lw=1.2, label=name)
    ax.axhline(0.0, color="black", lw=0.6)
    ax.yaxis.set_major_formatter(ticker.PercentFormatter(1.0))
    ax.set_ylabel("cumulative return")
    ax.legend(loc="best", fontsize=8)
    return fig


def rewards(path: dict[str, Array]) -> figure.Figure:
    """Reward of every decision and its running sum; path: see price_signals."""
    fig, ax = _plain(3.4)
    ax.bar(path["date"], path["reward"], color=MARKET, width=1.0, label="reward")
    ax.set_ylabel("reward")
    right = ax.twinx()
    right.plot(path["date"], np.cumsum(path["reward"]), color=COLOURS[0], lw=1.2)
    right.set_ylabel("sum of rewards", color=COLOURS[0])
    return fig


def learning(records: list[dict[str, Any]]) -> figure.Figure | None:
    """Loss, reward while collecting, Q-value and validation score by train step; None without any.

    Args:
        records: of metrics.jsonl.
    """
    series = (("train/loss", "loss"), ("collect/reward_mean", "reward"), ("train/q_mean", "Q-value"),
              ("validation/return", "return on validation"))  # fmt: skip
    present = [(key, label) for key, label in series if any(key in record for record in records)]
    if not present:
        return None
    fig = figure.Figure(figsize=(9.5, 2.0 * len(present)), layout="constrained")
    axes = fig.subplots(len(present), 1, sharex=True, squeeze=False)[:, 0]
    for ax, (key, label) in zip(axes, present, strict=True):
        points = [(record["step"], record[key]) for record in records if key in record]
        ax.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else None, color=COLOURS[0], lw=1.0)
        ax.set_ylabel(label, fontsize=8)
        ax.grid(alpha=0.25)
    axes[-1].set_xlabel("train step")
    return fig
