"""Figures of the further systems, as matplotlib Figures."""

import itertools

import numpy as np
from matplotlib import figure

from tfmm.environments import quote_target
from tfmm.evaluation.figures import BUY, COLOURS, SELL


def quotes(values):
    """Histograms of asks and bids, the best ones dashed. values: (K, 2) ask and bid."""
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


def norms(paths):
    """||s|| by step, mean and range over episodes. paths: {policy: (steps + 1, episodes)}."""
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
