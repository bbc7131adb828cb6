"""Lines of a stream recorder: a JSON message, with or without the time of receipt before it."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import msgspec
import numpy as np

from tfmm import arrays
from tfmm.market import raw, schema
from tfmm.market.readers import columns, containers, layout

_PREFIX = re.compile(rb"\s*(?:(\d{10,19}(?:\.\d+)?)[ ,\t;]+)?(?=\{)")
_SCALES = ((11, 10**9), (14, 10**6), (17, 10**3), (20, 1))  # digits below: s, ms, us; else ns
_BATCH = 1 << 16
_TRIED_LINES, _SAMPLED_LINES = 5, 1000
NO_ROW = (raw.TIME_UNKNOWN, raw.NO_SEQUENCE, 0.0, 0.0, 0.0, 0.0, schema.QUOTE, 0, 0)
"""What a line becomes that cannot be read: a row without a time, which is counted."""


def split(line: bytes) -> tuple[int, bytes]:
    """(ns of receipt, message) of a line; raw.TIME_UNKNOWN without one. The message is empty where there is none."""
    match = _PREFIX.match(line)
    if match is None:
        return raw.TIME_UNKNOWN, b""
    return (_receipt(match[1]) if match[1] else raw.TIME_UNKNOWN), line[match.end() :]


def messages(head: Sequence[str], decoder: Any) -> list[Any]:
    """What the first lines decode to; those that do not are left out. Empty where the text is no JSON."""
    out: list[Any] = []
    if not any(split(line.encode())[1] for line in head[:_TRIED_LINES]):
        return out
    for line in head[:_SAMPLED_LINES]:
        try:
            out.append(decoder.decode(split(line.encode())[1]))
        except (msgspec.DecodeError, ValueError):
            continue
    return out


def rows(
    source: layout.Source, read: Callable[[int, bytes], Sequence[tuple[str, tuple[Any, ...]]]]
) -> Iterator[tuple[str, arrays.Records]]:
    """Yields (symbol, (K,) raw.RAW) of all lines, at most _BATCH rows at a time, those of a kind in their order.

    Args:
        read: function of (ns of receipt, message) -> [(symbol, tuple in the order of raw.RAW)]; may raise ValueError
            or msgspec.DecodeError for a message that is damaged.
    """
    batches: dict[tuple[str, int], list[Any]] = {}
    for line in containers.lines(source.path):
        if not line.strip():
            continue
        ns, text = split(line)
        try:
            found = read(ns, text) if text else [("", NO_ROW)]
        except (msgspec.DecodeError, ValueError, OverflowError, TypeError):
            found = [("", NO_ROW)]
        for symbol, row in found:
            key = symbol or source.symbol, row[6]
            batch = batches.setdefault(key, [])
            batch.append(row)
            if len(batch) == _BATCH:
                yield key[0], _rows(batches.pop(key))
    for (symbol, _), batch in batches.items():
        yield symbol, _rows(batch)


def _receipt(text):
    if b"." in text:
        whole = len(text.split(b".")[0])
        return columns.decimal_ns(text.decode(), next(scale for digits, scale in _SCALES if whole < digits))
    ns = int(text) * next(scale for digits, scale in _SCALES if len(text) < digits)
    return ns if columns.EARLIEST_NS <= ns <= columns.LATEST_NS else raw.TIME_UNKNOWN


def _rows(batch):
    """(K,) raw.RAW of tuples; one with a number of more than 64 bits is NO_ROW."""
    try:
        return np.array(batch, raw.RAW)
    except OverflowError:
        return np.array([row if _fits(row) else NO_ROW for row in batch], raw.RAW)


def _fits(row):
    try:
        np.array([row], raw.RAW)
    except OverflowError:
        return False
    return True
