"""The figures of the report, as matplotlib Figures; no global state, the same input gives the same bytes."""

import io
import itertools

import numpy as np
from matplotlib import dates, figure

from tfmm.evaluation import metrics

BUY, SELL, MARKET, OURS, LIMIT = "#1b7f4d", "#c0392b", "#8a8f98", "#1f5fa8", "#d8a03d"
COLOURS = ("#1f5fa8", "#d8833b", "#6b4fa0", "#1b7f4d", "#a03d5f", "#5f6b7a", "#2a9d8f", "#c9a227")
_ZOOM_STEPS = 90
_POINTS = 1500


def png(fig):
    """The figure as PNG bytes, without the metadata that would differ between runs."""
    buffer = io.BytesIO()
    fig.savefig(buffer, format="png", dpi=110, metadata={"Software": None})
    return buffer.getvalue()


def _axes(rows, height, ratios=None):
    fig = figure.Figure(figsize=(9.5, height), layout="constrained")
    axes = fig.subplots(rows, 1, sharex=rows > 1, squeeze=False, height_ratios=ratios)[:, 0]
    for ax in axes:
        ax.grid(alpha=0.25)
        ax.spines[["top", "right"]].set_visible(False)
    return fig, axes


def _utc(ns):
    return np.asarray(ns, "datetime64[ns]")


def _clock(ax):
    ax.xaxis.set_major_formatter(dates.ConciseDateFormatter(ax.xaxis.get_major_locator()))
    ax.set_xlabel("time (UTC)")


def equity(backtests, name, currency):
    """Equity net and gross of the first segment of every policy, and the mid below.

    Args:
        backtests: {policy: Backtest}. name: the policy whose gross equity is drawn too.
    """
    fig, (top, bottom) = _axes(2, 6.0, [2, 1])
    for colour, (policy, one) in zip(itertools.cycle(COLOURS), backtests.items(), strict=False):
        paths = [metrics.path(one.tape, one.fills, one.span, n) for n in range(len(one.tape.instruments))]
        times = one.span[0] + (one.span[1] - one.span[0]) * np.arange(_POINTS) // (_POINTS - 1)
        top.plot(
            _utc(times),
            sum(path.at(times, path.net) for path in paths),
            color=colour,
            label=f"{policy}, net",
            lw=1.3,
        )
        if policy == name:
            gross = sum(path.at(times, path.gross) for path in paths)
            top.plot(_utc(times), gross, color=colour, ls="--", lw=0.9, label=f"{policy}, before fees")
            bottom.plot(_utc(times), paths[0].at(times, paths[0].mid), color=MARKET, lw=0.9)
    top.axhline(0.0, color="black", lw=0.6)
    top.set_ylabel(f"equity ({currency})")
    top.legend(loc="best", fontsize=8)
    bottom.set_ylabel(f"mid ({currency})")
    _clock(bottom)
    return fig


def inventory(one, limits):
    """Position through the first segment, the limit dashed."""
    fig, axes = _axes(len(limits), 2.6 * len(limits))
    for n, ax in enumerate(axes):
        path = metrics.path(one.tape, one.fills, one.span, n)
        ax.step(_utc(path.ts), path.inventory, where="post", color=OURS, lw=0.8)
        for sign in (-1, 1):
            ax.axhline(sign * limits[n], color=LIMIT, ls="--", lw=0.8, label="limit" if sign > 0 else None)
        ax.set_ylabel(f"inventory ({one.tape.instruments[n].symbol})")
        ax.legend(loc="upper right", fontsize=8)
    _clock(axes[-1])
    return fig


def quotes(one, instrument=0):
    """Our quotes against the market around the busiest stretch of fills, every fill marked."""
    schedule = one.schedule[one.schedule["instrument"] == instrument]
    fills = one.fills[one.fills["instrument"] == instrument]
    sent = schedule["ts_ns"]
    width = min(_ZOOM_STEPS, len(sent) - 1)
    counts = np.searchsorted(fills["ts_ns"], sent[width:]) - np.searchsorted(fills["ts_ns"], sent[: len(sent) - width])
    start = int(np.argmax(counts)) if len(counts) else 0
    low, high = sent[start], sent[start + width]
    events = one.tape.events[one.tape.events["instrument"] == instrument]
    tick = one.tape.instruments[instrument].tick_size
    near = events[(events["ts"] >= low) & (events["ts"] <= high)]
    market, prints = near[near["kind"] == 0], near[near["kind"] == 1]
    shown = schedule[start : start + width + 1]
    fig, (ax,) = _axes(1, 4.6)
    ax.fill_between(
        _utc(market["ts"]),
        market["lo_tick"] * tick,
        market["hi_tick"] * tick,
        step="post",
        color=MARKET,
        alpha=0.35,
        lw=0,
        label="market bid to ask",
    )
    ax.plot(
        _utc(prints["ts"]),
        0.5 * (prints["lo_tick"] + prints["hi_tick"]) * tick,
        ".",
        color="black",
        ms=2,
        label="trades",
    )
    ax.step(_utc(shown["ts_ns"]), shown["bid_px"], where="post", color=BUY, lw=1.2, label="our bid")
    ax.step(_utc(shown["ts_ns"]), shown["ask_px"], where="post", color=SELL, lw=1.2, label="our ask")
    inside = fills[(fills["ts_ns"] >= low) & (fills["ts_ns"] <= high)]
    for side, colour, marker, label in ((1, BUY, "^", "we bought"), (-1, SELL, "v", "we sold")):
        own = inside[inside["side"] == side]
        ax.plot(
            _utc(own["ts_ns"]),
            own["px"],
            marker,
            color=colour,
            ms=8,
            mec="black",
            mew=0.6,
            ls="",
            label=label,
        )
    ax.set_ylabel("price")
    ax.legend(loc="best", fontsize=8, ncols=3)
    _clock(ax)
    return fig


def actions(values, names):
    """Histogram of each action component, with the share at its bounds.

    Args:
        values: (T, d) float32 in [-1, 1]. names: d component names.
    """
    fig = figure.Figure(figsize=(9.5, 3.0), layout="constrained")
    for ax, column, name in zip(fig.subplots(1, len(names), squeeze=False)[0], values.T, names, strict=True):
        ax.hist(column, bins=np.linspace(-1, 1, 41), color=OURS)
        ax.set_title(f"{name}: {np.mean(np.abs(column) >= 0.99):.1%} at the bounds", fontsize=10)
        ax.set_xlabel("action")
        ax.set_ylabel("decisions")
        ax.spines[["top", "right"]].set_visible(False)
    return fig


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
    fig, axes = _axes(len(parts), 4.6 if len(parts) == 1 else 7.0)
    for ax, (title, rows) in zip(axes, parts, strict=True):
        held = rows[:, columns.index("inventory")]
        for name, colour in (("ask_distance", SELL), ("bid_distance", BUY), ("hedge_rate", OURS)):
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
    fig, (ax,) = _axes(1, 4.0)
    ax.plot(held, own, color=OURS, marker=".", lw=1.2, label="learned")
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


def learning(records):
    """Loss and validation objective by train step, from the lines of metrics.jsonl."""
    series = (("train/critic_loss", "critic loss"), ("collect/reward_mean", "reward while collecting"),
              ("validation/objective_per_hour", "validation objective per hour"),
              ("validation/ratio", "share of the optimum"))  # fmt: skip
    present = [(key, label) for key, label in series if any(key in one for one in records)]
    if not present:
        return None
    fig, axes = _axes(len(present), 2.0 * len(present))
    for ax, (key, label) in zip(axes, present, strict=True):
        points = [(one["step"], one[key]) for one in records if key in one]
        ax.plot(*zip(*points, strict=True), marker="." if len(points) < 40 else None, color=OURS, lw=1.0)
        ax.set_ylabel(label, fontsize=8)
    axes[-1].set_xlabel("train step")
    return fig
