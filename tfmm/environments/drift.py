"""Fits models.drift on the train segments of a problem."""

import functools

import msgspec
import numpy as np

from tfmm.models import drift
from tfmm.simulation import features

_MOST_DECISIONS = 300_000
_STRETCH_S = 600.0


@functools.lru_cache(maxsize=4)
def known(problem):
    """The scales of a Problem with their `drift`, fitted now where it is not a feature; once, whoever asks."""
    return problem.scales if all(one.drift for one in problem.scales) else fitted(problem)


def fitted(problem):
    """The scales of a Problem with their `drift` set; nothing is quoted while looking."""
    interval_s = problem.config.environment.interval_s
    ahead = max(1, round(drift.HORIZON_S / interval_s))
    train = problem.segments["train"]
    windows = problem.windows(train, max(_STRETCH_S, 20.0 * ahead * interval_s))
    kept = max(1, min(len(windows), int(_MOST_DECISIONS / max(1.0, _STRETCH_S / interval_s))))
    windows = windows[np.linspace(0, len(windows) - 1, kept).astype(int)]
    sim = problem.simulator(train, kept, windows=windows, distances=True)
    steps = int((windows[:, 2] - windows[:, 1]).min() * 1e-9 / interval_s) - 1
    nothing = np.full((*sim.books.shape, 2), np.nan)
    seen, mids = [], []
    sim.reset()
    for _ in range(steps):
        seen.append(sim.observation.reshape(kept, len(problem.scales), len(features.NAMES))[..., drift.COLUMNS])
        mids.append(
            np.where(sim.books["has_market"] > 0, 0.5 * (sim.books["bid_tick"] + sim.books["ask_tick"]), np.nan)
        )
        sim.step(nothing)
    mids = np.stack(mids)  # (T, W, N); windows are in order of time
    moves = mids[ahead:] - mids[:-ahead]
    predictors = np.stack(seen)[: len(moves)]
    out = []
    for n, one in enumerate(problem.scales):
        x = predictors[:, :, n].swapaxes(0, 1).reshape(-1, len(drift.PREDICTORS)).astype(float)
        y = moves[:, :, n].swapaxes(0, 1).reshape(-1) / one.half_spread_tick
        known = np.isfinite(y)
        out.append(msgspec.structs.replace(one, drift=tuple(drift.fit(x[known], y[known]).tolist())))
    return tuple(out)
