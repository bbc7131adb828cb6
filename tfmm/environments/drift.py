"""Fits models.drift on the train segments of a problem."""

import functools

import msgspec
import numpy as np

from tfmm.environments import watching
from tfmm.models import drift


@functools.lru_cache(maxsize=4)
def known(problem):
    """The scales of a Problem with their `drift`, fitted now where it is not a feature; once, whoever asks."""
    return problem.scales if all(one.drift for one in problem.scales) else fitted(problem)


def fitted(problem):
    """The scales of a Problem with their `drift` set; nothing is quoted while looking."""
    interval_s = problem.config.environment.interval_s
    ahead = max(1, round(drift.HORIZON_S / interval_s))
    seen = watching.train(problem, 20.0 * ahead * interval_s)
    mids = 0.5 * (seen.bid_tick + seen.ask_tick)
    moves = mids[ahead:] - mids[:-ahead]
    predictors = seen.observation[: len(moves), ..., drift.COLUMNS]
    out = []
    for n, one in enumerate(problem.scales):
        x = predictors[:, :, n].swapaxes(0, 1).reshape(-1, len(drift.PREDICTORS)).astype(float)
        y = moves[:, :, n].swapaxes(0, 1).reshape(-1) / one.half_spread_tick
        known = np.isfinite(y)
        out.append(msgspec.structs.replace(one, drift=tuple(drift.fit(x[known], y[known]).tolist())))
    return tuple(out)
