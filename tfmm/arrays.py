"""Types of arrays and records for annotations; shapes and units stand in docstrings."""

from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float64]  # prices, money, features
Floats32: TypeAlias = npt.NDArray[np.float32]  # what TensorFlow reads and returns: observations, actions, rewards
Ints: TypeAlias = npt.NDArray[np.int64]  # ticks, lots, nanoseconds, indices
Ints32: TypeAlias = npt.NDArray[np.int32]  # step types, columns of a store
Bytes: TypeAlias = npt.NDArray[np.int8]  # sides, kinds and flags of a tape
Bools: TypeAlias = npt.NDArray[np.bool_]  # masks
Seeds: TypeAlias = npt.NDArray[np.uint64]  # states of random generators
Records: TypeAlias = npt.NDArray[Any]  # structured array; numpy has no static types of fields
Record: TypeAlias = Any  # one element of Records: numpy.void in Python, numba's Record in a kernel
Array: TypeAlias = npt.NDArray[Any]  # an array of any dtype


def put(target: Array, source: Any, name: str) -> None:
    """Copies an array into another one. ValueError, with `name`, where type or shape differ: nothing is broadcast."""
    if not isinstance(source, np.ndarray) or (source.dtype, source.shape) != (target.dtype, target.shape):
        found = f"{source.dtype} {source.shape}" if isinstance(source, np.ndarray) else type(source).__name__
        raise ValueError(f"{name} is {found}, wanted {target.dtype} {target.shape}")
    target[...] = source
