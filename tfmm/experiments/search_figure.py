"""The figure of a search: the score of every trial by each of its settings."""

import json

import numpy as np
from matplotlib import figure

from tfmm.evaluation.report import figures

_ACROSS = 3


def draw(report):
    """A panel for each key of search.json (experiments.search), later trials darker, the best and the first ones
    marked.

    Args:
        report: its tree.

    Returns:
        matplotlib Figure.
    """
    keys, trials = list(report["space"]), [one for one in report["trials"] if one["score"] is not None]
    across = min(_ACROSS, len(keys))
    rows = -(-len(keys) // across)
    fig = figure.Figure(figsize=(figures.WIDTH, 2.4 * rows + 0.4), layout="constrained")
    axes = fig.subplots(rows, across, squeeze=False, sharey=True).ravel()
    scores, numbers = [one["score"] for one in trials], np.array([one["number"] for one in trials])
    marks = [("best", report["best"], figures.SELL, 80), ("the config's own", report["own"], figures.LIMIT, 160)]
    for ax, key in zip(axes, keys, strict=False):
        x = _places(ax, report["space"][key], [one["settings"][key] for one in trials])
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


def _places(ax, said, values):
    """(T,) x of values; choices stand evenly, in the order of the space."""
    if "choices" not in said:
        low, high = said.get("range") or said["integers"]
        if said.get("log"):
            ax.set_xscale("log")
            # matplotlib labels the minor ticks of a range this short, one over the other
            ax.set_xticks(np.geomspace(low, high, 4), [f"{one:.2g}" for one in np.geomspace(low, high, 4)])
            ax.minorticks_off()
        ax.set_xlim(low, high)
        return np.array(values, np.float64)
    names = [json.dumps(one) for one in said["choices"]]
    ax.set_xticks(range(len(names)), names, fontsize=7)
    ax.set_xlim(-0.5, len(names) - 0.5)
    return np.array([names.index(json.dumps(one)) for one in values], np.float64)
