"""Merges sorted runs on disk into one stream in order, in bounded memory."""

import concurrent.futures
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays
from tfmm.market import raw, schema
from tfmm.market.ingest import overlaps

CHUNK_ROWS = 1 << 18
_LEAST_ROWS = 1 << 12


class Run(NamedTuple):
    """Rows [start, stop) of a spool file. shift_ns: added to the time of quotes. flip: buyers become sellers.
    size: of quotes without sizes, NaN: they stay without. left_out: see overlaps."""

    path: str
    start: int
    stop: int
    instrument: int
    sequenced: bool
    shift_ns: int = 0
    flip: bool = False
    size: float = np.nan
    left_out: tuple[overlaps.Cut, ...] = ()


class _Cursor:
    def __init__(self, run: Run):
        self._run = run
        self._next = run.start
        self.rows = np.empty(0, raw.RAW)

    @property
    def more(self):
        return self._next < self._run.stop

    @property
    def sequenced(self):
        return self._run.sequenced

    def read(self, count):
        """Reads on; rows of quotes are moved by the shift, so a run of both kinds may need sorting again."""
        count = min(count, self._run.stop - self._next)
        with open(self._run.path, "rb") as file:
            file.seek(self._next * raw.RAW.itemsize)
            new = np.fromfile(file, raw.RAW, count)
        self._next += count
        if self._run.left_out:
            new = new[overlaps.keep(new, self._run.left_out)]
        new["instrument"] = self._run.instrument
        if self._run.shift_ns:
            new["ts"][new["kind"] == schema.QUOTE] += self._run.shift_ns
        if np.isfinite(self._run.size):
            for px, size in (("lo", "lo_size"), ("hi", "hi_size")):
                new[size][np.isnan(new[size]) & np.isfinite(new[px]) & (new["kind"] == schema.QUOTE)] = self._run.size
        if self._run.flip:
            known = np.abs(new["side"]) == schema.BUY
            new["side"][known] *= -1
        self.rows = np.concatenate([self.rows, new]) if len(self.rows) else new

    def take(self, before_ns):
        """Removes and returns the rows earlier than a time; None: all."""
        count = len(self.rows) if before_ns is None else int(np.searchsorted(self.rows["ts"], before_ns))
        out, self.rows = self.rows[:count], self.rows[count:]
        return out


def merge(runs: Sequence[Run], chunk_rows: int = CHUNK_ROWS) -> Iterator[arrays.Records]:
    """Yields (K,) raw.RAW blocks that together are all rows of the runs, sorted as raw.order says.

    Runs must be sorted by time. Rows of one time are in one block.
    """
    cursors = [_Cursor(run) for run in runs]
    each = max(_LEAST_ROWS, chunk_rows // max(1, len(cursors)))
    # one run for each kind of rows: merging needs no venue ids
    simple = len({(run.instrument, run.path) for run in runs}) == len(runs) and not any(run.sequenced for run in runs)
    while True:
        for cursor in cursors:
            while cursor.more and len(cursor.rows) < each:
                cursor.read(each)
        open_ends = [int(cursor.rows["ts"][-1]) for cursor in cursors if cursor.more]
        cut = min(open_ends) if open_ends else None
        parts = [(cursor.take(cut), cursor.sequenced) for cursor in cursors]
        parts = [part for part in parts if len(part[0])]
        if parts:
            yield _joined(parts, simple)
        elif cut is None:
            return
        else:
            for cursor in cursors:
                if cursor.more and int(cursor.rows["ts"][-1]) == cut:
                    cursor.read(max(each, len(cursor.rows)))


def ahead(blocks: Iterable[arrays.Records]) -> Iterator[arrays.Records]:
    """Yields the same blocks; the next one is made in a thread while the last is used."""
    blocks = iter(blocks)
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        following = pool.submit(next, blocks, None)
        while (block := following.result()) is not None:
            following = pool.submit(next, blocks, None)
            yield block


def _joined(parts, simple):
    if len(parts) == 1:
        return parts[0][0]
    rows = np.concatenate([part for part, _ in parts])
    if simple:
        # timsort finds the sorted parts: the cost of a merge
        return rows[np.argsort(rows["ts"] * 2 + (rows["kind"] == schema.QUOTE), kind="stable")]
    sequenced = np.concatenate([np.full(len(part), flag) for part, flag in parts])
    return rows[raw.order(rows, sequenced)]
