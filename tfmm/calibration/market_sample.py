"""The market of train at each decision while nobody quotes: the sample that models of the market are fitted on."""

from typing import NamedTuple

import numpy as np

from tfmm.arrays import Floats, Floats32
from tfmm.calibration.task import TapeTask
from tfmm.simulation.dealer import features

_MAX_DECISIONS = 300_000
_STRETCH_S = 600.0


class MarketSample(NamedTuple):
    """T decisions in each of W stretches of train, in order of time; N instruments.

    Attributes:
        observation: (T, W, N, F) float32, features.NAMES.
        bid_tick, ask_tick: (T, W, N) float64 best prices; NaN: no market.
    """

    observation: Floats32
    bid_tick: Floats
    ask_tick: Floats


def sample(task: TapeTask, min_stretch_s: float = 0.0) -> MarketSample:
    """Samples train, or where it is long an even choice of its stretches.

    Args:
        min_stretch_s: a stretch lasts 600 s, or this where it is longer.
    """
    interval_s, count = task.config.environment.interval_s, len(task.scales)
    segments = task.segments["train"]
    windows = task.windows(segments, max(_STRETCH_S, min_stretch_s))
    lasting = windows[:, 2] - windows[:, 1]
    windows = windows[2 * lasting >= lasting.max()]  # a short one, as the rest of a trading period, would shorten all
    n_windows = max(1, min(len(windows), int(_MAX_DECISIONS / max(1.0, _STRETCH_S / interval_s))))
    windows = windows[np.linspace(0, len(windows) - 1, n_windows).astype(int)]
    sim = task.probe_simulator(segments, windows)
    steps = int((windows[:, 2] - windows[:, 1]).min() * 1e-9 / interval_s) - 1
    no_quotes = np.full((*sim.instruments.shape, 2), np.nan)
    observations, prices = [], []
    sim.reset()
    for _ in range(steps):
        observations.append(sim.observation.reshape(n_windows, count, len(features.NAMES)).copy())
        best = [sim.instruments["bid_tick"], sim.instruments["ask_tick"]]
        prices.append(np.where(sim.instruments["has_market"] > 0, best, np.nan))
        sim.step(no_quotes)
    return MarketSample(np.stack(observations), *np.stack(prices, axis=1))
