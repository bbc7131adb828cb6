"""States as bytes: what comes back, and that nothing is run by reading them."""

import contextlib
import io
import pickle

import msgspec
import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from hypothesis.extra import numpy as npst

from tfmm import plain_state
from tfmm.simulation import state

_DTYPES = st.one_of(
    npst.integer_dtypes(),
    npst.unsigned_integer_dtypes(),
    npst.floating_dtypes(),
    npst.boolean_dtypes(),
    st.sampled_from([state.ROW, state.INSTRUMENT_STATE, state.ORDER]),
)
_LEAVES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**40), 10**40),
    st.floats(),
    st.text(),
    st.binary(),
    npst.arrays(_DTYPES, npst.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=3)),
    st.sampled_from([np.float32(0.1), np.int64(-3), np.bool_(True), np.uint64(1 << 63)]),
)
_TREES = st.recursive(
    _LEAVES, lambda part: st.lists(part) | st.tuples(part, part) | st.dictionaries(st.text(), part), max_leaves=12
)


def same(one, other):
    """Equal in type, dtype and bits; NaN is NaN."""
    if isinstance(one, np.ndarray | np.generic):
        return (
            type(one) is type(other)
            and one.dtype == other.dtype
            and one.shape == other.shape
            and one.tobytes() == other.tobytes()
        )
    if isinstance(one, float):
        return isinstance(other, float) and (one == other or (one != one and other != other))
    if isinstance(one, tuple | list):
        return type(one) is type(other) and len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(value, other[key]) for key, value in one.items())
    return type(one) is type(other) and one == other


@given(tree=_TREES)
@settings(max_examples=200, deadline=None)
def test_a_tree_comes_back(tree):
    assert same(tree, plain_state.decode(plain_state.encode(tree)))


def test_a_generator_goes_on_where_it_was():
    generator = np.random.default_rng(3)
    generator.random(5)
    other = np.random.default_rng(4)
    other.bit_generator.state = plain_state.decode(plain_state.encode(generator.bit_generator.state))
    np.testing.assert_array_equal(generator.random(9), other.random(9))


def test_arrays_come_back_writable():
    (array,) = plain_state.decode(plain_state.encode([np.arange(3)]))
    array[0] = 7
    np.testing.assert_array_equal(array, [7, 1, 2])


@pytest.mark.parametrize(
    "part",
    [object(), {1, 2}, {1: 2}, np.array([object()]), print, 1j],
    ids=["object", "set", "keys", "objects", "function", "complex"],
)
def test_what_is_no_data_is_refused(part):
    with pytest.raises(TypeError, match=r"a state holds"):
        plain_state.encode({"part": part})


class Crafted:
    """An object whose unpickling runs code."""

    def __reduce__(self):
        return exec, ("import tests.test_plain_state as here; here.ran.append(1)",)


ran: list[int] = []


def npy(header, content=b""):
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + content


def objects():
    file = io.BytesIO()
    np.lib.format.write_array(file, np.array([Crafted()], object), allow_pickle=True)
    return file.getvalue()


_HUGE = {"descr": "<f8", "fortran_order": False, "shape": (1 << 50,)}
_WRAPPING = {"descr": "<f8", "fortran_order": False, "shape": (1 << 32, 1 << 32)}


@pytest.mark.parametrize(
    "data",
    [
        pickle.dumps(Crafted()),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(2, objects())),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(2, npy(_HUGE))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(2, npy(_WRAPPING))),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(2, b"\x93NUMPY\x01\x00\xff\xff")),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(3, b"9" * 100_000)),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(3, b"1e5")),
        msgspec.msgpack.encode(msgspec.msgpack.Ext(9, b"")),
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"",
        plain_state.encode({"a": np.arange(5)})[:-1],
    ],
    ids=(
        "pickle", "objects", "huge", "wrapping", "header", "digits", "no integer", "code", "deep", "long", "empty",
        "cut",
    ),
)  # fmt: skip
def test_other_bytes_are_refused_and_run_nothing(data):
    with pytest.raises(ValueError):
        plain_state.decode(data)
    assert ran == []


@given(data=st.binary(max_size=400))
@settings(max_examples=300, deadline=None)
def test_any_bytes_are_a_tree_or_refused(data):
    with contextlib.suppress(ValueError):
        plain_state.decode(data)
