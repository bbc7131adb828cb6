"""Prices are whole ticks: the best of them for a rule that knows what a fill is worth."""

import numpy as np


def best(mid, spread, distance, chance, worth):
    """Distance from the mid of the ask that earns most, argmax p(d) (d + worth), ticks; NaN where none earns anything.

    Args:
        mid, spread: (B,) ticks, of the market now; for a bid the negative mid. distance: (J,) tried, spreads.
        chance: (J,) p there. worth: (B,) of a fill beside its distance, ticks; NaN: not allowed.

    Returns:
        (B,) float64.
    """
    tick = np.ceil(mid[:, np.newaxis] + distance * spread[:, np.newaxis] - 1e-9) - mid[:, np.newaxis]
    gain = np.interp(tick / spread[:, np.newaxis], distance, chance, right=0.0) * (tick + worth[:, np.newaxis])
    place = np.argmax(gain, axis=1)
    every = np.arange(len(tick))
    return np.where(gain[every, place] > 0.0, tick[every, place], np.nan)
