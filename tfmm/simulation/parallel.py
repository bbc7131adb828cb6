"""Rows of a batch shared among threads."""

import concurrent.futures
import itertools
import os
from collections.abc import Callable
from typing import Any

import numpy as np

from tfmm.arrays import Array


class Rows:
    """Calls a kernel on every part of a batch, one part in this thread and each other one in its own.

    The numbers do not depend on how many parts there are.
    """

    def __init__(
        self, rows: int, arguments: Callable[[slice], tuple[Any, ...]], threads: int | None = None, least: int = 256
    ) -> None:
        """
        Args:
            rows: B. arguments: returns, of a slice of rows, what the kernel takes besides the actions; called once for
                each part, as making the views costs more than a step of one row.
            threads: None: one for each core, as far as each has `least` rows.
        """
        if threads is None:
            threads = max(1, min(len(os.sched_getaffinity(0)), rows // least))
        cuts = np.linspace(0, rows, min(threads, rows) + 1).astype(int)
        self._parts = [slice(start, stop) for start, stop in itertools.pairwise(cuts)]
        self._arguments = [arguments(part) for part in self._parts]
        self._pool = concurrent.futures.ThreadPoolExecutor(len(self._parts) - 1) if len(self._parts) > 1 else None

    def __call__(self, kernel: Callable[..., Any], actions: Array) -> Any:
        """Calls kernel(actions of the part, *arguments of the part) for every part; returns the first part's value."""
        if self._pool is None:
            return kernel(actions, *self._arguments[0])
        others = [
            self._pool.submit(kernel, actions[part], *arguments)
            for part, arguments in zip(self._parts[1:], self._arguments[1:], strict=True)
        ]
        out = kernel(actions[self._parts[0]], *self._arguments[0])
        for other in others:
            other.result()
        return out
