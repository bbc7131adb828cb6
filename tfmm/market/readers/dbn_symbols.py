"""Symbols of the instrument ids in a DBN file, at the time of a row."""

import collections
import datetime
import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfmm import arrays
from tfmm.market.readers import columns

_DAY_NS = 86_400 * 10**9
_EPOCH = datetime.date(1970, 1, 1)


class Symbols:
    """What the metadata and the symbol mapping records say; an id without a symbol names itself.

    Ids that share a symbol on one day (all contracts of a parent) are several instruments: `symbol.id`. A continuous
    symbol, as ES.c.0, is one, though it is another contract after each roll.
    """

    def __init__(self, metadata: Any):
        """metadata: databento_dbn.Metadata."""
        self._intervals: dict[int, list[tuple[int, int, str]]] = collections.defaultdict(list)
        by_id = str(metadata.stype_in) == "instrument_id"
        spans = collections.defaultdict(list)
        for name, intervals in metadata.mappings.items():
            for one in intervals:
                number, symbol = (name, one["symbol"]) if by_id else (one["symbol"], name)
                if number.isdigit() and symbol:
                    spans[symbol].append((_ns(one["start_date"]), _ns(one["end_date"]), int(number)))
        for symbol, found in spans.items():
            found.sort()
            shared = any(after[0] < before[1] and after[2] != before[2] for before, after in itertools.pairwise(found))
            for first, end, number in found:
                self._intervals[number].append((first, end, f"{symbol}.{number}" if shared else symbol))

    def add(self, mapping: arrays.Record) -> None:
        """mapping: a symbol mapping record, which holds from now on."""
        name = bytes(mapping["stype_out_symbol"]).split(b"\0")[0].decode("ascii", "replace")
        self._intervals[int(mapping["instrument_id"])] = [(0, columns.LATEST_NS, name)]

    def split(
        self, numbers: arrays.Array, ts: arrays.Ints, rows: arrays.Records
    ) -> Iterator[tuple[str, arrays.Records]]:
        """Yields (symbol, rows). numbers, ts: (K,) id and time, ns, of each row."""
        for number in np.unique(numbers):
            chosen = numbers == number
            found = self._intervals.get(int(number), [])
            if len({name for *_, name in found}) == 1:
                yield found[0][2], rows if chosen.all() else rows[chosen]
                continue
            left, times = rows[chosen], ts[chosen]
            for first, end, name in found:
                inside = (times >= first) & (times < end)
                if inside.any():
                    yield name, left[inside]
                left, times = left[~inside], times[~inside]
            if len(left):
                yield str(number), left


def _ns(date):
    return (date - _EPOCH).days * _DAY_NS
