"""Sizes in whole numbers: millionths of a lot, int64.

Sizes on a tape are floats, of which 0.3 - 0.1 - 0.2 is not 0. Counted in millionths of a lot they are exact: whole lots
stay whole lots up to 10^12 of them; any other size is rounded to the nearest millionth.
"""

import math

from tfmm import jit
from tfmm.arrays import Record

LOT = 1_000_000
"""Millionths in a lot."""
UNKNOWN = 2**62
"""Larger than every size."""
_LARGEST_LOTS = 10**12
_FLOAT_ERROR = 1e-15  # size, lot and their quotient are each off by 1.1e-16 at most
_LARGEST_PRODUCT = 9e18


@jit.kernel
def millionths(size: float, parameters: Record) -> int:
    """A size (size unit) in millionths of a lot; what is above 10^12 lots counts as that."""
    lots = size / parameters.lot_size
    if not lots < _LARGEST_LOTS:
        return _LARGEST_LOTS * LOT
    whole = math.floor(lots + 0.5)
    rest = lots - whole
    if abs(rest) <= _FLOAT_ERROR * lots:
        rest = 0.0
    return whole * LOT + math.floor(rest * LOT + 0.5)


@jit.kernel
def in_proportion(size: int, part: int, whole: int) -> int:
    """size x part / whole in millionths, rounded down, where part < whole.

    Down, so that what is a number of whole lots never ends above it: a trade that leaves a lot by exact arithmetic
    leaves one here. The millionth that may lack fills nobody, as a fill wants a whole lot.
    """
    if float(size) * float(part) < _LARGEST_PRODUCT:
        return size * part // whole
    return int(float(size) * (float(part) / float(whole)))
