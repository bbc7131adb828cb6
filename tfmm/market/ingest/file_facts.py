"""What the files of one instrument and session say of themselves, for its quality report."""

from collections.abc import Mapping, Sequence

import numpy as np

from tfmm import arrays
from tfmm.market.ingest import time_zones


def report(parts: Sequence[time_zones.Part]) -> dict[str, object]:
    """Names, notes and faults of the files.

    Args:
        parts: (folder, spool.Spooled, spool.Stream) of every file with rows of the instrument and session.
    """
    faults = [f"{one.name}: {stream.fault}" for _, one, stream in parts if stream.fault]
    zones = time_zones.fault(parts)
    return {
        "layouts": sorted({one.layout for _, one, _ in parts}),
        "notes": sorted({note for _, one, _ in parts for note in (one.note, *one.notes) if note}),
        "files": sorted({one.name for _, one, _ in parts}),
        "out_of_order": sum(stream.out_of_order for _, _, stream in parts),
        "numbered": all(stream.numbered for _, _, stream in parts),
        "time_faults": [*faults, zones] if zones else faults,
    }


def dense(parts: Mapping[str, Sequence[time_zones.Part]], symbols: Sequence[str]) -> arrays.Bools:
    """(N,) bool: whether all trades of an instrument come from files whose trade numbers have no holes."""
    return np.array([all(one.dense_ids for _, one, stream in parts[symbol] if stream.trades) for symbol in symbols])
