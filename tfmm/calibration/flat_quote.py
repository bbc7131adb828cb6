"""The flat dealer's quote: one distance from the mid, whose reward environment.reward_baseline subtracts."""

import numpy as np

from tfmm.arrays import Floats
from tfmm.calibration import fill_probes, inventory_value
from tfmm.calibration.known_fills import has_known_fills
from tfmm.calibration.task import TapeTask

_TOUCH = 0.5
"""Distance of the best bid and ask, market spreads."""


def fit(task: TapeTask) -> Floats:
    """(N,) float64 distances from the mid, market spreads: environment.baseline_distance, or the most profitable ones.

    Of those that are tried, the distance d maximises the mean gain of a quote at d in one decision interval on train:
    P(d) d by a known fill curve, else the gain of probes, marked to the mid at the interval's end. No inventory enters.
    Where no distance gains anything, the quote is at the touch: there its reward has most in common with others.
    """
    environment, count = task.config.environment, len(task.scales)
    if environment.baseline_distance:
        return np.full(count, environment.baseline_distance)
    if has_known_fills(task.config, task.instruments):
        curves = [inventory_value.fill_curve(task, n) for n in range(count)]
        tried = [(distance, chance * distance) for distance, chance in curves]
    else:
        tried = [(fills.distance_tick, fills.gain) for fills in fill_probes.probe(task)]
    best = [
        float(distance[np.argmax(gain)]) / (2.0 * scale.half_spread_tick) if np.max(gain, initial=0.0) > 0 else _TOUCH
        for (distance, gain), scale in zip(tried, task.scales, strict=True)
    ]
    return np.array(best)
