"""Tables read between their places, those over the inventory from the middle."""

import math

from tfmm import jit


@jit.kernel
def part(cuts, count, x):
    """In which of `count` parts of the line a number is, that rising cuts (count - 1 or more,) make; a cut itself is
    below."""
    place = 0
    while place < count - 1 and x > cuts[place]:
        place += 1
    return place


@jit.kernel
def between(values, orders):
    """Value (2 L + 1,) of any number of orders: linear between whole ones, constant beyond L."""
    return from_start(values, orders + (values.shape[0] - 1) // 2)


@jit.kernel
def from_start(values, place):
    """Value at any place of values (K,) at 0, ..., K - 1: linear between, constant outside."""
    last = values.shape[0] - 1
    place = min(max(place, 0.0), float(last))
    low = min(math.floor(place), last - 1)
    return values[low] + (place - low) * (values[low + 1] - values[low])
