"""Raw files spread over spool files: one for each instrument and session, in runs that are sorted by time.

A worker reads one file in bounded memory, cuts its rows into sessions and notes what `prepare` must know
before the first event can be written: tick and lot size, span, typical price. A finished spool has a
`done.json`; a later run with the same file and the same request takes it as it is.
"""

import concurrent.futures
import contextlib
import hashlib
import pathlib
import shutil
from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import numpy as np

from tfmm import arrays, errors, files
from tfmm.market import instruments, raw, schema
from tfmm.market.ingest import file_order, named_days, rounded
from tfmm.market.readers import books, columns, containers, delimited, layout, naming

DAY_NS = 86_400 * 10**9
DONE = "done.json"
_FIRST = (raw.TIME_UNKNOWN, 0, 0)  # a sorting key before all others
_LONGEST_SESSION_NS = 8 * DAY_NS  # rows further from the first of a named session have a wrong time


class Stream(msgspec.Struct, kw_only=True):
    """The rows of one instrument and session from one file.

    symbol, venue, contract: see naming.Name.
    runs: row numbers at which a sorted run begins, in the spool file. begin_ns, end_ns: first and last time;
    first_quote_ns, last_quote_ns: of quotes with two sides, 0 without. out_of_order: rows earlier than the row
    before. descending: the runs stand from new to old. fault: what is wrong with the times.
    price_counts ... size_divisors: see instruments.Steps. not_positive: quotes whose ask is zero or less, the first
    of them at not_positive_ns. unsized: those without sizes. typical_px: medians of the first blocks.
    """

    symbol: str
    session: str
    file: str
    venue: str = ""
    contract: str = ""
    rows: int = 0
    quotes: int = 0
    trades: int = 0
    runs: list[int] = []
    last: tuple[int, int, int] = _FIRST
    begin_ns: int = 0
    end_ns: int = 0
    first_quote_ns: int = 0
    last_quote_ns: int = 0
    out_of_order: int = 0
    descending: bool = False
    fault: str = ""
    numbered: bool = True
    typical_px: list[float] = []
    price_counts: list[int] = []
    price_divisors: list[int] = []
    price_changes: int = 0
    not_positive: int = 0
    not_positive_ns: int = 0
    unsized: int = 0
    size_counts: list[int] = []
    size_divisors: list[int] = []

    def sorted_runs(self) -> list[tuple[int, int]]:
        """(first row, row after the last) of every run; of a file from new to old, the last one first."""
        runs = list(zip(self.runs, [*self.runs[1:], self.rows], strict=True))
        return runs[::-1] if self.descending else runs


class Spooled(msgspec.Struct, kw_only=True):
    """A file that was read. name: its path below the folder that was given. sha256: of what it holds, decompressed.
    malformed: lines with a wrong number of fields. no_time: rows without a time, or with one far from all others.
    symbols: all that the file has, wanted or not. note: of the layout, and what broke the book; notes: of how the file
    is written. dense_ids: see layout.Layout. contracts: by symbol, where the columns tell them."""

    path: str
    name: str
    layout: str
    sequenced: bool
    sha256: str
    streams: list[Stream]
    malformed: int = 0
    no_time: int = 0
    symbols: list[str] = []
    note: str = ""
    notes: list[str] = []
    dense_ids: bool = False
    contracts: dict[str, instruments.Terms] = {}


def spool(
    source: layout.Source, work: pathlib.Path, day_start_ns: int = 0, symbols: Sequence[str] = (), threads: int = 2
) -> tuple[pathlib.Path, Spooled]:
    """Reads one file.

    Args:
        source: layout.Source. work: folder of all spools. day_start_ns: when a day begins, after 00:00 UTC.
        symbols: only these; empty: all.

    Returns:
        (folder, Spooled).

    Raises:
        DataError: see delimited.read.
    """
    folder = pathlib.Path(work) / _key(source, day_start_ns, symbols)
    if (folder / DONE).exists():
        return folder, msgspec.json.decode((folder / DONE).read_bytes(), type=Spooled)
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    digest = hashlib.sha256()
    seen = set()
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(1) as pool:
        writer = _Writer(folder, source, day_start_ns, stack)
        tally = delimited.Tally(lambda text: pool.submit(digest.update, text))
        whole = None if delimited.is_text(source) else pool.submit(containers.sha256, source.path)
        for key, rows in delimited.read(source, tally, threads):
            name = naming.name(key)
            name = name if name.venue else name._replace(venue=source.venue)
            if not name.symbol and (rows["ts"] != raw.TIME_UNKNOWN).any():
                raise errors.DataError(f"{source.path}: {source.problem}, wanted {naming.WANTED}")
            seen.add(name.symbol)
            if naming.is_wanted(name, symbols):
                writer.add(name, rows)
        streams = writer.streams()
    out = Spooled(
        path=str(source.path),
        name="/".join(source.parts) or source.path.name,
        layout=source.layout.name,
        sequenced=source.layout.sequenced,
        notes=[*tally.notes, *writer.notes],
        dense_ids=source.layout.dense_ids,
        sha256=whole.result() if whole else digest.hexdigest(),
        streams=streams,
        malformed=tally.malformed,
        no_time=writer.no_time,
        symbols=sorted(seen - {""}),
        note="; ".join(filter(None, (source.layout.note, books.note(source.path, tally.book)))),
        contracts=tally.contracts,
    )
    if not out.streams and not symbols and (lost := out.no_time + out.malformed):
        raise errors.DataError(
            f"{source.path}: {lost} rows, none with a time between 1990 and 2100, wanted at least one"
        )
    files.write_bytes(folder / DONE, msgspec.json.encode(out))
    return folder, out


def _key(source, day_start_ns, symbols):
    file, member = containers.split(source.path)
    about = file.stat()
    request = (
        str(file.resolve()), member, source.parts, about.st_size, about.st_mtime_ns, source.layout.name, source.session,
        source.symbol, source.venue, source.zone, day_start_ns, tuple(symbols), instruments.DECIMALS, raw.RAW.itemsize,
    )  # fmt: skip
    return hashlib.sha256(repr(request).encode()).hexdigest()[:24]


_Key = tuple[naming.Name, str]  # and the session


class _Writer:
    def __init__(
        self, folder: pathlib.Path, source: layout.Source, day_start_ns: int, stack: contextlib.ExitStack
    ) -> None:
        self._folder, self._stack = folder, stack
        self._source = source
        self._day_start_ns = day_start_ns
        self._streams: dict[_Key, Stream] = {}
        self._files: dict[_Key, BinaryIO] = {}
        self._steps: dict[_Key, tuple[instruments.Steps, instruments.Steps]] = {}
        self._times: dict[_Key, arrays.Ints] = {}
        self._orders: dict[tuple[naming.Name, str], file_order.Order] = {}
        self._middle_ns = None
        self.no_time = 0
        self.notes: list[str] = []

    def add(self, name, rows):
        timed = (rows["ts"] >= columns.EARLIEST_NS) & (rows["ts"] <= columns.LATEST_NS)
        if not timed.all():
            self.no_time += int((~timed).sum())
            rows = rows[timed]
        if not len(rows):
            return
        order = self._orders.setdefault((name, _kind(rows)), file_order.Order(self._source.layout.sequenced))
        self._cut(name, order.add(rows), order.turned)

    def _cut(self, name, rows, descending):
        """Cuts rows into sessions."""
        if not len(rows):
            return
        if self._source.session:
            if self._middle_ns is None:
                self._middle_ns = int(np.median(rows["ts"]))
            near = np.abs(rows["ts"] - self._middle_ns) <= _LONGEST_SESSION_NS
            self.no_time += int((~near).sum())
            if near.any():
                self._append(name, self._source.session, rows if near.all() else rows[near], descending)
            return
        days = (rows["ts"] - self._day_start_ns) // DAY_NS
        low, high = int(days.min()), int(days.max())
        for day in [low] if low == high else np.unique(days):
            label = str(np.datetime64(int(day), "D")).replace("-", "")
            self._append(name, label, rows if low == high else rows[days == day], descending)

    def _append(self, name, session, rows, descending):
        stream = self._streams.get((name, session))
        if stream is None:
            stream = Stream(**name._asdict(), session=session, file=f"{len(self._streams)}.raw")
            self._streams[name, session] = stream
            path = self._folder / stream.file
            file = self._stack.enter_context(path.open("wb"))
            self._files[name, session] = file
            self._steps[name, session] = instruments.Steps(), instruments.Steps()
            self._times[name, session] = np.zeros(3, np.int64)
        if descending:
            # its blocks come from new to old: each is a run, and the last one is read first
            stream.descending, stream.last = True, _FIRST
        self._note(stream, self._steps[name, session], rows)
        key = np.array(stream.last, np.int64)
        sequenced = self._source.layout.sequenced
        disordered, back, first = file_order.disorder(rows, key, sequenced)
        stream.out_of_order += back
        if disordered:
            rows = rows[raw.order(rows, sequenced)]
            first = file_order.before(rows[0], key, sequenced)
        if first or descending or not stream.runs:
            stream.runs.append(stream.rows)
        stream.last = tuple(int(one) for one in file_order.key_of(rows[-1], sequenced))
        stream.rows += len(rows)
        rounded.note(rows, self._times[name, session])
        self._files[name, session].write(memoryview(np.ascontiguousarray(rows)).cast("B"))

    def _note(self, stream, steps, rows):
        stream.numbered &= int(rows["sequence"].min()) != raw.NO_SEQUENCE
        first, last = int(rows["ts"].min()), int(rows["ts"].max())
        stream.begin_ns, stream.end_ns = min(stream.begin_ns or first, first), max(stream.end_ns, last)
        is_quote = rows["kind"] == schema.QUOTE
        quotes = rows if is_quote.all() else rows[is_quote]
        stream.quotes += len(quotes)
        stream.trades += len(rows) - len(quotes)
        steps[1].add(rows["lo_size"])
        if len(quotes):
            steps[0].add(quotes["lo"])
            steps[0].add(quotes["hi"])
            steps[1].add(quotes["hi_size"])
            bad = quotes[(quotes["hi"] <= 0) & (quotes["lo_size"] > 0)]
            if len(bad):
                stream.not_positive += len(bad)
                stream.not_positive_ns = stream.not_positive_ns or int(bad["ts"][0])
            whole = np.isfinite(quotes["lo"]) & np.isfinite(quotes["hi"])
            stream.unsized += int((whole & np.isnan(quotes["lo_size"] + quotes["hi_size"])).sum())
            if whole.any():
                times = quotes["ts"][whole]
                first, last = int(times.min()), int(times.max())
                stream.first_quote_ns = min(stream.first_quote_ns or first, first)
                stream.last_quote_ns = max(stream.last_quote_ns, last)
        # quotes show the price better than trades: a file of both gives the price of its quotes
        px = (quotes if len(quotes) else rows)["lo"]
        px = px[np.isfinite(px) & (px > 0)]
        if len(px) and len(stream.typical_px) < 1000:
            stream.typical_px.append(float(np.median(px)))

    def streams(self):
        """All streams, when the file has been read."""
        for (name, _), order in self._orders.items():
            self._cut(name, order.rest(), order.turned)
        for key, stream in self._streams.items():
            price, size = self._steps[key]
            stream.price_counts, stream.price_divisors = price.counts.tolist(), price.divisors.tolist()
            stream.price_changes = price.changes
            stream.size_counts, stream.size_divisors = size.counts.tolist(), size.divisors.tolist()
            span_ns = stream.end_ns - stream.begin_ns
            rows = max(stream.quotes, stream.trades)  # in a file of both, a trade and its quote share a time
            stream.fault = rounded.fault(rows, self._times[key], span_ns, stream.quotes > 0)
            if said := named_days.other_day(self._source.session, stream.begin_ns):
                self.notes.append(f"{self._source.path.name}: {said}")
        for (name, kind), order in self._orders.items():
            self.no_time += order.damaged
            self._tell(name, kind, order)
        return list(self._streams.values())

    def _tell(self, name, kind, order):
        """Notes what the order of the rows was; a fault is one of the session where time jumps back."""
        own = [stream for (other, _), stream in self._streams.items() if other == name]
        if own and (fault := order.fault(kind)):
            ts = order.jump[1] if order.jump else 0
            stream = next((one for one in own if one.begin_ns <= ts <= one.end_ns), own[0])
            stream.fault = fault  # an hour that comes twice has each time twice: no second reason
        self.notes += [f"{self._source.path.name}: {note}" for note in order.notes(kind)]


def _kind(rows):
    is_quote = rows["kind"] == schema.QUOTE
    return "quotes" if is_quote.all() else "rows" if is_quote.any() else "trades"
