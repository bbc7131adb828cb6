"""A short film of an episode: market, quotes, fills, inventory and profit, as an animated GIF."""

import io

import numpy as np
import tqdm
from matplotlib import figure
from matplotlib.backends import backend_agg
from PIL import Image

from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import path as path_lib
from tfmm.evaluation.report import figures
from tfmm.market import schema

FRAMES, _SHOWN, _FRAME_MS, _COLOURS = 150, 60, 80, 48


def gif(run: Backtest, instrument: int = 0, frames: int = FRAMES) -> bytes:
    """Animated GIF of the stretch of decisions with most fills, one decision a frame; the same backtest gives the same
    bytes.

    Args:
        run: the backtest. instrument: its index. frames: decisions to show, at most.
    """
    start, stop = figures.densest(run, instrument, frames)
    scene = _Scene(run, instrument, start, stop)
    pictures = [scene.frame(k) for k in tqdm.trange(start + 1, stop + 1, desc="film", disable=None, leave=False)]
    palette = pictures[len(pictures) // 2].quantize(_COLOURS)
    pictures = [picture.quantize(palette=palette, dither=Image.Dither.NONE) for picture in pictures]
    buffer = io.BytesIO()
    pictures[0].save(buffer, "GIF", save_all=True, append_images=pictures[1:], duration=_FRAME_MS, loop=0)
    return buffer.getvalue()


class _Scene:
    """Draws every frame from the data up to its decision; the axes of profit and inventory have the limits of the whole
    film."""

    def __init__(self, run: Backtest, n: int, start: int, stop: int) -> None:
        self._sent = run.schedule[run.schedule["instrument"] == n]
        self._first = start
        self._fills = run.fills[run.fills["instrument"] == n]
        events = run.tape.events[run.tape.events["instrument"] == n]
        self._quotes, self._trades = (events[events["kind"] == kind] for kind in (schema.QUOTE, schema.TRADE))
        self._tick, self._symbol = run.tape.instruments[n].tick_size, run.tape.instruments[n].symbol
        path = path_lib.of_backtest(run, n)
        self._times = self._sent["ts_ns"][start : stop + 1]
        self._wealth = path.at(self._times, path.net) - path.at(self._times[:1], path.net)
        self._inventory = path.at(self._times, path.inventory)
        near = _between(self._quotes, "ts", self._times[0], self._times[-1])
        self._largest = float(np.quantile(np.maximum(near["lo_size"], near["hi_size"]), 0.95)) if len(near) else 1.0
        self._figure = figure.Figure(figsize=(8.0, 5.6), dpi=80)
        self._canvas = backend_agg.FigureCanvasAgg(self._figure)

    def frame(self, k):
        """The picture at decision k of the schedule."""
        self._figure.clear()
        grid = self._figure.add_gridspec(
            3, 2, width_ratios=[4, 1], height_ratios=[3, 1, 1], left=0.1, right=0.97, top=0.93, bottom=0.08,
            hspace=0.25, wspace=0.05,
        )  # fmt: skip
        price = self._figure.add_subplot(grid[0, 0])
        market = self._draw_prices(price, k)
        self._draw_sizes(self._figure.add_subplot(grid[0, 1], sharey=price), market, self._sent[k])
        done = k - self._first + 1
        seconds = (self._times - self._times[0]) * 1e-9
        for row, values, label in ((1, self._wealth, "profit"), (2, self._inventory, "inventory")):
            ax = self._figure.add_subplot(grid[row, :])
            ax.step(seconds[:done], values[:done], where="post", color=figures.OURS, lw=1.2)
            ax.axhline(0.0, color="black", lw=0.5)
            room = 0.05 * max(float(np.ptp(values)), 1e-9)
            ax.set(ylim=(values.min() - room, values.max() + room), xlim=(0, seconds[-1]), ylabel=label)
            ax.tick_params(labelsize=7, labelbottom=row == 2)
        ax.set_xlabel("seconds", fontsize=8)
        when = str(np.datetime64(int(self._sent["ts_ns"][k]), "ns"))[:21].replace("T", " ")
        self._figure.suptitle(f"{self._symbol}, {when} UTC", fontsize=10)
        self._canvas.draw()
        return Image.fromarray(np.asarray(self._canvas.buffer_rgba())).convert("RGB")

    def _draw_prices(self, ax, k):
        """The last _SHOWN decisions; returns the market's quote at the last one."""
        now, since = (int(self._sent["ts_ns"][row]) for row in (k, max(0, k - _SHOWN)))
        market, trades = (_between(rows, "ts", since, now) for rows in (self._quotes, self._trades))
        ours = self._sent[max(0, k - _SHOWN) : k + 1]

        def x(ns):
            return (np.asarray(ns) - now) * 1e-9

        ends = np.append(market, market[-1:])
        ends["ts"][-1] = now
        ax.fill_between(x(ends["ts"]), ends["lo_tick"] * self._tick, ends["hi_tick"] * self._tick, step="post",
                        color=figures.MARKET, alpha=0.35, lw=0)  # fmt: skip
        prints = 0.5 * (trades["lo_tick"] + trades["hi_tick"]) * self._tick
        ax.plot(x(trades["ts"]), prints, ".", color="black", ms=2.5)
        for name, colour in (("bid_px", figures.BUY), ("ask_px", figures.SELL)):
            ax.step(x(ours["ts_ns"]), ours[name], where="post", color=colour, lw=1.3)
        fills = _between(self._fills, "ts_ns", since, now)
        fills = fills[fills["ts_ns"] >= since]
        for side, colour, marker in ((1, figures.BUY, "^"), (-1, figures.SELL, "v")):
            marked = fills[fills["side"] == side]
            ax.plot(x(marked["ts_ns"]), marked["px"], marker, color=colour, ms=8, mec="black", mew=0.5, ls="")
        ax.set_xlim(x(since), 0.0)
        ax.tick_params(labelsize=7)
        ax.set_ylabel("price")
        ax.grid(alpha=0.25)
        return market[-1] if len(market) else None

    def _draw_sizes(self, ax, market, sent):
        """Displayed sizes at the best prices, and our quotes."""
        if market is not None:
            height = max((market["hi_tick"] - market["lo_tick"]) * self._tick, self._tick) * 0.3
            for name, size, colour in (("lo_tick", "lo_size", figures.BUY), ("hi_tick", "hi_size", figures.SELL)):
                ax.barh(market[name] * self._tick, market[size], height, color=colour, alpha=0.5)
        for name, colour in (("bid_px", figures.BUY), ("ask_px", figures.SELL)):
            if np.isfinite(sent[name]):
                ax.axhline(sent[name], color=colour, lw=1.3)
        ax.set_xlim(0, self._largest * 1.1)
        ax.tick_params(labelsize=7, labelleft=False)
        ax.set_title("best sizes", fontsize=8)


def _between(rows, name, low, high):
    """Rows from the last one at or before `low` up to `high`."""
    first = max(0, int(np.searchsorted(rows[name], low, side="right")) - 1)
    return rows[first : int(np.searchsorted(rows[name], high, side="right"))]
