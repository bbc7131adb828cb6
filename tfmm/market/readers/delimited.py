"""Tables of any layout: CSV text and arrow files to raw rows, a block at a time, blocks parsed in parallel."""

import collections
import concurrent.futures
import csv
import pathlib
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfmm import arrays, errors
from tfmm.market import instruments
from tfmm.market.readers import books, columns, containers, kinds, layout

_SAMPLED_LINES = 200


class Tally:
    """What a reader counts beside the rows. malformed: lines with the wrong number of fields.
    contract: instruments.Terms by file, where the columns tell it. book: see order_book.COUNTS. seen: function that is
    called with all text."""

    def __init__(self, seen: Callable[[bytes], Any] | None = None) -> None:
        self.malformed = 0
        self.book: dict[str, int] = {}
        self.seen = seen
        self.contract: dict[pathlib.Path, instruments.Terms] = {}
        self._lock = threading.Lock()

    def skip(self, _: Any) -> str:
        """Counts a line that pyarrow cannot read and says to leave it out."""
        with self._lock:
            self.malformed += 1
        return "skip"


def fields(line: str) -> list[str]:
    """The fields of a CSV line; of a damaged one what lies between its commas."""
    try:
        return next(csv.reader([line]))
    except csv.Error:
        return line.split(",")


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


def _wanted(source):
    chosen = {**source.layout.columns, **source.layout.optional}
    if source.layout.symbol:
        chosen[source.layout.symbol] = layout.TEXT
    return {name: what for name, what in chosen.items() if name in source.header}


def _rows(source, batch, clocks, tally):
    decode = {layout.NUMBER: columns.number, layout.INTEGER: columns.integer, layout.TEXT: columns.words}
    arrays = {}
    for name, what in _wanted(source).items():
        column = batch.column(name)
        column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
        try:
            arrays[name] = clocks[name].ns(column) if what == layout.TIME else decode[what](column)
        except errors.DataError as error:
            raise errors.DataError(f"{source.path}: column {name}: {error}") from error
    rows = source.layout.convert(arrays)
    rows, index = rows if isinstance(rows, tuple) else (rows, slice(None))
    symbols = arrays.get(source.layout.symbol)
    if symbols is not None:
        symbols = layout.Words(symbols.codes[index], symbols.vocabulary)
    if source.layout.contract is not None and source.path not in tally.contract:
        tally.contract[source.path] = source.layout.contract(arrays)
    yield from layout.split_symbols(source, symbols, rows)


def _clocks(source, samples):
    """name -> Clock. samples: name -> texts."""
    return {name: columns.Clock(samples[name]) for name, what in _wanted(source).items() if what == layout.TIME}


def _text(source, tally, threads):
    table = [fields(line) for line in source.head[source.skip_lines : source.skip_lines + _SAMPLED_LINES]]
    samples = {name: [row[k] for row in table if k < len(row)] for k, name in enumerate(source.header)}
    clocks = _clocks(source, samples)
    convert = arrow_csv.ConvertOptions(
        include_columns=list(_wanted(source)),
        column_types=_csv_types(source, clocks),
        strings_can_be_null=True,
        null_values=["", "NULL", "null", "NaN", "nan", "NA", "None"],
    )

    def work(block):
        with containers.reading(source.path):
            return list(_rows(source, _parse(source, block, convert, tally), clocks, tally))

    pending = collections.deque()
    with concurrent.futures.ThreadPoolExecutor(threads) as pool:
        for block in containers.blocks(source.path, source.skip_lines, tally.seen):
            pending.append(pool.submit(work, block))
            if len(pending) > threads:
                yield from pending.popleft().result()
        while pending:
            yield from pending.popleft().result()


def _csv_types(source, clocks):
    types = {layout.NUMBER: pa.float64(), layout.INTEGER: pa.int64(), layout.TEXT: columns.WORDS}
    return {
        name: clocks[name].csv_type if what == layout.TIME else types[what] for name, what in _wanted(source).items()
    }


def _parse(source, block, convert, tally):
    if not block.isascii():
        # arrow stops at bytes that are no UTF-8; replaced, they spoil no other cell
        block = block.decode("utf-8", "replace").encode()
    read_options = arrow_csv.ReadOptions(use_threads=False, column_names=list(source.header), block_size=len(block) + 1)
    parse = arrow_csv.ParseOptions(invalid_row_handler=tally.skip, ignore_empty_lines=True)
    try:
        return arrow_csv.read_csv(pa.BufferReader(block), read_options, parse, convert)
    except pa.ArrowInvalid:
        # a cell that is no number: read all as text, so that only its row is lost
        again = arrow_csv.ParseOptions(invalid_row_handler=lambda _: "skip", ignore_empty_lines=True)
        as_text = arrow_csv.ConvertOptions(
            include_columns=convert.include_columns,
            column_types=dict.fromkeys(convert.include_columns, pa.string()),
            strings_can_be_null=True,
            null_values=convert.null_values,
        )
        return arrow_csv.read_csv(pa.BufferReader(block), read_options, again, as_text)


def _tables(source, tally):
    clocks = None
    for batch in containers.tables(source.path, list(_wanted(source))):
        if clocks is None:
            samples = {name: columns.text_list(batch.column(name)[:_SAMPLED_LINES]) for name in batch.schema.names}
            clocks = _clocks(source, samples)
        with containers.reading(source.path):
            yield from _rows(source, batch, clocks, tally)
