"""Tables read between their points."""

import math

from tfmm import jit
from tfmm.arrays import Floats


@jit.kernel
def bin_index(cuts: Floats, count: int, x: float) -> int:
    """Index of the one of `count` bins that holds x.

    Args:
        cuts: (count - 1 or more,) ascending bounds between the bins; a bound itself belongs to the bin below.
    """
    index = 0
    while index < count - 1 and x > cuts[index]:
        index += 1
    return index


@jit.kernel
def interpolate(values: Floats, orders: float) -> float:
    """Value of an inventory from values (2 L + 1,) of -L, ..., L orders: linear between them, constant beyond."""
    return interpolate_from_start(values, orders + (values.shape[0] - 1) // 2)


@jit.kernel
def interpolate_from_start(values: Floats, position: float) -> float:
    """Value at a position from values (K,) at 0, ..., K - 1: linear between them, constant outside."""
    last = values.shape[0] - 1
    position = min(max(position, 0.0), float(last))
    low = min(math.floor(position), last - 1)
    return values[low] + (position - low) * (values[low + 1] - values[low])
