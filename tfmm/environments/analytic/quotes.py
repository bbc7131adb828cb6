"""Quotes on an analytic model: what actions and simple strategies quote, and how likely a quote is filled."""

from typing import Any

import numpy as np
import numpy.typing as npt

from tfmm.arrays import Array, Floats
from tfmm.config.analytic import Model
from tfmm.models import curves


def fill_curve(settings: Model) -> Any:
    """curves.Curve: fill probability by distance, including the probability that a client arrives.

    Typed as Any since mypy does not see that a NamedTuple has __call__.
    """
    return curves.Curve(
        settings.curve, settings.k, settings.middle, settings.touch, settings.rate * settings.step, settings.table
    )


def distances(settings: Model, actions: npt.ArrayLike) -> Floats:
    """Distances from the mid, market spreads, that actions in [-1, 1] stand for."""
    low, high = settings.distance_range
    return low + 0.5 * (np.asarray(actions, np.float64) + 1.0) * (high - low)


def skewed_each(half: float, skew: float, inventory: Array) -> Floats:
    """(S, N, 2) float64 `skewed` of each of N currencies with inventories (S, N)."""
    return np.stack([skewed(half, skew, inventory[:, n]) for n in range(inventory.shape[1])], axis=1)


def skewed(half: float, skew: float, inventory: Array) -> Floats:
    """(S, 2) float64 ask and bid distance half -/+ skew x inventory, not below the mid."""
    return np.maximum(np.column_stack([half - skew * inventory, half + skew * inventory]), 0.0)
