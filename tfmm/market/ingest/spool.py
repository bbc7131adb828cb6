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

from tfmm import errors, files, jit
from tfmm.market import instruments, raw, schema
from tfmm.market.readers import delimited, layout, order_book

DAY_NS = 86_400 * 10**9
DONE = "done.json"
_LONGEST_SESSION_NS = 8 * DAY_NS  # rows further from the first of a named session have a wrong time


class Stream(msgspec.Struct, kw_only=True):
    """The rows of one instrument and session from one file.

    runs: row numbers at which a sorted run begins, in the spool file. begin_ns, end_ns: first and last time;
    first_quote_ns, last_quote_ns: of quotes with two sides, 0 without. out_of_order: rows earlier than the row
    before. price_counts ... size_divisors: see instruments.Steps. typical_px: median price of each of the first blocks.
    """

    symbol: str
    session: str
    file: str
    rows: int = 0
    quotes: int = 0
    trades: int = 0
    runs: list[int] = []
    last: tuple[int, int, int] = (raw.TIME_UNKNOWN, 0, 0)
    begin_ns: int = 0
    end_ns: int = 0
    first_quote_ns: int = 0
    last_quote_ns: int = 0
    out_of_order: int = 0
    numbered: bool = True
    typical_px: list[float] = []
    price_counts: list[int] = []
    price_divisors: list[int] = []
    size_counts: list[int] = []
    size_divisors: list[int] = []


class Spooled(msgspec.Struct, kw_only=True):
    """A file that was read. malformed: lines with a wrong number of fields. no_time: rows without a time, or with one
    far from all others. symbols: all that the file has, wanted or not. note: of the layout, and what broke the book."""

    path: str
    layout: str
    sequenced: bool
    sha256: str
    streams: list[Stream]
    malformed: int = 0
    no_time: int = 0
    symbols: list[str] = []
    note: str = ""
    contract: instruments.Terms = instruments.Terms()


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
    tally = delimited.Tally()
    seen = set()
    with contextlib.ExitStack() as stack, concurrent.futures.ThreadPoolExecutor(1) as pool:
        writer = _Writer(folder, source, day_start_ns, stack)
        digest = pool.submit(sha256, source.path)
        for symbol, rows in delimited.read(source, tally, threads):
            seen.add(symbol)
            if not symbols or symbol in symbols:
                writer.add(symbol, rows)
    streams = writer.streams()
    out = Spooled(
        path=str(source.path),
        layout=source.layout.name,
        sequenced=source.layout.sequenced,
        sha256=digest.result(),
        streams=streams,
        malformed=tally.malformed,
        no_time=writer.no_time,
        symbols=sorted(seen),
        note="; ".join(filter(None, (source.layout.note, order_book.note(source.path, tally.book)))),
        contract=tally.contract.get(source.path, instruments.Terms()),
    )
    if not out.streams and not symbols and not (out.no_time or out.malformed):
        raise errors.DataError(f"{source.path}: no rows, wanted at least one")
    files.write_bytes(folder / DONE, msgspec.json.encode(out))
    return folder, out


def sha256(path: pathlib.Path) -> str:
    """Hash of a file's bytes, hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _key(source, day_start_ns, symbols):
    about = source.path.stat()
    request = (
        str(source.path.resolve()), about.st_size, about.st_mtime_ns, source.layout.name, source.session, source.symbol,
        day_start_ns, tuple(symbols), raw.RAW.itemsize,
    )  # fmt: skip
    return hashlib.sha256(repr(request).encode()).hexdigest()[:24]


class _Writer:
    def __init__(
        self, folder: pathlib.Path, source: layout.Source, day_start_ns: int, stack: contextlib.ExitStack
    ) -> None:
        self._folder, self._stack = folder, stack
        self._source = source
        self._day_start_ns = day_start_ns
        self._streams: dict[tuple[str, str], Stream] = {}
        self._files: dict[tuple[str, str], BinaryIO] = {}
        self._steps: dict[tuple[str, str], tuple[instruments.Steps, instruments.Steps]] = {}
        self._middle_ns = None
        self.no_time = 0

    def add(self, symbol, rows):
        timed = rows["ts"] != raw.TIME_UNKNOWN
        if not timed.all():
            self.no_time += int((~timed).sum())
            rows = rows[timed]
        if not len(rows):
            return
        if self._source.session:
            if self._middle_ns is None:
                self._middle_ns = int(np.median(rows["ts"]))
            near = np.abs(rows["ts"] - self._middle_ns) <= _LONGEST_SESSION_NS
            self.no_time += int((~near).sum())
            if near.any():
                self._append(symbol, self._source.session, rows if near.all() else rows[near])
            return
        days = (rows["ts"] - self._day_start_ns) // DAY_NS
        low, high = int(days.min()), int(days.max())
        for day in [low] if low == high else np.unique(days):
            label = str(np.datetime64(int(day), "D")).replace("-", "")
            self._append(symbol, label, rows if low == high else rows[days == day])

    def _append(self, symbol, session, rows):
        stream = self._streams.get((symbol, session))
        if stream is None:
            stream = Stream(symbol=symbol, session=session, file=f"{len(self._streams)}.raw")
            self._streams[symbol, session] = stream
            path = self._folder / stream.file
            file = self._stack.enter_context(path.open("wb"))
            self._files[symbol, session] = file
            self._steps[symbol, session] = instruments.Steps(), instruments.Steps()
        self._note(stream, self._steps[symbol, session], rows)
        key = np.array(stream.last, np.int64)
        sequenced = self._source.layout.sequenced
        disordered, back, first = _disorder(rows, key, sequenced)
        stream.out_of_order += back
        if disordered:
            rows = rows[raw.order(rows, sequenced)]
            first = _before(rows[0], key, sequenced)
        if first or not stream.runs:
            stream.runs.append(stream.rows)
        stream.last = tuple(int(one) for one in _key_of(rows[-1], sequenced))
        stream.rows += len(rows)
        self._files[symbol, session].write(memoryview(np.ascontiguousarray(rows)).cast("B"))

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
            whole = np.isfinite(quotes["lo"]) & np.isfinite(quotes["hi"])
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
        for key, stream in self._streams.items():
            price, size = self._steps[key]
            stream.price_counts, stream.price_divisors = price.counts.tolist(), price.divisors.tolist()
            stream.size_counts, stream.size_divisors = size.counts.tolist(), size.divisors.tolist()
        return list(self._streams.values())


@jit.kernel
def _key_of(row, sequenced):
    """Sorting key of a row, as in raw.order."""
    if sequenced:
        return row.ts, row.sequence, np.int64(0)
    return row.ts, np.int64(row.kind == schema.QUOTE), row.sequence


@jit.kernel
def _before(row, key, sequenced):
    one, two, three = _key_of(row, sequenced)
    if one != key[0]:
        return one < key[0]
    return two < key[1] or (two == key[1] and three < key[2])


@jit.kernel
def _disorder(rows, last, sequenced):
    """(rows are not sorted, rows earlier than the row before, the first row belongs before `last`)."""
    disordered, back = False, 0
    first = _before(rows[0], last, sequenced)
    back += rows[0].ts < last[0]
    key = np.empty(3, np.int64)
    for k in range(1, len(rows)):
        key[0], key[1], key[2] = _key_of(rows[k - 1], sequenced)
        if _before(rows[k], key, sequenced):
            disordered = True
            back += rows[k].ts < key[0]
    return disordered, back, first
