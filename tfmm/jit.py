"""The one place that sets numba options."""

import hashlib
import os
import pathlib
from collections.abc import Callable
from typing import Any, TypeVar

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def _cache_folder():
    """A folder of machine code for just these sources.

    numba compiles a kernel anew when its own file changes, but not when one that it calls does: after an update the
    old code would go on running.
    """
    root = pathlib.Path(__file__).parent
    about = [(str(path.relative_to(root)), path.stat()) for path in sorted(root.rglob("*.py"))]
    stamps = [(name, one.st_size, one.st_mtime_ns) for name, one in about]
    digest = hashlib.sha256(repr(stamps).encode()).hexdigest()[:16]
    chosen = os.environ.get("NUMBA_CACHE_DIR")
    base = pathlib.Path(chosen) if chosen else pathlib.Path.home() / ".cache" / "tfmm"
    return str(base / f"tfmm-{digest}")


numba.config.CACHE_DIR = _cache_folder()


def kernel(function: Function) -> Function:
    """Compiles on first call, keeps the machine code on disk and releases the GIL while it runs.

    What it returns is called like `function`, of which a type checker knows the types.

    No fastmath (it breaks NaN tests); array bounds are not checked, so callers check sizes first.
    """
    return numba.njit(function, cache=True, nogil=True, error_model="numpy")
