"""Fair values of one or several instruments: correlated, with volatility that clusters and follows the day."""

from collections.abc import Sequence

import numpy as np

from tfmm import arrays
from tfmm.market.generator import parameters

GRID_S = 0.1
_VOLATILITY_OF_VOLATILITY = 0.45  # standard deviation of the logarithm of volatility
_VOLATILITY_MEMORY_S = 600.0
_DEVIATION_TICK = 0.4  # of the cross of a triangle from its legs, standard deviation
_DEVIATION_MEMORY_S = 5.0


def day_shape(share: arrays.Floats, height: float) -> arrays.Floats:
    """Activity through the day, mean 1: a U with (1 + height) at open and close over noon. share: in [0, 1]."""
    return (1.0 + height * (2.0 * share - 1.0) ** 2) / (1.0 + height / 3.0)


def paths(
    random: np.random.Generator,
    instruments: Sequence[parameters.Parameters],
    seconds: float,
    correlation: float,
    triangle: bool,
) -> tuple[arrays.Floats, arrays.Floats]:
    """Fair values on a grid of GRID_S.

    Log volatility is an Ornstein-Uhlenbeck process common to all. In a triangle the third instrument is
    (first x second) and an Ornstein-Uhlenbeck deviation of less than a tick.

    Args:
        random: np.random.Generator. instruments: sequence of Parameters. correlation: of all pairs.
        triangle: whether the third instrument is the cross of the first two.

    Returns:
        (N, K) float64 in ticks; (K,) float64 volatility over its mean.
    """
    steps = int(np.ceil(seconds / GRID_S)) + 2
    level = _ornstein_uhlenbeck(random, steps, _VOLATILITY_MEMORY_S)
    volatility = np.exp(_VOLATILITY_OF_VOLATILITY * level - 0.5 * _VOLATILITY_OF_VOLATILITY**2)
    volatility *= np.sqrt(day_shape(np.arange(steps) / steps, instruments[0].day_shape))
    common = random.standard_normal(steps)
    out = np.empty((len(instruments), steps))
    for n, one in enumerate(instruments):
        if triangle and n == 2:
            first, second = instruments[:2]
            px = (out[0] * first.tick_size) * (out[1] * second.tick_size)
            away = _DEVIATION_TICK * _ornstein_uhlenbeck(random, steps, _DEVIATION_MEMORY_S)
            out[n] = px / one.tick_size + away
            continue
        shocks = np.sqrt(1.0 - correlation) * random.standard_normal(steps) + np.sqrt(correlation) * common
        moves = shocks * volatility * one.sigma_tick * np.sqrt(GRID_S)
        start = one.start_px / one.tick_size
        # in logarithms, so that no price falls to zero
        out[n] = start * np.exp(np.cumsum(moves) / start)
    return out, volatility


def _ornstein_uhlenbeck(random, steps, memory_s):
    """Stationary, standard deviation 1, correlation exp(-t / memory_s); (steps,)."""
    keep = np.exp(-GRID_S / memory_s)
    noise = random.standard_normal(steps)
    noise[1:] *= np.sqrt(1.0 - keep * keep)
    out = np.empty(steps)
    value = 0.0
    for k, one in enumerate(noise.tolist()):
        value = keep * value + one
        out[k] = value
    return out
