"""Trading periods: where a session is closed for lunch, overnight or over a weekend.

A stretch without an event of any instrument counts as closed where it is longer than a setting and than _TIMES times
the mean time between events while the market is open: in a thin market a quiet half hour is no closing. Nor is it
where what lies between such stretches would last less than a tenth of the setting on average.
"""

import functools
import itertools
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import numpy as np

from tfmm import arrays
from tfmm.market import schema, store

BREAK_S = 1800.0
"""Shortest break. Lunch breaks last an hour and more; the longest quiet stretch of a thin Chinese ETF was 7 minutes."""
_TIMES = 10.0
_NS = 10**9


class _Piece(NamedTuple):
    """Rows [start_row, stop_row) between two long waits, their times, and whether each instrument has a quote."""

    start_row: int
    stop_row: int
    first_ns: int
    last_ns: int
    quoted: arrays.Bools


class Finder:
    """Finds the trading periods of one session, block by block.

    Args:
        start_row: of the session. break_s: shortest break; 0: the session is never cut.
    """

    def __init__(self, start_row: int, break_s: float):
        self._row, self._break_ns = start_row, round(break_s * _NS)
        self._pieces: list[_Piece] = []

    def add(self, events: arrays.Records) -> None:
        """events: (K,) schema.EVENT of all instruments, in order of time."""
        if not self._break_ns:
            return
        ts = events["ts"]
        cuts = [0, *(np.flatnonzero(np.diff(ts) > self._break_ns) + 1).tolist(), len(ts)]
        for start, stop in itertools.pairwise(cuts):
            part = events[start:stop]
            quoted = np.bincount(part["instrument"][part["kind"] == schema.QUOTE]) > 0
            new = _Piece(self._row + start, self._row + stop, int(ts[start]), int(ts[stop - 1]), quoted)
            if start == 0 and self._pieces and new.first_ns - self._pieces[-1].last_ns <= self._break_ns:
                new = _joined(self._pieces.pop(), new)
            self._pieces.append(new)
        self._row += len(events)

    def periods(self) -> tuple[store.Period, ...]:
        """The trading periods; () where the session has no break.

        A piece in which an instrument has no quote, or that does not last, is no trading period.
        """
        pieces = self._pieces[:1]
        shortest_ns = max(self._break_ns, _TIMES * self._spacing_ns())
        for piece in self._pieces[1:]:
            if piece.first_ns - pieces[-1].last_ns > shortest_ns:
                pieces.append(piece)
            else:
                pieces[-1] = _joined(pieces[-1], piece)
        n_quoted = int(functools.reduce(_joined, pieces).quoted.sum()) if pieces else 0
        kept = [one for one in pieces if one.quoted.sum() == n_quoted and one.last_ns > one.first_ns]
        lasting_ns = sum(one.last_ns - one.first_ns for one in pieces)
        if len(pieces) < 2 or not kept or lasting_ns < len(pieces) * self._break_ns / _TIMES:
            return ()
        return tuple(
            store.Period(start_row=one.start_row, stop_row=one.stop_row, first_ns=one.first_ns, last_ns=one.last_ns)
            for one in kept
        )

    def _spacing_ns(self):
        """Mean time between events, long waits left out."""
        waits = sum(one.stop_row - one.start_row - 1 for one in self._pieces)
        return sum(one.last_ns - one.first_ns for one in self._pieces) / max(waits, 1)


def facts(session: store.Session) -> dict[str, Any]:
    """What a quality report says of a session's breaks.

    Returns:
        {"breaks": [{"begin_ns", "length_s"}], "events_outside": number of events in no trading period}.
    """
    kept = sum(period.stop_row - period.start_row for period in session.trading)
    return {
        "breaks": [{"begin_ns": begin, "length_s": (end - begin) * 1e-9} for begin, end in session.breaks],
        "events_outside": session.stop_row - session.start_row - kept,
    }


def lines(report: Iterable[Mapping[str, Any]]) -> list[str]:
    """A sentence for each session that was cut: how often, for how long and when.

    Args:
        report: of sessions and instruments, with `facts`; those of stores of earlier versions have none.
    """
    sessions = {one["session"]: one for one in report}
    return [f"{name}: {text}" for name, one in sessions.items() if (text := _sentence(one))]


def _sentence(one):
    breaks, outside = one.get("breaks", ()), one.get("events_outside", 0)
    parts = []
    if breaks:
        lasting = ", ".join(f"{each['length_s']:.0f}" for each in breaks)
        when = ", ".join(_clock(each["begin_ns"], each["length_s"]) for each in breaks)
        parts.append(f"{len(breaks)} break{'s' * (len(breaks) > 1)} of {lasting} s ({when} UTC) cut")
    if outside:
        parts.append(f"{outside} events outside of trading periods left out")
    return ", ".join(parts)


def _clock(begin_ns, length_s):
    """'03:30-05:00', with dates where it lasts until another day."""
    begin = np.datetime64(begin_ns, "ns")
    end = begin + np.timedelta64(round(length_s * _NS), "ns")
    first, last = (str(time.astype("datetime64[s]")).replace("T", " ") for time in (begin, end))
    if first[:10] == last[:10]:
        first, last = first[11:], last[11:]
    return f"{first[:-3]}-{last[:-3]}"


def _joined(one, other):
    quoted = np.zeros(max(len(one.quoted), len(other.quoted)), bool)
    for part in (one, other):
        quoted[: len(part.quoted)] |= part.quoted
    return _Piece(one.start_row, other.stop_row, one.first_ns, other.last_ns, quoted)
