"""The store that spooled files make: instruments, sessions, and how a session is written."""

import pathlib
from collections.abc import Sequence
from typing import Any

import msgspec
import numpy as np

from tfmm import errors
from tfmm.market import clean, faults, instruments, store, synthetic
from tfmm.market.ingest import (
    absent,
    aggressors,
    file_facts,
    grouping,
    merging,
    overlaps,
    periods,
    price_steps,
    quality,
    spool,
    store_writer,
    terms,
    trade_ids,
)

_LISTED = 5  # incomplete sessions in an error


class Plan:
    """The store that spooled files make.

    Args:
        origin: where the files came from, for errors. spooled: [(folder, spool.Spooled)].
        request: prepare.Request. old: the store.Store that is added to, or None.

    Attributes:
        sessions: names in order of time. instruments: schema.Instrument of all, synthetic ones last.
        left_out: why sessions are not among them, sentences; empty without request.skip.
        traded: symbols with trades in any session of these files; those of an old store may be added.

    Raises:
        DataError, ConfigError: the files do not make a store.
    """

    def __init__(
        self,
        origin: pathlib.Path,
        spooled: Sequence[tuple[pathlib.Path, spool.Spooled]],
        request: Any,
        old: store.Store | None = None,
    ):
        self.origin, self.old, self._request = origin, old, request
        self._told: dict[str, list[str]] = {}  # what the user should know of an instrument
        self._groups = grouping.Groups(origin, spooled, request.symbols)
        self._parts = self._groups.sessions
        self._symbols = self._chosen()
        self.left_out = self._drop_incomplete()
        self.sessions = list(self._parts)
        self._legged = [synthetic.resolve(one, self._symbols) for one in request.triangles]
        overlaps.check_layouts(self._parts, self._symbols, origin)
        self._cuts: dict[str, list[overlaps.Cut]] = {}  # by spool file
        self._repeated = {session: self._find_repeated(session) for session in self.sessions}
        self._first_kept: dict[int, spool.Stream] = {}
        for parts in self._parts.values():
            for _, one, stream in (part for symbol in self._symbols for part in parts[symbol]):
                self._first_kept.setdefault(id(one), stream)
        if old is None:
            self.instruments = self._infer()
        else:
            made = {triangle.name for triangle in self._legged}
            symbols = tuple(one.symbol for one in old.instruments if one.symbol not in made)
            if symbols != self._symbols:
                raise errors.DataError(
                    f"{origin}: has {', '.join(self._symbols)}, but store {old.path} has {', '.join(symbols)}, "
                    "wanted the same instruments (and the same --synthetic)"
                )
            self.instruments = self._refined(old.instruments)
        self.traded = absent.traded(self._parts, self._symbols)
        self._steps = price_steps.of_sessions(self._parts, self._symbols, self.instruments, old is None)
        for symbol, steps in zip(self._symbols, zip(*self._steps.values(), strict=True), strict=False):
            self._told.setdefault(symbol, []).extend(price_steps.notes(symbol, self._steps, steps, self.instruments))
        self._triangles = self._makers()

    def write(self, session: str, writer: store_writer.Writer) -> list[quality.Report]:
        """Adds a session to a store_writer.Writer; returns one quality report per instrument that has files."""
        span = self._span(session)
        cleaner = clean.Cleaner(
            [one.tick_size for one in self.instruments], [self._typical(session, k) for k in self._indices()], span
        )
        meters = [quality.Meter(k, span, self._request.gap_s) for k in range(len(self._symbols))]
        makers = self._triangles()
        sides = aggressors.Aggressors(len(self.instruments), self._request.infer_sides)
        holes = trade_ids.Holes(file_facts.dense(self._parts[session], self._symbols))

        def blocks():
            cleaned = (cleaner.clean(holes.add(rows)) for rows in merging.merge(self._runs(session)))
            for events in merging.ahead(cleaned):
                for meter in meters:
                    meter.add(events)
                events = sides.add(events)  # after the meters: what is inferred from quotes says nothing of them
                for maker in makers:
                    events = maker.add(events)
                yield events

        written = writer.add(session, blocks())
        counts = [cleaner.dropped(k) for k in range(len(self._symbols))]
        sources = {one.name: one.sha256 for symbol in self._symbols for _, one, _ in self._parts[session][symbol]}
        total: dict[str, int] = {}
        for dropped in counts:
            for reason, count in dropped.items():
                total[reason] = total.get(reason, 0) + count
        if written:
            writer.note(sources, total, self._steps[session])
        cut = periods.facts(writer.sessions[-1]) if written else {}
        return [
            self._report(
                session,
                k,
                dropped,
                cleaner.noted[k],
                {**meter.report(cut), **holes.report(k), **sides.report(k), **cut},
            )
            for k, (dropped, meter) in enumerate(zip(counts, meters, strict=True))
        ]

    def _chosen(self):
        symbols = self._groups.names
        for symbol in self._request.symbols:
            if symbol not in symbols:
                raise errors.ConfigError(f"--symbols {symbol}: not in {self.origin}, got {', '.join(symbols)}")
        chosen = self._request.symbols or tuple(symbols)
        for symbol in self._request.terms:
            if symbol not in (*chosen, "*"):
                raise errors.ConfigError(f"--instrument {symbol}: not in {self.origin}, got {', '.join(symbols)}")
        return chosen

    def _drop_incomplete(self):
        """Takes out sessions that lack an instrument; sentences on them. Without request.skip they are refused."""
        found = {session: self._missing(session) for session in self._parts}
        lacking = [f"session {session} {why}" for session, why in found.items() if why]
        if lacking and (len(lacking) == len(found) or not self._request.skip):
            listed = "; ".join(lacking[:_LISTED])
            listed += f"; and {len(lacking) - _LISTED} more" if len(lacking) > _LISTED else ""
            advice = "--symbols chooses"
            if len(lacking) < len(found):
                advice = f"--skip leaves {len(lacking)} of {len(found)} sessions out, --symbols chooses instruments"
            raise errors.DataError(f"{self.origin}: {listed}, wanted every instrument in every session ({advice})")
        self._parts = {session: parts for session, parts in self._parts.items() if not found[session]}
        return [f"{line}: left out" for line in lacking]

    def _missing(self, session):
        """What a session lacks, empty for a whole one."""
        parts = self._parts[session]
        absent = [one for one in self._symbols if not sum(stream.quotes for *_, stream in parts.get(one, ()))]
        if absent:
            folded = {one.casefold() for one in absent}
            alike = [one for one in self._groups.names if one.casefold() in folded and one not in absent]
            hint = f" ({', '.join(alike)} is another instrument: one spelling is wanted)" if alike else ""
            return f"has no quotes of {', '.join(absent)}{hint}"
        for symbol in self._symbols:
            if not any(stream.first_quote_ns for *_, stream in parts[symbol]):
                return f"has no true quote of {symbol} in {self._files(session, symbol)}"
        first, last = self._span(session)
        if first > last:
            return f"has quotes of {', '.join(self._symbols)} at different times only"
        return ""

    def _find_repeated(self, session):
        """Notes what files of one instrument both hold; sentences on it."""
        notes = []
        for symbol in self._symbols:
            cuts, told = overlaps.cuts(self._parts[session][symbol], symbol)
            self._cuts.update(cuts)
            notes += told
        return notes

    def _infer(self):
        out, assumed = [], []
        for symbol in self._symbols:
            parts = [part for found in self._parts.values() for part in found.get(symbol, ())]
            given = self._request.terms.get(symbol, self._request.terms.get("*", instruments.Terms()))
            listed = self._groups.listed[symbol]
            one, self._told[symbol], unknown = terms.instrument(symbol, listed, parts, given, str(self.origin))
            out.append(one)
            assumed += [symbol] * unknown
        for symbol in assumed:
            self._told[symbol].append(terms.assumed(assumed))
        for triangle in self._legged:
            legs = [self._leg(triangle, name, out) for name in (triangle.first, triangle.second)]
            px = [self._typical(self.sessions[0], k) for k in legs]
            out.append(terms.implied(triangle, out[legs[0]], out[legs[1]], tuple(px)))
        return tuple(out)

    def _refined(self, members):
        """Instruments of a store that is added to, with finer ticks where the new prices lie between the old ones."""
        out = []
        for member in members:
            parts = [part for found in self._parts.values() for part in found.get(member.symbol, ())]
            given = self._request.terms.get(member.symbol, self._request.terms.get("*", instruments.Terms()))
            tick = price_steps.refined(member, parts) if given.tick_size is None and parts else member.tick_size
            out.append(msgspec.structs.replace(member, tick_size=tick))
        return tuple(out)

    def _leg(self, triangle, name, members):
        symbols = [one.symbol for one in members]
        if name not in symbols:
            raise errors.ConfigError(
                f"--synthetic {triangle.name}: leg {name} is not in {self.origin}, got {', '.join(symbols)}"
            )
        return symbols.index(name)

    def _makers(self):
        """Function that gives fresh makers of synthetic quotes for a session."""
        symbols = [one.symbol for one in self.instruments]
        for triangle in self._legged:
            if triangle.name not in symbols:
                raise errors.ConfigError(f"--synthetic {triangle.name}: not in the store, wanted those of its sessions")

        def fresh():
            return [
                synthetic.Maker(
                    triangle,
                    [self._leg(triangle, name, self.instruments) for name in (triangle.first, triangle.second)],
                    symbols.index(triangle.name), self.instruments,
                )
                for triangle in self._legged
            ]  # fmt: skip

        return fresh

    def _indices(self):
        return range(len(self.instruments))

    def _typical(self, session, index):
        """Median price of an instrument in a session, from its quotes; NaN for a synthetic one."""
        if index >= len(self._symbols):
            return np.nan
        streams = [stream for _, _, stream in self._parts[session][self._symbols[index]]]
        px = [px for stream in streams if stream.quotes for px in stream.typical_px]
        return float(np.median(px)) if px else np.nan

    def _shift_ns(self):
        return round(self._request.quote_lag_ms * 1e6)

    def _span(self, session):
        """(first, last) ns at which every instrument has quotes."""
        spans = []
        for symbol in self._symbols:
            streams = [stream for _, _, stream in self._parts[session][symbol] if stream.first_quote_ns]
            spans.append((min(one.first_quote_ns for one in streams), max(one.last_quote_ns for one in streams)))
        first, last = max(one[0] for one in spans), min(one[1] for one in spans)
        return first + self._shift_ns(), last + self._shift_ns()

    def _files(self, session, symbol):
        return ", ".join(sorted({one.name for _, one, _ in self._parts[session][symbol]}))

    def _runs(self, session):
        out = []
        for k, symbol in enumerate(self._symbols):
            parts = self._parts[session][symbol]
            size = absent.size(parts, self._request, self.instruments[k].lot_size)
            for folder, one, stream in parts:
                for start, stop in stream.sorted_runs():
                    path = str(folder / stream.file)
                    run = merging.Run(path, start, stop, k, one.sequenced, self._shift_ns(), self._request.flip_sides)
                    out.append(run._replace(size=size, left_out=tuple(self._cuts.get(path, ()))))
        return out

    def _report(self, session, index, dropped, noted, measured):
        parts = self._parts[session][self._symbols[index]]
        facts = file_facts.report(parts)
        # what is true of a session is said with its first instrument
        said = [*self._groups.notes.get(session, ()), *self._repeated[session]] if index == 0 else []
        # lines that belong to no session are counted with the first one of their file
        lost = {id(one): one for _, one, stream in parts if stream is self._first_kept[id(one)]}.values()
        malformed, no_time = (sum(getattr(one, name) for one in lost) for name in ("malformed", "no_time"))
        instrument = self.instruments[index]
        return {
            "session": session,
            "symbol": instrument.symbol,
            **facts,
            "notes": [*facts["notes"], *self._told.get(instrument.symbol, ()), *said],
            "venue": self._groups.listed[instrument.symbol][1],
            "rows_read": sum(stream.rows for _, _, stream in parts) + malformed + no_time,
            "dropped": dropped,
            "malformed": malformed,
            "no_time": no_time,
            "tick_size": instrument.tick_size,
            **{name: noted[name].item() for name in faults.NOTED.names},
            "lot_size": instrument.lot_size,
            "multiplier": instrument.multiplier,
            "inverse": instrument.inverse,
            "quote_lag_ms": self._request.quote_lag_ms,
            **absent.facts(parts, self._request, instrument.lot_size),
            "trades_elsewhere": instrument.symbol in self.traded,
            "flipped_sides": self._request.flip_sides,
            **measured,
        }
