"""Symbols of the instrument ids in a DBN file, at the time of a row."""

import collections
import datetime
from collections.abc import Iterator
from typing import Any

import numpy as np

from tfmm import arrays
from tfmm.market.readers import columns, naming

_DAY_NS = 86_400 * 10**9
_EPOCH = datetime.date(1970, 1, 1)


class Symbols:
    """What the metadata and the symbol mapping records say; an id without a symbol names itself.

    One symbol may stand for several ids: contracts of a parent, or a continuous one, as ES.c.0, after a roll. Names
    hold the id and the publisher: `ingest` tells instruments apart by them.
    """

    def __init__(self, metadata: Any):
        """metadata: databento_dbn.Metadata."""
        self._intervals: dict[int, list[tuple[int, int, str]]] = collections.defaultdict(list)
        by_id = str(metadata.stype_in) == "instrument_id"
        for name, intervals in metadata.mappings.items():
            for one in intervals:
                number, symbol = (name, one["symbol"]) if by_id else (one["symbol"], name)
                if number.isdigit() and symbol:
                    self._intervals[int(number)].append((_ns(one["start_date"]), _ns(one["end_date"]), symbol))

    def add(self, mapping: arrays.Record) -> None:
        """mapping: a symbol mapping record, which holds from now on."""
        name = bytes(mapping["stype_out_symbol"]).split(b"\0")[0].decode("ascii", "replace")
        self._intervals[int(mapping["instrument_id"])] = [(0, columns.LATEST_NS, name)]

    def split(
        self, records: arrays.Records, ts: arrays.Ints, rows: arrays.Records
    ) -> Iterator[tuple[naming.Name, arrays.Records]]:
        """Yields (name, rows). records: (K,) with the ids of each row. ts: (K,) its time, ns."""
        keys = records["publisher_id"].astype(np.int64) << 32 | records["instrument_id"]
        for key in np.unique(keys):
            chosen = keys == key
            venue, number = naming.venue(str(key >> 32)) if key >> 32 else "", int(key & 0xFFFFFFFF)
            found = self._intervals.get(number, [])
            if len({symbol for *_, symbol in found}) == 1:
                yield naming.Name(found[0][2], venue, str(number)), rows if chosen.all() else rows[chosen]
                continue
            left, times = rows[chosen], ts[chosen]
            for first, end, symbol in found:
                inside = (times >= first) & (times < end)
                if inside.any():
                    yield naming.Name(symbol, venue, str(number)), left[inside]
                left, times = left[~inside], times[~inside]
            if len(left):
                yield naming.Name(str(number), venue), left


def _ns(date):
    return (date - _EPOCH).days * _DAY_NS
