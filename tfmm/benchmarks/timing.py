"""How the benchmarks measure time."""

import time
from collections.abc import Callable
from typing import Any


def best(function: Callable[[], Any], repeats: int) -> float:
    """Seconds of the fastest of `repeats` calls; one more call before them compiles."""
    function()
    seconds = []
    for _ in range(repeats):
        began = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - began)
    return min(seconds)
