"""The one place that sets numba options."""

import numba


def kernel(function):
    """Compiles on first call, keeps the machine code on disk and releases the GIL while it runs.

    No fastmath (it breaks NaN tests); array bounds are not checked, so callers check sizes first.
    """
    return numba.njit(function, cache=True, nogil=True, error_model="numpy")
