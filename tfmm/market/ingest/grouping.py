"""Which rows are of one instrument and one session: streams of files put together.

Two venues are two instruments, and so are two of a venue's numbers of an instrument (contracts) on one day: only then
the venue or the number is a part of the name, as in BTCUSDT@BYBIT or ES.FUT.206299. A file that does not say which of
two venues it is of is refused.

A handful of rows beyond midnight joins the day that it touches. More of them, from files that hold that day, are put
aside where they are no day of their own (a twentieth of the rows beside it, and a quarter of an hour at most).
"""

import datetime
import pathlib
from collections.abc import Mapping, Sequence

from tfmm import errors
from tfmm.market.ingest import spool, time_zones
from tfmm.market.readers import naming

Parts = dict[str, list[time_zones.Part]]  # of each instrument of a session

_STRAY_ROWS, _STRAY_SHARE = 100, 1e-3  # a day with fewer rows than both beside another one
_TOUCHING_NS = 300 * 10**9
_SLIVER_SHARE, _SLIVER_NS = 0.05, 900 * 10**9


class Groups:
    """Streams by session and instrument.

    Args:
        origin: where the files came from, for errors. spooled: [(folder, spool.Spooled)].
        wanted: symbols that the user chose, empty: all.

    Attributes:
        sessions: {session: Parts} in order of time. listed: {name: (symbol, venue) as the venue lists it}.
        notes: {session: sentences on rows that were put aside}.

    Raises:
        DataError: no row, or a file that does not say its venue. ConfigError: a symbol that is not there.
    """

    def __init__(
        self, origin: pathlib.Path, spooled: Sequence[tuple[pathlib.Path, spool.Spooled]], wanted: Sequence[str]
    ):
        self.origin = origin
        self.notes: dict[str, list[str]] = {}
        streams = [(one, stream) for _, one in spooled for stream in one.streams]
        names = _names(origin, streams, wanted)
        self.listed = {name: (key.symbol, key.venue) for key, name in names.items()}
        for key, name in names.items():
            if key.venue:
                self.listed[name] = key.symbol, key.venue
        found: dict[str, Parts] = {}
        for folder, one in spooled:
            for stream in one.streams:
                of_session = found.setdefault(stream.session, {})
                of_session.setdefault(names[_key(stream)], []).append((folder, one, stream))
        if not found:
            raise _nothing(origin, spooled, wanted)
        self.sessions = self._whole_days(dict(sorted(found.items(), key=lambda item: (span(item[1])[0], item[0]))))

    @property
    def names(self) -> list[str]:
        """All instruments, in order."""
        return sorted({name for parts in self.sessions.values() for name in parts})

    def _whole_days(self, found):
        """Sessions without those that are only the end or the beginning of another one."""
        names = list(found)
        sizes = {name: sum(stream.rows for *_, stream in _all(found[name])) for name in names}
        for k, name in enumerate(names):
            beside = [names[other] for other in (k - 1, k + 1) if 0 <= other < len(names)]
            largest = max((sizes[other] for other in beside), default=0)
            near = [other for other in beside if other in found and _touch(found[name], found[other])]
            if sizes[name] < min(_STRAY_ROWS, _STRAY_SHARE * largest):
                _join(found.pop(name), found[near[0]] if near else None)
                continue
            larger = [other for other in near if sizes[name] <= _SLIVER_SHARE * sizes[other]]
            day = next((other for other in larger if _is_sliver(found[name], found[other])), None)
            if day is not None:
                self.notes.setdefault(day, []).append(_aside(name, found.pop(name), day))
        return found


def span(parts: Mapping[str, Sequence[time_zones.Part]]) -> tuple[int, int]:
    """(first, last) ns of the rows of a session."""
    streams = [stream for *_, stream in _all(parts)]
    return min(one.begin_ns for one in streams), max(one.end_ns for one in streams)


def _all(parts):
    return [part for of_name in parts.values() for part in of_name]


def _key(stream):
    return naming.Name(stream.symbol, stream.venue, stream.contract)


def _names(origin, streams, wanted):
    """{naming.Name of a stream: name of its instrument}."""
    venues, contracts = {}, {}
    for _, stream in streams:
        venues.setdefault(stream.symbol, set()).add(stream.venue)
        contracts.setdefault((stream.symbol, stream.venue, stream.session), set()).add(stream.contract)
    several = {symbol for symbol, found in venues.items() if len(found - {""}) > 1}
    numbered = {key[:2] for key, found in contracts.items() if len(found - {""}) > 1}
    out = {}
    for one, stream in streams:
        key = _key(stream)
        symbol, venue, contract = key
        if symbol in several and not venue:
            listed = " and of ".join(sorted(venues[symbol] - {""}))
            raise errors.DataError(
                f"{one.path}: does not say of which venue its {symbol} is, while other files of it are of {listed}, "
                "wanted a folder named like the venue or exchange=VENUE"
            )
        if (symbol, venue) in numbered and not contract:
            raise errors.DataError(
                f"{one.path}: does not say which contract its {symbol} is, while other files hold several, wanted one"
            )
        name = naming.Name(symbol, venue if symbol in several else "", contract if (symbol, venue) in numbered else "")
        full = naming.Name(symbol, venue, name.contract)
        out[key] = str(full) if str(full) in wanted else str(name)
    for symbol in several & set(wanted):
        listed = ", ".join(sorted({name for key, name in out.items() if key.symbol == symbol}))
        raise errors.ConfigError(f"--symbols {symbol}: {origin} has it of several venues, wanted some of {listed}")
    return out


def _nothing(origin, spooled, wanted):
    seen = sorted({symbol for _, one in spooled for symbol in one.symbols})
    unknown = [symbol for symbol in wanted if symbol not in seen]
    if unknown:
        return errors.ConfigError(f"--symbols {unknown[0]}: not in {origin}, got {', '.join(seen)}")
    return errors.DataError(
        f"{origin}: no row of {len(spooled)} files ({spooled[0][1].path} first) has a time between 1990 and 2100, "
        "wanted some"
    )


def _touch(parts, others):
    """Whether two sessions follow each other within minutes."""
    (begin, end), (first, last) = span(parts), span(others)
    return begin - last <= _TOUCHING_NS and first - end <= _TOUCHING_NS


def _join(parts, others):
    """Adds the parts of a session to those of another one; of a session far from any the times are wrong."""
    for name, of_name in parts.items():
        if others is not None:
            others.setdefault(name, []).extend(of_name)
            continue
        for _, one, stream in of_name:
            one.no_time += stream.rows


def _is_sliver(parts, others):
    """Whether all rows of a session are the short tail of files that hold another one."""
    begin, end = span(parts)
    whole = {id(one) for _, one, _ in _all(others)}
    return end - begin <= _SLIVER_NS and all(id(one) in whole for _, one, _ in _all(parts))


def _aside(name, parts, day):
    begin, end = (datetime.datetime.fromtimestamp(ns // 10**9, datetime.UTC) for ns in span(parts))
    rows = sum(stream.rows for *_, stream in _all(parts))
    files = ", ".join(sorted({one.name for _, one, _ in _all(parts)}))
    return (
        f"{rows} rows of {files} from {begin:%Y-%m-%d %H:%M:%S} to {end:%H:%M:%S} UTC are beside session {day} and too "
        f"few for a session {name}: put aside (--day-start moves the cut)"
    )
