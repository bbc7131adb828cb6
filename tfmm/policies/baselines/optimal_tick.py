"""The optimal whole tick of a policy that knows the marginal value of a fill and its probability."""

import numpy as np

from tfmm.arrays import Floats


def best(mid: Floats, spread: Floats, distance: Floats, fill_probability: Floats, marginal_value: Floats) -> Floats:
    """Distance from the mid of the ask that earns most: argmax p(d) (d + marginal value) over whole ticks.

    Args:
        mid, spread: (B,) of the present market, ticks; for a bid the negative mid.
        distance: (J,) from the mid, spreads. fill_probability: (J,) p there, interpolated between, 0 beyond.
        marginal_value: (B,) what a fill earns besides its distance, ticks; NaN: no fill is allowed.

    Returns:
        (B,) float64, ticks; NaN where no tick has an expected profit.
    """
    tick = np.ceil(mid[:, np.newaxis] + distance * spread[:, np.newaxis] - 1e-9) - mid[:, np.newaxis]
    probability = np.interp(tick / spread[:, np.newaxis], distance, fill_probability, right=0.0)
    gain = probability * (tick + marginal_value[:, np.newaxis])
    index = np.argmax(gain, axis=1)
    rows = np.arange(len(tick))
    return np.where(gain[rows, index] > 0.0, tick[rows, index], np.nan)
