"""The figure of a search: the score of every trial by each of its settings."""

import json
from typing import Any

import numpy as np
from matplotlib import figure

from tfmm.evaluation.report import figures

_ACROSS = 3


def draw(report: dict[str, Any]) -> figure.Figure:
    """A panel for each searched key, later trials darker, the best one and that of the configuration marked.

    Args:
        report: tree of search.json, see search.Search.report.
    """
    keys, trials = list(report["space"]), [trial for trial in report["trials"] if trial["score"] is not None]
    across = min(_ACROSS, len(keys))
    rows = -(-len(keys) // across)
    fig = figure.Figure(figsize=(figures.WIDTH, 2.4 * rows + 0.4), layout="constrained")
    axes = fig.subplots(rows, across, squeeze=False, sharey=True).ravel()
    scores, numbers = [trial["score"] for trial in trials], np.array([trial["number"] for trial in trials])
    marks = [("best", report["best"], figures.SELL, 80), ("configuration", report["own"], figures.LIMIT, 160)]
    for ax, key in zip(axes, keys, strict=False):
        x = _positions(ax, report["space"][key], [trial["settings"][key] for trial in trials])
        ax.scatter(
            x,
            scores,
            c=numbers,
            cmap="Blues",
            vmin=-len(trials),
            s=24,
            edgecolor="0.4",
            lw=0.4,
            zorder=2,
            clip_on=False,
        )
        for label, number, colour, size in marks:
            chosen = numbers == number
            ax.scatter(x[chosen], np.array(scores)[chosen], s=size, facecolor="none", edgecolor=colour, lw=1.6,
                       label=label, zorder=3)  # fmt: skip
        ax.set_title(key, fontsize=9)
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    for ax in axes[len(keys) :]:
        ax.set_visible(False)
    for ax in axes[::across]:
        ax.set_ylabel(report["metric"].replace("_", " "))
    handles, labels = axes[0].get_legend_handles_labels()
    fig.legend(handles, labels, loc="outside upper left", fontsize=8, ncols=2, frameon=False)
    return fig


def _positions(ax, dimension, values):
    """(T,) x of values; choices are evenly spaced, in the order of the space."""
    if "choices" not in dimension:
        low, high = dimension.get("range") or dimension["integers"]
        if dimension.get("log"):
            ax.set_xscale("log")
            # in a range this short the labels of matplotlib's minor ticks overlap
            ax.set_xticks(np.geomspace(low, high, 4), [f"{tick:.2g}" for tick in np.geomspace(low, high, 4)])
            ax.minorticks_off()
        ax.set_xlim(low, high)
        return np.array(values, np.float64)
    names = [json.dumps(choice) for choice in dimension["choices"]]
    ax.set_xticks(range(len(names)), names, fontsize=7)
    ax.set_xlim(-0.5, len(names) - 0.5)
    return np.array([names.index(json.dumps(value)) for value in values], np.float64)
