"""The market of train at its decisions while nobody quotes: what models of it are fitted on."""

from typing import NamedTuple

import numpy as np

from tfmm.simulation.dealer import features

_MOST_DECISIONS = 300_000
_STRETCH_S = 600.0


class Seen(NamedTuple):
    """T decisions of each of W stretches of train, in order of time; N instruments.

    observation: (T, W, N, F) float32, features.NAMES. bid_tick, ask_tick: (T, W, N) float64; NaN: no market.
    """

    observation: np.ndarray
    bid_tick: np.ndarray
    ask_tick: np.ndarray


def train(task, least_s=0.0):
    """Seen of a TapeTask; least_s: shortest stretch."""
    interval_s, count = task.config.environment.interval_s, len(task.scales)
    segments = task.segments["train"]
    windows = task.windows(segments, max(_STRETCH_S, least_s))
    kept = max(1, min(len(windows), int(_MOST_DECISIONS / max(1.0, _STRETCH_S / interval_s))))
    windows = windows[np.linspace(0, len(windows) - 1, kept).astype(int)]
    sim = task.simulator(segments, kept, windows=windows, distances=True)
    steps = int((windows[:, 2] - windows[:, 1]).min() * 1e-9 / interval_s) - 1
    nothing = np.full((*sim.books.shape, 2), np.nan)
    seen, prices = [], []
    sim.reset()
    for _ in range(steps):
        seen.append(sim.observation.reshape(kept, count, len(features.NAMES)).copy())
        quoted = [sim.books["bid_tick"], sim.books["ask_tick"]]
        prices.append(np.where(sim.books["has_market"] > 0, quoted, np.nan))
        sim.step(nothing)
    return Seen(np.stack(seen), *np.stack(prices, axis=1))
