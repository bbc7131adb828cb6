"""Where the mid is going: ridge regression of its next move on what the book and the trades have just done.

    E[M(t + h) - M(t)] = half_spread x sum_k b_k x_k(t),    b = argmin |y - X b|^2 + lambda n |b|^2
(Hoerl and Kennard 1970), x the features PREDICTORS, without a constant: up and down are mirror images. lambda is the
one of a grid that predicts best on the last fifth of train, fitted on the rest.
"""

import functools

import msgspec
import numpy as np

from tfmm.calibration import market_sample
from tfmm.simulation.dealer import features

PREDICTORS = ("imbalance", "flow_5s", "flow_30s", "return_1s", "return_5s", "return_30s")
COLUMNS = tuple(features.NAMES.index(name) for name in PREDICTORS)
HORIZON_S = 10.0
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HELD_OUT = 0.2


def fit(predictors, moves):
    """Coefficients b.

    Args:
        predictors: (n, 6) in order of time. moves: (n,) of the mid over HORIZON_S, half-spreads.

    Returns:
        (6,) float64; zeros where nothing is predicted better than by no move at all.
    """
    cut = int(len(moves) * (1.0 - _HELD_OUT))
    tried = [_ridge(predictors[:cut], moves[:cut], penalty) for penalty in _PENALTIES]
    errors = [float(np.sum((moves[cut:] - predictors[cut:] @ one) ** 2)) for one in tried]
    best = int(np.argmin(errors))
    if errors[best] >= float(np.sum(moves[cut:] ** 2)):
        return np.zeros(predictors.shape[1])
    return _ridge(predictors, moves, _PENALTIES[best])


def _ridge(predictors, moves, penalty):
    count = len(moves)
    gram = predictors.T @ predictors + penalty * count * np.eye(predictors.shape[1])
    return np.linalg.solve(gram, predictors.T @ moves)


@functools.lru_cache(maxsize=4)
def known(task):
    """The scales of a TapeTask with their `drift`, fitted now where it is not a feature; once, whoever asks."""
    return task.scales if all(one.drift for one in task.scales) else fitted(task)


def fitted(task):
    """The scales of a TapeTask with their `drift` set; nothing is quoted while looking."""
    interval_s = task.config.environment.interval_s
    ahead = max(1, round(HORIZON_S / interval_s))
    seen = market_sample.train(task, 20.0 * ahead * interval_s)
    mids = 0.5 * (seen.bid_tick + seen.ask_tick)
    moves = mids[ahead:] - mids[:-ahead]
    predictors = seen.observation[: len(moves), ..., COLUMNS]
    out = []
    for n, one in enumerate(task.scales):
        x = predictors[:, :, n].swapaxes(0, 1).reshape(-1, len(PREDICTORS)).astype(float)
        y = moves[:, :, n].swapaxes(0, 1).reshape(-1) / one.half_spread_tick
        known = np.isfinite(y)
        out.append(msgspec.structs.replace(one, drift=tuple(fit(x[known], y[known]).tolist())))
    return tuple(out)
