"""Chronological split of a store into train, validation and test."""

from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.config import market as market_config
from tfmm.market import store as store_lib

PARTS = ("train", "validation", "test")


class Segment(NamedTuple):
    """Rows [start_row, stop_row) of the store's events, all of one trading period; times in [start_ns, stop_ns]."""

    session: str
    start_row: int
    stop_row: int
    start_ns: int
    stop_ns: int


def split(store: store_lib.Store, data: market_config.Data) -> dict[str, tuple[Segment, ...]]:
    """Cuts a store by time.

    A segment never spans closed hours: each trading period of a session (store.Session.trading) is one, and parts of
    whole sessions keep them together. Sessions named in `data.train`, `data.validation`, `data.test` win; otherwise
    whole sessions by `data.fractions` (at least one for each part), and with fewer than three sessions each part is a
    stretch of trading time, `data.gap_s` left out between parts. `data.fold` is for whole sessions only.

    Args:
        store: Store. data: config.Data.

    Returns:
        {"train": (Segment, ...), "validation": ..., "test": ...}

    Raises:
        ConfigError: an unknown session, a session used twice, parts out of order or empty.
    """
    named = {part: getattr(data, part) for part in PARTS}
    whole = len(store.sessions) >= 3 and not any(named.values())
    if data.fold and not whole:
        raise errors.ConfigError(f"data.fold is {data.fold}, wanted 0 where sessions are named or fewer than three")
    if any(named.values()):
        parts = _named(store, named)
    elif whole:
        parts = _by_session(store, data.fractions, data.fold)
    else:
        parts = _inside(store, data.fractions, round(data.gap_s * 1e9))
    for part in PARTS:
        if not parts[part]:
            raise errors.ConfigError(f"data: {part} is empty, wanted some part of store {store.path} in it")
    return parts


def _whole(sessions):
    """Segments of whole sessions, one for each trading period."""
    return tuple(
        Segment(session.name, period.start_row, period.stop_row, period.first_ns, period.last_ns)
        for session in sessions
        for period in session.trading
    )


def _named(store, named):
    names = [session.name for session in store.sessions]
    latest, parts = -1, {}
    for part in PARTS:
        indices = []
        for name in named[part]:
            if name not in names:
                raise errors.ConfigError(
                    f"data.{part}: no session {name} in store {store.path}, got {', '.join(names)}"
                )
            indices.append(names.index(name))
        if sorted(set(indices)) != indices or (indices and indices[0] <= latest):
            raise errors.ConfigError(
                f"data.{part}: sessions {', '.join(named[part])} are not later than the part before, wanted time order"
            )
        latest = max([latest, *indices])
        parts[part] = _whole(store.sessions[k] for k in indices)
    return parts


def _by_session(store, fractions, fold):
    count = len(store.sessions)
    test = min(max(1, round(fractions[2] * count)), count - 2)
    validation = min(max(1, round(fractions[1] * count)), count - test - 1)
    train = count - test - validation
    rotated = [store.sessions[(k + fold) % count] for k in range(count)]
    bounds = [0, train, train + validation, count]
    return {part: _whole(rotated[bounds[k] : bounds[k + 1]]) for k, part in enumerate(PARTS)}


def _inside(store, fractions, gap_ns):
    """Cuts the joined time of all trading periods at the fractions."""
    periods = _whole(store.sessions)
    lengths = np.array([period.stop_ns - period.start_ns for period in periods], np.int64)
    begins = np.concatenate([[0], np.cumsum(lengths)])
    cuts = np.round(np.concatenate([[0.0], np.cumsum(fractions)]) * float(begins[-1])).astype(np.int64)
    cuts[-1] = begins[-1]
    parts = {}
    for k, part in enumerate(PARTS):
        pieces = []
        for period, begin, length in zip(periods, begins, lengths, strict=False):
            low = max(int(cuts[k] - begin), 0)
            high = min(int(cuts[k + 1] - begin), int(length))
            if 0 < low < length:
                low += gap_ns
            if high > low:
                pieces.append(_cut(store, period, period.start_ns + low, period.start_ns + high))
        parts[part] = tuple(piece for piece in pieces if piece.stop_row > piece.start_row)
    return parts


def _cut(store, period, start_ns, stop_ns):
    ts = store.events["ts"][period.start_row : period.stop_row]
    start, stop = np.searchsorted(ts, [start_ns, stop_ns], side="left")
    if stop_ns == period.stop_ns:
        stop = len(ts)
    return Segment(period.session, period.start_row + int(start), period.start_row + int(stop), start_ns, stop_ns)
