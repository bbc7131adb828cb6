"""The figures of the report, as matplotlib Figures; no global state, the same input gives the same bytes."""

import io
import itertools
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from matplotlib import dates, figure

from tfmm.arrays import Array, Floats, Floats32
from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import path as path_lib

BUY, SELL, MARKET, OURS, LIMIT = "#1b7f4d", "#c0392b", "#8a8f98", "#1f5fa8", "#d8a03d"
COLOURS = (
    "#1f5fa8", "#d8833b", "#6b4fa0", "#1b7f4d", "#a03d5f", "#5f6b7a", "#2a9d8f", "#c9a227",
    "#8c564b", "#e377c2", "#7ab8e0", "#000000", "#98c14a", "#d62728",
)  # fmt: skip
WIDTH = 8.0
_ZOOM_STEPS = 90
_POINTS = 1500


def png(fig: figure.Figure) -> bytes:
    """The figure as PNG bytes, without the metadata that would differ between runs."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def colours(names: Iterable[str]) -> dict[str, str]:
    """{name: colour}, the same for the same names in every figure."""
    return dict(zip(names, itertools.cycle(COLOURS), strict=False))


def stacked(
    rows: int, height: float, ratios: Sequence[float] | None = None, shared: bool = True
) -> tuple[figure.Figure, Array]:
    """(Figure, (rows,) its panels from top to bottom).

    Args:
        height: inches. ratios: heights of the panels. shared: whether the panels share their x axis.
    """
    fig = figure.Figure(figsize=(WIDTH, height), layout="constrained")
    panels = fig.subplots(rows, 1, sharex=shared and rows > 1, squeeze=False, height_ratios=ratios)[:, 0]
    for ax in panels:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, panels


class _Timeline:
    """x axis of one segment in UTC, of several in trading hours without the time between segments."""

    def __init__(self, backtests: list[Backtest]) -> None:
        self._spans = [run.span for run in backtests]
        new = [k == 0 or run.session != backtests[k - 1].session for k, run in enumerate(backtests)]
        self._names = [
            run.session if first else str(_utc(run.span[0]))[11:16] for run, first in zip(backtests, new, strict=True)
        ]  # a later trading period of a session by the time at which it begins
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


def _paths(run):
    return [path_lib.of_backtest(run, n) for n in range(len(run.tape.instruments))]


def _deepest(paths, times):
    """(K,) largest drawdown between the time before and each time, whatever happens between the two."""
    every = np.unique(np.concatenate([path.ts for path in paths] + [times]))
    wealth = sum(path.at(every, path.net) for path in paths)
    below = np.maximum.accumulate(wealth) - wealth
    return np.maximum.reduceat(below, np.concatenate([[0], np.searchsorted(every, times[:-1], side="right")]))


def equity(
    runs: dict[str, list[Backtest]], name: str, currency: str, instruments: Sequence[int] = (0,)
) -> figure.Figure:
    """Equity of every policy through all segments, the drawdown of one of them, and the mid.

    Args:
        runs: {policy: its backtests}. name: of the policy whose gross equity and drawdown are drawn too.
        currency: of the accounts. instruments: indices of those whose mids are drawn; of several the change in percent.
    """
    fig, (top, middle, bottom) = stacked(3, 7.0, [3, 1, 1])
    line = _Timeline(runs[name])
    count = max(2, _POINTS // len(runs[name]))
    colour_of, all_mids = colours(runs), []
    for policy, backtests in runs.items():
        colour = colour_of[policy]
        times_of: list[Array] = []
        nets: list[Floats] = []
        grosses: list[Floats] = []
        for k, run in enumerate(backtests):
            paths = _paths(run)
            times = run.span[0] + (run.span[1] - run.span[0]) * np.arange(count) // (count - 1)
            wealth, before_fees = (sum(path.at(times, values(path)) for path in paths)
                                   for values in (lambda path: path.net, lambda path: path.gross))  # fmt: skip
            times_of.append(line.x(k, times))
            nets.append(wealth + (nets[-1][-1] if nets else 0.0))
            grosses.append(before_fees + (grosses[-1][-1] if grosses else 0.0))
            if policy == name:
                deepest = -_deepest(paths, times)
                middle.fill_between(times_of[-1], deepest, 0.0, color=colour, alpha=0.4, lw=0, step="pre")
                all_mids.append([paths[n].at(times, paths[n].mid) for n in instruments])
        x, net, gross = (np.concatenate(parts) for parts in (times_of, nets, grosses))
        top.plot(x, net, color=colour, label=f"{policy}, net", lw=1.3)
        if policy == name:
            _mids(bottom, x, np.concatenate(all_mids, axis=1), [backtests[0].tape.instruments[n] for n in instruments])
            top.plot(x, gross, color=colour, ls="--", lw=0.9, label=f"{policy}, before fees")
    top.axhline(0.0, color="black", lw=0.6)
    top.set_ylabel(f"equity ({currency})")
    fig.legend(loc="outside upper left", fontsize=8, ncols=4, frameon=False)
    middle.set_ylabel(f"drawdown\n({currency})")
    line.label(bottom)
    return fig


def _mids(ax, x, mids, instruments):
    """The mid of an instrument, of several the change in percent; mids: (N, K)."""
    if len(instruments) == 1:
        ax.plot(x, mids[0], color=MARKET, lw=0.9)
        ax.set_ylabel(f"mid of\n{instruments[0].symbol}")
        return
    for instrument, colour, values in zip(instruments, itertools.cycle(COLOURS[4:]), mids, strict=False):
        ax.plot(x, (values / values[0] - 1.0) * 100.0, color=colour, lw=0.9)
        ax.annotate(instrument.symbol, (x[-1], (values[-1] / values[0] - 1.0) * 100.0), color=colour, fontsize=8,
                    xytext=(3, 0), textcoords="offset points", va="center", annotation_clip=False)  # fmt: skip
    ax.set_ylabel("mids, change\n(%)")


def inventory(backtests: list[Backtest], limits: Floats, instruments: Sequence[int] = (0,)) -> figure.Figure:
    """Inventory in some instruments through all segments, the limit dashed; limits: (N,) size units."""
    fig, axes = stacked(len(instruments), 2.6 * len(instruments))
    line = _Timeline(backtests)
    for n, ax in zip(instruments, axes, strict=True):
        for k, run in enumerate(backtests):
            path = path_lib.of_backtest(run, n)
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


def densest(run: Backtest, instrument: int, steps: int) -> tuple[int, int]:
    """(first, last) decision of the `steps` decisions in a row, or of all, with most fills."""
    sent = run.schedule["ts_ns"][run.schedule["instrument"] == instrument]
    filled = run.fills["ts_ns"][run.fills["instrument"] == instrument]
    width = min(steps, len(sent) - 1)
    counts = np.searchsorted(filled, sent[width:]) - np.searchsorted(filled, sent[: len(sent) - width])
    start = int(np.argmax(counts)) if len(counts) else 0
    return start, start + width


def quotes(run: Backtest, instruments: Sequence[int] = (0,)) -> figure.Figure:
    """Our quotes against the market in the stretch with most fills of each instrument, every fill marked."""
    fig, panels = stacked(len(instruments), 4.6 if len(instruments) == 1 else 3.6 * len(instruments), shared=False)
    for n, ax in zip(instruments, panels, strict=True):
        _quotes(ax, run, n)
    fig.legend(*panels[0].get_legend_handles_labels(), loc="outside upper left", fontsize=8, ncols=6, frameon=False)
    return fig


def _quotes(ax, run, n):
    schedule, fills = (rows[rows["instrument"] == n] for rows in (run.schedule, run.fills))
    start, stop = densest(run, n, _ZOOM_STEPS)
    low, high = schedule["ts_ns"][[start, stop]]
    events = run.tape.events[run.tape.events["instrument"] == n]
    tick, symbol = run.tape.instruments[n].tick_size, run.tape.instruments[n].symbol
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
        marked = inside[inside["side"] == side]
        ax.plot(_utc(marked["ts_ns"]), marked["px"], marker, color=colour, ms=8, mec="black", mew=0.6, ls="",
                label=label)  # fmt: skip
    ax.set_ylabel(f"price of {symbol}")
    _clock(ax)


def actions(values: Floats32, names: Sequence[str], across: int = 3) -> figure.Figure:
    """Histogram of each action component, with the share of actions at its bounds.

    Args:
        values: (T, d) in [-1, 1], NaN: no quote. names: (d,) of the components.
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


def learning(records: list[dict[str, Any]]) -> figure.Figure | None:
    """Losses, Q-values, rewards and validation by train step, from the records of metrics.jsonl; None without any.

    The actor's loss is minus the mean Q-value of its actions.
    """
    series = (("train/critic_loss", "critic loss", 1), ("train/actor_loss", "mean Q-value", -1),
              ("collect/reward_mean", "reward while\ncollecting", 1),
              ("validation/objective_per_hour", "validation objective\nper hour", 1),
              ("validation/ratio", "share of the optimum", 1))  # fmt: skip
    present = [entry for entry in series if any(record.get(entry[0]) is not None for record in records)]
    if not present:
        return None
    fig, axes = stacked(len(present), 1.7 * len(present))
    for ax, (key, label, sign) in zip(axes, present, strict=True):
        points = [(record["step"], sign * record[key]) for record in records if record.get(key) is not None]
        ax.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else None, color=OURS, lw=1.0)
        ax.set_ylabel(label, fontsize=8)
    axes[-1].set_xlabel("train step")
    return fig
