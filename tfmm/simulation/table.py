"""Tables over the inventory -L, ..., L orders, read at any number of them."""

import math

from tfmm import jit


@jit.kernel
def between(values, orders):
    """Value (2 L + 1,) of any number of orders: linear between whole ones, constant beyond L."""
    last = values.shape[0] - 1
    place = min(max(orders + last // 2, 0.0), float(last))
    low = min(math.floor(place), last - 1)
    return values[low] + (place - low) * (values[low + 1] - values[low])
