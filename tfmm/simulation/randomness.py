"""Random numbers of batch rows: every row, and every instrument's clients, carry their own stream."""

import math
from typing import Any

import numpy as np

from tfmm import jit
from tfmm.arrays import Record

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)


@jit.kernel
def mixed(word: Any) -> Any:
    """The output of splitmix64 for a state (Steele, Lea and Flood 2014)."""
    z = (word ^ (word >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


@jit.kernel
def uniform(record: Record) -> float:
    """Next number in [0, 1) of a record with a field `random` (uint64)."""
    record.random += _GOLDEN
    return (mixed(record.random) >> np.uint64(11)) * (1.0 / 9007199254740992.0)


@jit.kernel
def exponential(record: Record) -> float:
    """Next number of the exponential distribution with mean 1."""
    return -math.log(1.0 - uniform(record))
