"""What files of quotes do not have: the sizes of their quotes, and trades."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tfmm.market.ingest import time_zones


def size(parts: Sequence[time_zones.Part], request: Any, lot_size: float) -> float:
    """The size that quotes without one are given, in the unit of the instrument; NaN: they are dropped.

    It is what the user assumes. With --allow alone it is one lot, the least that anybody can have quoted, where most
    quotes lack a size: a market of which nothing else is known. Single ones are faults, and stay dropped.

    Args:
        parts: (folder, spool.Spooled, spool.Stream) of all files of one instrument and session.
        request: prepare.Request.
    """
    if request.assume_size is not None:
        return float(request.assume_size)
    unsized, quotes = _unsized(parts)
    return lot_size if request.allow and 2 * unsized > quotes else np.nan


def facts(parts: Sequence[time_zones.Part], request: Any, lot_size: float) -> dict[str, Any]:
    """What the quality report says of it: arguments as of `size`. assumed_size is None where no quote is given one."""
    unsized, quotes = _unsized(parts)
    assumed = size(parts, request, lot_size)
    return {
        "quotes_read": quotes,
        "trades_read": sum(stream.trades for *_, stream in parts),
        "unsized": unsized,
        "assumed_size": assumed if unsized and np.isfinite(assumed) else None,
    }


def traded(sessions: Mapping[str, Mapping[str, Sequence[time_zones.Part]]], symbols: Sequence[str]) -> set[str]:
    """Those of the symbols that have trades in any session."""
    return {
        symbol
        for parts in sessions.values()
        for symbol in symbols
        if any(stream.trades for *_, stream in parts.get(symbol, ()))
    }


def _unsized(parts):
    """(quotes of two prices that lack a size, quotes)."""
    return sum(stream.unsized for *_, stream in parts), sum(stream.quotes for *_, stream in parts)
