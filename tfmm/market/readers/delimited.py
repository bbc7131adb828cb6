"""Tables of any layout: CSV text and arrow files to raw rows, a block at a time, blocks parsed in parallel."""

import collections
import concurrent.futures
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from tfmm import arrays, errors
from tfmm.market import instruments
from tfmm.market.readers import books, cells, columns, containers, dialect, kinds, layout, parsing

_SAMPLED_LINES = 200


class Tally:
    """What a reader counts beside the rows.

    Attributes:
        malformed: lines with the wrong number of cells. rows: lines or rows that were read.
        wrong: column -> cells that could not be read. left_out: comments and headers between the rows.
        contracts: instruments.Terms by symbol, where the columns tell them. book: see order_book.COUNTS.
        notes: sentences on how the file is written. seen: function that is called with all text.
    """

    def __init__(self, seen: Callable[[bytes], Any] | None = None) -> None:
        self.malformed = self.rows = 0
        self.wrong: dict[str, cells.Wrong] = {}
        self.left_out: collections.Counter[str] = collections.Counter()
        self.book: dict[str, int] = {}
        self.seen = seen
        self.contracts: dict[str, instruments.Terms] = {}
        self.notes: list[str] = []
        self._malformed = ""
        self._lock = threading.Lock()

    def skip(self, row: Any) -> str:
        """Counts a line that pyarrow cannot read and says to leave it out."""
        with self._lock:
            self.malformed += 1
            self._malformed = self._malformed or f"{row.text[:80]!r} with {row.actual_columns}"
        return "skip"

    def leave_out(self, what: str) -> None:
        """Counts a line that is no row."""
        with self._lock:
            self.left_out[what] += 1

    def count(self, rows: int) -> None:
        """Counts rows that were read."""
        with self._lock:
            self.rows += rows

    def count_wrong(self, column: str, kind: str, count: int, first: Callable[[], tuple[str, str]], block: int) -> None:
        """Counts cells that could not be read. first: gives the first one's text and place. block: its number."""
        with self._lock:
            known = self.wrong.get(column)
            if known is None or block < known.block:
                before = known.count if known else 0
                known = self.wrong[column] = cells.Wrong(kind, *first(), block, before)
            known.count += count

    def check(self, path: pathlib.Path) -> None:
        """DataError where most of a column, or most lines, cannot be read."""
        for name, one in self.wrong.items():
            if 2 * one.count > self.rows:
                raise errors.DataError(f"{path}: column {name}: {one.sentence(self.rows)}; {one.wanted()}")
        if self.malformed > self.rows:
            raise errors.DataError(f"{path}: {self._lines()}")

    def finish(self, path: pathlib.Path, clocks: dict[str, columns.Clock], style: cells.Style) -> None:
        """Notes, when the file has been read.

        Raises:
            DataError: most cells cannot be read, or some times have a zone and some have none.
        """
        self.check(path)
        said = [f"column {name}: {one.sentence(self.rows)}" for name, one in self.wrong.items()]
        said += [self._lines()] if self.malformed else []
        said += [f"{count} {what} between the rows are left out" for what, count in sorted(self.left_out.items())]
        self.notes += [f"{path.name}: {sentence}" for sentence in said]
        self.notes += [f"times of column {name} {note}" for name, clock in clocks.items() for note in clock.notes()]
        self.notes += [
            f"{path.name}: times of column {name} {note}" for name, clock in clocks.items() if (note := clock.told())
        ]
        self.notes += ["commas are decimal marks"] if style.point == "," else []
        self.notes += [f"{style.group!r} between digits parts thousands"] if style.grouped else []
        for name, clock in clocks.items():
            if clock.mixed():
                raise errors.DataError(
                    f"{path}: column {name}: {clock.naive} times have no zone and {clock.zoned} have one, wanted UTC "
                    "or an offset in all of them"
                )

    def _lines(self):
        what = "line has" if self.malformed == 1 else "lines have"
        return f"{self.malformed} {what} another number of cells than the others, the first {self._malformed}"


def read(source: layout.Source, tally: Tally, threads: int = 1) -> Iterator[tuple[str, arrays.Records]]:
    """Yields (symbol, (K,) raw.RAW) in the order of the file.

    Raises:
        DataError: the file cannot be read; named.
    """
    with containers.reading(source.path):
        yield from books.build(_batches(source, tally, threads), source.path, tally.book)


def _batches(source, tally, threads):
    if source.layout.stream is not None:
        return source.layout.stream(source)
    return _text(source, tally, threads) if is_text(source) else _tables(source, tally)


def is_text(source: layout.Source) -> bool:
    """Whether a source is delimited text, which `read` parses block by block."""
    return source.layout.stream is None and containers.kind(source.path) == kinds.TEXT


def _text(source, tally, threads):
    lines = source.head[source.skip_lines : source.skip_lines + _SAMPLED_LINES]
    table = [dialect.fields(line, source.separator) for line in lines]
    samples = {name: [row[k] for row in table if k < len(row)] for k, name in enumerate(source.header)}
    reading = parsing.Reading(source, tally, samples)
    pending = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for line, block in _blocks(source, tally):
            pending.append(pool.submit(reading.text, line, block))
            if len(pending) > threads:
                yield from pending.popleft().result()
                tally.check(source.path)
        while pending:
            yield from pending.popleft().result()
    tally.finish(source.path, reading.clocks, reading.style)


def _blocks(source, tally):
    """Yields (number of its first line, text) without what stands above the rows."""
    above, line = source.skip_lines, 1
    for block in containers.blocks(source.path, tally.seen):
        begin = 3 if line == 1 and block.startswith(b"\xef\xbb\xbf") else 0
        while above and begin < len(block):
            end = block.find(b"\n", begin) + 1 or len(block)
            above -= bool(block[begin:end].strip())
            begin = end
        yield line + block.count(b"\n", 0, begin), block[begin:]
        line += np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n"))  # half the time of bytes.count


def _tables(source, tally):
    reading, seen = None, 0
    for batch in containers.tables(source.path, list(parsing.wanted(source))):
        if reading is None:
            samples = {name: columns.sample(batch.column(name), _SAMPLED_LINES) for name in batch.schema.names}
            reading = parsing.Reading(source, tally, samples)
        with containers.reading(source.path):
            yield from reading.rows(batch, seen, lambda k, before=seen: f"row {before + k + 1}")
        seen += len(batch)
        tally.check(source.path)
    if reading is not None:
        tally.finish(source.path, reading.clocks, reading.style)
