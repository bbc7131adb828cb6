"""Rows of one instrument and session from two files, at the same time: the same rows are read once, others are refused.

Files that follow each other may share some rows where one ends and the next begins. Where two files hold the same rows
of a stretch of time, the earlier one gives those to the end of what is shared and the later one the rest, a file
inside another one nothing. Everything else is two markets under one name.
"""

import itertools
import pathlib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays, errors
from tfmm.market import raw, schema
from tfmm.market.ingest import time_zones

_HAND_OVER = 0.01  # share of a file's rows that may lie between those of another one
_SLICE_ROWS = 1 << 18
_KEY = [name for name in raw.RAW.names or () if name not in ("sequence", "instrument")]


class Cut(NamedTuple):
    """Rows of a kind that a stream does not give: those at [first_ns, last_ns]."""

    kind: int
    first_ns: int
    last_ns: int


def check_layouts(
    sessions: Mapping[str, Mapping[str, Sequence[time_zones.Part]]], symbols: Sequence[str], origin: pathlib.Path
) -> None:
    """DataError where trades come in two layouts, as Binance's trades and aggTrades: they must not count twice."""
    for name, parts in sessions.items():
        for symbol, kind in itertools.product(symbols, ("quotes", "trades")):
            layouts = {one.layout for _, one, stream in parts[symbol] if getattr(stream, kind)}
            if len(layouts) > 1:
                listed = " and as ".join(sorted(layouts))
                raise errors.DataError(f"{origin}: {kind} of {symbol} {name} are there as {listed}, wanted one of them")


def cuts(parts: Sequence[time_zones.Part], name: str) -> tuple[dict[str, list[Cut]], list[str]]:
    """What is left out of the files of one instrument and session.

    Args:
        parts: (folder, spool.Spooled, spool.Stream) of its files. name: of the instrument.

    Returns:
        ({path of a spool file: what it does not give}, sentences on it).

    Raises:
        DataError: two files hold different rows of the same time.
    """
    out: dict[str, list[Cut]] = {}
    notes = []
    for kind, what in ((schema.QUOTE, "quotes"), (schema.TRADE, "trades")):
        own = sorted((part for part in parts if getattr(part[2], what)), key=lambda part: part[2].begin_ns)
        for one, two in itertools.combinations(own, 2):
            if two[2].begin_ns >= one[2].end_ns:
                continue
            found = list(_compare(one, two, kind, f"{what} of {name}"))
            for part, cut in found:
                out.setdefault(_path(part), []).append(cut)
            if found:
                notes.append(f"{one[1].name} and {two[1].name} hold the same {what} for a time: read once")
    return out, notes


def keep(rows: arrays.Records, left_out: Sequence[Cut]) -> arrays.Bools:
    """(K,) bool: which of (K,) raw.RAW a stream gives."""
    out = np.ones(len(rows), bool)
    for kind, first, last in left_out:
        out &= (rows["kind"] != kind) | (rows["ts"] < first) | (rows["ts"] > last)
    return out


def _compare(one, two, kind, what):
    """Yields (part, Cut) where two files, the first of which begins first, hold the same rows."""
    first, last = two[2].begin_ns, min(one[2].end_ns, two[2].end_ns)
    counts = [_count(part, kind, first, last) for part in (one, two)]
    if not all(counts):
        return
    totals = [part[2].quotes if kind == schema.QUOTE else part[2].trades for part in (one, two)]
    if any(count <= _HAND_OVER * total for count, total in zip(counts, totals, strict=True)):
        return
    inside = two[2].end_ns <= one[2].end_ns
    # at its edges a file may hold a part of the rows of one time
    edge = (0, 0) if inside else (1, -1)
    same, fewest, most = _common(one, two, kind, first + edge[0], last + edge[1])
    if same < fewest or (not inside and same < most):
        raise errors.DataError(
            f"{one[1].path} and {two[1].path} both hold {what} from {_text(first)} to {_text(last)} UTC, but only "
            f"{same} of {fewest} rows are the same: two markets under one name, or two records of one; wanted one "
            "of them, or folders or names that tell them apart (a venue, symbol=...)"
        )
    if inside:
        # what is the same is left out of the smaller file: all of it
        yield (two if counts[1] <= counts[0] else one), Cut(kind, first, last)
        return
    yield one, Cut(kind, first + 1, last)
    yield two, Cut(kind, first, first)


def _common(one, two, kind, first, last):
    """(rows that both files have, rows of the one with fewer, of the other) at [first, last]."""
    slices = 1 + max(_count(part, kind, first, last) for part in (one, two)) // _SLICE_ROWS
    bounds = np.linspace(first, last + 1, slices + 1).astype(np.int64)
    bounds[0], bounds[-1] = first, last + 1
    same, sizes = 0, np.zeros(2, np.int64)
    for begin, end in itertools.pairwise(bounds.tolist()):
        keys = [_keys(np.concatenate(list(_between(part, kind, begin, end - 1)))) for part in (one, two)]
        found = [dict(zip(*map(np.ndarray.tolist, np.unique(key, return_counts=True)), strict=True)) for key in keys]
        same += sum(min(count, found[1].get(row, 0)) for row, count in found[0].items())
        sizes += [len(key) for key in keys]
    return same, int(sizes.min()), int(sizes.max())


def _keys(rows):
    """(K,) bytes of what a row says, without the venue's number."""
    out = np.empty(len(rows), [(name, rows.dtype[name]) for name in _KEY])
    for name in _KEY:
        out[name] = rows[name]
    return out.view(f"V{out.dtype.itemsize}").ravel()


def _count(part, kind, first, last):
    return sum(len(rows) for rows in _between(part, kind, first, last))


def _between(part, kind, first, last):
    """Yields the rows of a kind at [first, last], of each sorted run."""
    rows = np.memmap(_path(part), raw.RAW, mode="r")
    yield rows[:0]
    for start, stop in part[2].sorted_runs():
        run = rows[start:stop]
        begin, end = np.searchsorted(run["ts"], first, "left"), np.searchsorted(run["ts"], last, "right")
        found = run[begin:end]
        yield found[found["kind"] == kind]


def _path(part):
    return str(part[0] / part[2].file)


def _text(ns):
    return str(np.datetime64(ns, "ns").astype("datetime64[ms]")).replace("T", " ")
