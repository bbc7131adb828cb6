"""Predicted drift of the mid: ridge regression of its next move on features of the market.

    E[M(t + h) - M(t)] = half_spread x sum_k b_k x_k(t),    b = argmin |y - X b|^2 + lambda n |b|^2
(Hoerl and Kennard 1970), x the features PREDICTORS. There is no constant, since up and down are mirror images. lambda
is the one of a grid that predicts best on the last fifth of train, fitted on the rest.
"""

import functools

import msgspec
import numpy as np

from tfmm.arrays import Floats
from tfmm.calibration import market_sample
from tfmm.calibration.scales import Scales
from tfmm.calibration.task import TapeTask
from tfmm.simulation.dealer import features

PREDICTORS = ("imbalance", "flow_5s", "flow_30s", "return_1s", "return_5s", "return_30s")
COLUMNS = tuple(features.NAMES.index(name) for name in PREDICTORS)
HORIZON_S = 10.0
_PENALTIES = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
_HELD_OUT = 0.2


def coefficients(predictors: Floats, moves: Floats) -> Floats:
    """Coefficients b.

    Args:
        predictors: (n, 6) float64 in order of time. moves: (n,) float64 of the mid over HORIZON_S, half-spreads.

    Returns:
        (6,) float64; zeros where no penalty predicts the held-out fifth better than a constant mid does.
    """
    cut = int(len(moves) * (1.0 - _HELD_OUT))
    tried = [_ridge(predictors[:cut], moves[:cut], penalty) for penalty in _PENALTIES]
    errors = [float(np.sum((moves[cut:] - predictors[cut:] @ b) ** 2)) for b in tried]
    best = int(np.argmin(errors))
    if errors[best] >= float(np.sum(moves[cut:] ** 2)):
        return np.zeros(predictors.shape[1])
    return _ridge(predictors, moves, _PENALTIES[best])


def _ridge(predictors, moves, penalty):
    count = len(moves)
    gram = predictors.T @ predictors + penalty * count * np.eye(predictors.shape[1])
    return np.linalg.solve(gram, predictors.T @ moves)


@functools.lru_cache(maxsize=4)
def fit_once(task: TapeTask) -> tuple[Scales, ...]:
    """The scales of a task with `drift`; fitted at the first call where the task itself has none."""
    return task.scales if all(scale.drift for scale in task.scales) else fit(task)


def fit(task: TapeTask) -> tuple[Scales, ...]:
    """The scales of a task with `drift` fitted on train, while nobody quotes."""
    interval_s = task.config.environment.interval_s
    ahead = max(1, round(HORIZON_S / interval_s))
    sample = market_sample.sample(task, 20.0 * ahead * interval_s)
    mids = 0.5 * (sample.bid_tick + sample.ask_tick)
    moves = mids[ahead:] - mids[:-ahead]
    predictors = sample.observation[: len(moves), ..., COLUMNS]
    out = []
    for n, scales in enumerate(task.scales):
        x = predictors[:, :, n].swapaxes(0, 1).reshape(-1, len(PREDICTORS)).astype(float)
        y = moves[:, :, n].swapaxes(0, 1).reshape(-1) / scales.half_spread_tick
        exists = np.isfinite(y)
        out.append(msgspec.structs.replace(scales, drift=tuple(coefficients(x[exists], y[exists]).tolist())))
    return tuple(out)
