"""The figures of the report, as matplotlib Figures; no global state, the same input gives the same bytes."""

import io
import itertools

import numpy as np
from matplotlib import dates, figure

from tfmm.evaluation.metrics import path as path_lib

BUY, SELL, MARKET, OURS, LIMIT = "#1b7f4d", "#c0392b", "#8a8f98", "#1f5fa8", "#d8a03d"
COLOURS = (
    "#1f5fa8", "#d8833b", "#6b4fa0", "#1b7f4d", "#a03d5f", "#5f6b7a", "#2a9d8f", "#c9a227",
    "#8c564b", "#e377c2", "#7ab8e0", "#000000", "#98c14a", "#d62728",
)  # fmt: skip
WIDTH = 8.0
_ZOOM_STEPS = 90
_POINTS = 1500


def png(fig):
    """The figure as PNG bytes, without the metadata that would differ between runs."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def colours(names):
    """{name: colour}, the same for the same names in every figure."""
    return dict(zip(names, itertools.cycle(COLOURS), strict=False))


def stacked(rows, height, ratios=None, shared=True):
    """(Figure, its panels one below the other); shared: whether they have the same x."""
    fig = figure.Figure(figsize=(WIDTH, height), layout="constrained")
    panels = fig.subplots(rows, 1, sharex=shared and rows > 1, squeeze=False, height_ratios=ratios)[:, 0]
    for ax in panels:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, panels


class _Timeline:
    """x of times in several segments: UTC for one, else trading hours with the time between segments left out."""

    def __init__(self, backtests):
        self._spans = [one.span for one in backtests]
        self._names = [one.session for one in backtests]
        self._starts = np.concatenate([[0.0], np.cumsum([(b - a) / 3.6e12 for a, b in self._spans])])

    def x(self, segment, ns):
        if len(self._spans) == 1:
            return np.asarray(ns, "datetime64[ns]")
        return self._starts[segment] + (np.asarray(ns) - self._spans[segment][0]) / 3.6e12

    def label(self, ax):
        if len(self._spans) == 1:
            _clock(ax)
            return
        every = -(-len(self._names) // 12)
        ax.set_xticks(self._starts[:-1:every], self._names[::every], fontsize=8)
        for start in self._starts[1:-1]:
            ax.axvline(start, color="0.8", lw=0.6, zorder=0)
        ax.set_xlabel("session")


def _utc(ns):
    return np.asarray(ns, "datetime64[ns]")


def _clock(ax):
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set_xlabel("time (UTC)")


def _paths(one):
    return [path_lib.path(one.tape, one.fills, one.span, n) for n in range(len(one.tape.instruments))]


def _deepest(paths, times):
    """(K,) largest drawdown in the stretch that ends at each time; no short one is lost between two of them."""
    every = np.unique(np.concatenate([path.ts for path in paths] + [times]))
    wealth = sum(path.at(every, path.net) for path in paths)
    below = np.maximum.accumulate(wealth) - wealth
    return np.maximum.reduceat(below, np.concatenate([[0], np.searchsorted(every, times[:-1], side="right")]))


def equity(runs, name, currency, instruments=(0,)):
    """Equity of every policy through all segments, the drawdown of one of them, and the mid.

    Args:
        runs: {policy: list of Backtest}. name: the policy whose gross equity and drawdown are drawn too.
        instruments: whose mids to draw; those of several as changes since the first.
    """
    fig, (top, middle, bottom) = stacked(3, 7.0, [3, 1, 1])
    line = _Timeline(runs[name])
    count = max(2, _POINTS // len(runs[name]))
    colour_of, mids = colours(runs), []
    for policy, backtests in runs.items():
        colour = colour_of[policy]
        x, net, gross = [], [], []
        for k, one in enumerate(backtests):
            paths = _paths(one)
            times = one.span[0] + (one.span[1] - one.span[0]) * np.arange(count) // (count - 1)
            wealth, before = (sum(path.at(times, values(path)) for path in paths)
                              for values in (lambda path: path.net, lambda path: path.gross))  # fmt: skip
            x.append(line.x(k, times))
            net.append(wealth + (net[-1][-1] if net else 0.0))
            gross.append(before + (gross[-1][-1] if gross else 0.0))
            if policy == name:
                middle.fill_between(x[-1], -_deepest(paths, times), 0.0, color=colour, alpha=0.4, lw=0, step="pre")
                mids.append([paths[n].at(times, paths[n].mid) for n in instruments])
        x, net, gross = (np.concatenate(parts) for parts in (x, net, gross))
        top.plot(x, net, color=colour, label=f"{policy}, net", lw=1.3)
        if policy == name:
            _mids(bottom, x, np.concatenate(mids, axis=1), [backtests[0].tape.instruments[n] for n in instruments])
            top.plot(x, gross, color=colour, ls="--", lw=0.9, label=f"{policy}, before fees")
    top.axhline(0.0, color="black", lw=0.6)
    top.set_ylabel(f"equity ({currency})")
    fig.legend(loc="outside upper left", fontsize=8, ncols=4, frameon=False)
    middle.set_ylabel(f"drawdown\n({currency})")
    line.label(bottom)
    return fig


def _mids(ax, x, mids, instruments):
    """The mid of an instrument, or how those of several have changed; mids: (N, K)."""
    if len(instruments) == 1:
        ax.plot(x, mids[0], color=MARKET, lw=0.9)
        ax.set_ylabel(f"mid of\n{instruments[0].symbol}")
        return
    for one, colour, values in zip(instruments, itertools.cycle(COLOURS[4:]), mids, strict=False):
        ax.plot(x, (values / values[0] - 1.0) * 100.0, color=colour, lw=0.9)
        ax.annotate(one.symbol, (x[-1], (values[-1] / values[0] - 1.0) * 100.0), color=colour, fontsize=8,
                    xytext=(3, 0), textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
    ax.set_ylabel("mids, change\n(%)")


def inventory(backtests, limits, instruments=(0,)):
    """Position in some instruments through all segments, the limit dashed."""
    fig, axes = stacked(len(instruments), 2.6 * len(instruments))
    line = _Timeline(backtests)
    for n, ax in zip(instruments, axes, strict=True):
        for k, one in enumerate(backtests):
            path = path_lib.path(one.tape, one.fills, one.span, n)
            moved = np.flatnonzero(np.diff(path.inventory, prepend=np.nan, append=np.nan) != 0)
            moved = moved[moved < len(path.ts)]
            ends = np.append(moved, len(path.ts) - 1)
            ax.step(line.x(k, path.ts[ends]), path.inventory[ends], where="post", color=OURS, lw=0.8)
        for sign in (-1, 1):
            ax.axhline(sign * limits[n], color=LIMIT, ls="--", lw=0.8, label="limit" if sign > 0 else None)
        ax.set_ylabel(f"inventory ({backtests[0].tape.instruments[n].symbol})")
        ax.legend(loc="upper right", fontsize=8)
    line.label(axes[-1])
    return fig


def densest(one, instrument, steps):
    """(first, last) decision of the stretch of `steps` decisions, or all, with most fills."""
    sent = one.schedule["ts_ns"][one.schedule["instrument"] == instrument]
    filled = one.fills["ts_ns"][one.fills["instrument"] == instrument]
    width = min(steps, len(sent) - 1)
    counts = np.searchsorted(filled, sent[width:]) - np.searchsorted(filled, sent[: len(sent) - width])
    start = int(np.argmax(counts)) if len(counts) else 0
    return start, start + width


def quotes(one, instruments=(0,)):
    """Our quotes against the market around each instrument's busiest stretch of fills, every fill marked."""
    fig, panels = stacked(len(instruments), 4.6 if len(instruments) == 1 else 3.6 * len(instruments), shared=False)
    for n, ax in zip(instruments, panels, strict=True):
        _quotes(ax, one, n)
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", fontsize=8, ncols=6, frameon=False)
    return fig


def _quotes(ax, one, n):
    schedule, fills = (rows[rows["instrument"] == n] for rows in (one.schedule, one.fills))
    start, stop = densest(one, n, _ZOOM_STEPS)
    low, high = schedule["ts_ns"][[start, stop]]
    events = one.tape.events[one.tape.events["instrument"] == n]
    tick, symbol = one.tape.instruments[n].tick_size, one.tape.instruments[n].symbol
    near = events[(events["ts"] >= low) & (events["ts"] <= high)]
    market, prints = near[near["kind"] == 0], near[near["kind"] == 1]
    shown = schedule[start : stop + 1]
    ax.fill_between(_utc(market["ts"]), market["lo_tick"] * tick, market["hi_tick"] * tick, step="post", color=MARKET,
                    alpha=0.35, lw=0, label="market bid to ask")  # fmt: skip
    ax.plot(_utc(prints["ts"]), 0.5 * (prints["lo_tick"] + prints["hi_tick"]) * tick, ".", color="black", ms=2,
            label="trades")  # fmt: skip
    ax.step(_utc(shown["ts_ns"]), shown["bid_px"], where="post", color=BUY, lw=1.2, label="our bid")
    ax.step(_utc(shown["ts_ns"]), shown["ask_px"], where="post", color=SELL, lw=1.2, label="our ask")
    inside = fills[(fills["ts_ns"] >= low) & (fills["ts_ns"] <= high)]
    for side, colour, marker, label in ((1, BUY, "^", "we bought"), (-1, SELL, "v", "we sold")):
        own = inside[inside["side"] == side]
        ax.plot(_utc(own["ts_ns"]), own["px"], marker, color=colour, ms=8, mec="black", mew=0.6, ls="", label=label)
    ax.set_ylabel(f"price of {symbol}")
    _clock(ax)


def actions(values, names, across=3):
    """Histogram of each action component, with the share at its bounds.

    Args:
        values: (T, d) float32 in [-1, 1], NaN: no quote. names: d component names.
        across: components in a row, 3 at most.
    """
    across = min(3, across, len(names))
    rows = -(-len(names) // across)
    fig = figure.Figure(figsize=(WIDTH, 2.8 * rows), layout="constrained")
    axes = fig.subplots(rows, across, squeeze=False).reshape(-1)
    for ax in axes[len(names) :]:
        ax.remove()
    for ax, column, name in zip(axes, values.T, names, strict=False):
        quoted = np.isfinite(column)
        ax.hist(column[quoted], bins=np.linspace(-1, 1, 41), color=OURS)
        silent = "" if quoted.all() else f", {np.mean(~quoted):.1%} no quote"
        ax.set_ylim(bottom=0)
        ax.set_title(f"{name}\n{np.mean(np.abs(column) >= 0.99):.1%} at the bounds{silent}", fontsize=9)
        ax.set_xlabel("action")
        ax.set_ylabel("decisions")
        ax.spines[["top", "right"]].set_visible(False)
    return fig


def learning(records):
    """Losses, Q-values, rewards and validation by train step, from the lines of metrics.jsonl; None without any.

    The actor's loss is minus the mean Q-value of its own actions.
    """
    series = (("train/critic_loss", "critic loss", 1), ("train/actor_loss", "mean Q-value", -1),
              ("collect/reward_mean", "reward while\ncollecting", 1),
              ("validation/objective_per_hour", "validation objective\nper hour", 1),
              ("validation/ratio", "share of the optimum", 1))  # fmt: skip
    present = [one for one in series if any(record.get(one[0]) is not None for record in records)]
    if not present:
        return None
    fig, axes = stacked(len(present), 1.7 * len(present))
    for ax, (key, label, sign) in zip(axes, present, strict=True):
        points = [(one["step"], sign * one[key]) for one in records if one.get(key) is not None]
        ax.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else None, color=OURS, lw=1.0)
        ax.set_ylabel(label, fontsize=8)
    axes[-1].set_xlabel("train step")
    return fig
