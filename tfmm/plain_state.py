"""The state of a program as bytes that hold data and nothing else: reading them runs no code, whoever wrote them.

MessagePack with numbers, texts, bytes, lists and dictionaries; tuples, NumPy arrays and numbers (.npy inside) and
integers of more than 64 bits are extensions.
"""

import io
import math
from typing import Any

import msgspec
import numpy as np

_TUPLE, _ARRAY, _INTEGER, _NUMBER = 1, 2, 3, 4
_LEAST, _MOST = -(1 << 63), (1 << 64) - 1
_LONGEST_INTEGER = 4096  # bytes of its digits
_PLAIN = (type(None), bool, str, bytes, float)


def encode(tree: Any) -> bytes:
    """The bytes of a tree; a NamedTuple comes back as a tuple.

    Raises:
        TypeError: a part is not data.
    """
    return msgspec.msgpack.encode(_packed(tree))


def decode(data: bytes) -> Any:
    """The tree of `encode`; arrays are new and writable.

    Raises:
        ValueError: these are other bytes.
    """
    try:
        return msgspec.msgpack.decode(data, ext_hook=_unpacked)
    except (msgspec.MsgspecError, RecursionError, TypeError, OverflowError) as error:
        raise ValueError(f"no state: {error}") from error


def _packed(tree):
    if isinstance(tree, _PLAIN):
        return tree
    if isinstance(tree, int):
        return tree if _LEAST <= tree <= _MOST else msgspec.msgpack.Ext(_INTEGER, str(tree).encode())
    if isinstance(tree, np.ndarray | np.generic):
        code = _ARRAY if isinstance(tree, np.ndarray) else _NUMBER
        return msgspec.msgpack.Ext(code, _npy(np.asarray(tree)))
    if isinstance(tree, tuple):
        return msgspec.msgpack.Ext(_TUPLE, msgspec.msgpack.encode([_packed(part) for part in tree]))
    if isinstance(tree, list):
        return [_packed(part) for part in tree]
    if isinstance(tree, dict) and all(isinstance(key, str) for key in tree):
        return {key: _packed(part) for key, part in tree.items()}
    raise TypeError(f"a state holds a {type(tree).__name__}, wanted numbers, texts, arrays, tuples, lists and dicts")


def _npy(array):
    if array.dtype.hasobject:
        raise TypeError(f"a state holds an array of {array.dtype}, wanted numbers")
    file = io.BytesIO()
    np.lib.format.write_array(file, array, version=(1, 0), allow_pickle=False)
    return file.getvalue()


def _unpacked(code, data):
    if code == _TUPLE:
        return tuple(decode(bytes(data)))
    if code in (_ARRAY, _NUMBER):
        array = _array(bytes(data))
        return array if code == _ARRAY else array[()]
    if code == _INTEGER and len(data) <= _LONGEST_INTEGER:
        return int(bytes(data))
    raise ValueError(f"extension {code}")


def _array(data):
    """The array in .npy bytes; its size is compared with the bytes before any memory is taken."""
    file = io.BytesIO(data)
    if np.lib.format.read_magic(file) != (1, 0):
        raise ValueError("an array of another version of .npy")
    shape, in_columns, dtype = np.lib.format.read_array_header_1_0(file)
    content = data[file.tell() :]
    if dtype.hasobject or math.prod(shape) * dtype.itemsize != len(content):
        raise ValueError(f"an array of {dtype} and shape {shape} in {len(content)} bytes")
    order = "F" if in_columns else "C"
    return np.frombuffer(content, dtype, math.prod(shape)).reshape(shape, order=order).copy()
