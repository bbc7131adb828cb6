"""The one place that sets numba options."""

import functools
import hashlib
import inspect
import os
import pathlib
import re
from collections.abc import Callable
from typing import Any, TypeVar

import numba
from numba import types
from numba.extending import intrinsic

Function = TypeVar("Function", bound=Callable[..., Any])

_ROOT = pathlib.Path(__file__).parent
_IMPORT = re.compile(r"^\s*(?:from (tfmm[\w.]*) import (\([^)]*\)|[^\n]*)|import (tfmm[\w.]*))", re.MULTILINE)


def kernel(function: Function) -> Function:
    """Compiles on first call, keeps the machine code on disk and releases the GIL while it runs.

    What it returns is called like `function`, of which a type checker knows the types.

    No fastmath (it breaks NaN tests); array bounds are not checked, so callers check sizes first.
    """
    numba.config.CACHE_DIR = _cache_folder(pathlib.Path(inspect.getfile(function)))
    return numba.njit(function, cache=True, nogil=True, error_model="numpy")


@functools.cache
def _cache_folder(path: pathlib.Path) -> str:
    """A folder of machine code for just the sources that the kernels of a file are made of.

    numba compiles a kernel anew when its own file changes, but not when one that it calls does: after an update the
    old code would go on running. The sources are the files that this one imports, directly or not, and all that define
    named tuples: a kernel may be given one without importing it.
    """
    sources, left = {path}, [path]
    while left:
        found = _imported(left.pop()) - sources
        sources |= found
        left += found
    sources |= {one for one in _modules() if "NamedTuple" in _text(one)}
    stamps = [(str(one), one.stat().st_size, one.stat().st_mtime_ns) for one in sorted(sources)]
    digest = hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    base = pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".cache" / "tfmm"
    return str(base / f"tfmm-{digest}")


@functools.cache
def _imported(path: pathlib.Path) -> set[pathlib.Path]:
    """The files of this package that one imports itself."""
    names = []
    for package, members, module in _IMPORT.findall(_text(path)):
        names += [module] if module else [package, *(f"{package}.{one}" for one in re.findall(r"\w+", members))]
    parts = [name.split(".")[1:] for name in names]
    found = {_ROOT.joinpath(*part).with_suffix(".py") for part in parts if part}
    found |= {_ROOT.joinpath(*part, "__init__.py") for part in parts}
    return found & _modules()


@functools.cache
def _modules() -> frozenset[pathlib.Path]:
    return frozenset(_ROOT.rglob("*.py"))


@functools.cache
def _text(path: pathlib.Path) -> str:
    return path.read_text(encoding="utf-8")


def _uncounted(context, builder, kind, value):
    """A value of a numba type without its reference counters, inside tuples too."""
    if isinstance(kind, types.Array):
        array = context.make_array(kind)(context, builder, value)
        array.meminfo = array.meminfo.type(None)
        array.parent = array.parent.type(None)
        return array._getvalue()
    if isinstance(kind, types.BaseTuple):
        items = [_uncounted(context, builder, one, builder.extract_value(value, k)) for k, one in enumerate(kind)]
        return context.make_tuple(builder, kind, items)
    return value


@intrinsic
def borrowed(typing: Any, value: Any) -> Any:
    """The same array, or tuple of arrays, without reference counters, for a kernel whose caller keeps them alive.

    Counting is atomic: in a kernel that hands arrays on at every step it costs up to half of the time, and threads that
    share the arrays wait for each other.
    """

    def code(context, builder, signature, arguments):
        return _uncounted(context, builder, signature.args[0], arguments[0])

    return value(value), code
