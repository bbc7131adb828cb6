"""Cells to columns, and columns to raw rows: what every block of a table goes through."""

from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfmm import arrays, errors
from tfmm.market import raw, single_precision
from tfmm.market.readers import cells, columns, containers, layout, naming

Rows: TypeAlias = list[tuple[str | naming.Name, arrays.Records]]  # symbol, (K,) raw.RAW
_LINE = "line of the file"
_CSV_TYPES = {layout.NUMBER: pa.float64(), layout.INTEGER: pa.int64(), layout.TEXT: columns.WORDS}


def wanted(source: layout.Source) -> dict[str, str]:
    """The columns of a source that its layout uses, and their kinds."""
    chosen = {**source.layout.columns, **source.layout.optional}
    chosen.update(dict.fromkeys(_names(source), layout.TEXT))
    return {name: what for name, what in chosen.items() if name in source.header}


def _names(source):
    """Columns of the symbol, the venue and the contract."""
    return source.layout.symbol, source.layout.venue_column, source.layout.contract_column


class Reading:
    """How a file is read. tally: delimited.Tally. samples: column -> texts of its first cells."""

    def __init__(self, source: layout.Source, tally: Any, samples: dict[str, list[str]]):
        self.source, self.tally = source, tally
        self.wanted = wanted(source)
        self.clocks = {
            name: columns.Clock(samples.get(name, [])) for name, what in self.wanted.items() if what == layout.TIME
        }
        numbers = [
            text for name, what in self.wanted.items() if what == layout.NUMBER for text in samples.get(name, [])
        ]
        self.style = cells.style(numbers, source.separator)

    def rows(self, batch: pa.RecordBatch, block: int, place: Callable[[int], str]) -> Rows:
        """[(symbol, rows)] of a table. block: its number. place: says where a row of it is in the file."""
        source, values = self.source, {}
        self.tally.count(len(batch))
        for name, what in self.wanted.items():
            column = batch.column(name)
            column = column.combine_chunks() if isinstance(column, pa.ChunkedArray) else column
            try:
                values[name] = self._values(name, what, column, block, place)
            except errors.DataError as error:
                raise errors.DataError(f"{source.path}: column {name}: {error}") from error
        assert source.layout.convert is not None, f"{source.layout.name} has neither columns nor a stream"
        rows = source.layout.convert(values)
        rows, index = rows if isinstance(rows, tuple) else (rows, slice(None))
        words = [values.get(name) for name in _names(source)]
        words = [one and layout.Words(one.codes[index], one.vocabulary) for one in words]
        if source.layout.contract is not None:
            self._tell_contracts(values)
        return list(layout.split_names(source, words, rows))

    def _tell_contracts(self, values):
        """A file of several instruments may hold several kinds of contract: each is told by its own rows."""
        symbols = values.get(self.source.layout.symbol)
        names = [self.source.symbol] if symbols is None else [word.strip(" \0\t\"'") for word in symbols.vocabulary]
        if self.tally.contracts.keys() >= set(names):
            return
        count = len(next(iter(values.values()))) if symbols is None else len(symbols.codes)
        for symbol, rows in layout.split(symbols, self.source.symbol, np.arange(count)):
            if symbol not in self.tally.contracts:
                of_symbol = {name: one[rows] for name, one in values.items() if isinstance(one, np.ndarray)}
                self.tally.contracts[symbol] = self.source.layout.contract(of_symbol)

    def _values(self, name, what, column, block, place):
        if what == layout.TEXT:
            return columns.words(column)
        if what == layout.INTEGER:
            return columns.integer(column)
        if what == layout.TIME:
            values = self.clocks[name].ns(column)
            wrong = values == raw.TIME_UNKNOWN
        else:
            values, wrong = columns.number(column, self.style)
            values = single_precision.restored(values, column.type == pa.float32())
        if wrong is not None and wrong.any():
            self._check_header(column, np.flatnonzero(wrong), place)
            k = int(wrong.argmax())

            def first():
                return columns.shown(column, k), place(k)

            self.tally.count_wrong(name, what, int(wrong.sum()), first, block)
        return values

    def _check_header(self, column, wrong, place):
        """A header between the rows that is not the first one again says that the columns are in another order."""
        for k in wrong[:1000]:
            if columns.shown(column, int(k)).strip(cells.PADDING) in self.source.header:
                raise errors.DataError(
                    f"{place(int(k))} is another header, wanted the columns in one order: split the file there"
                )

    def text(self, line: int, block: bytes) -> Rows:
        """[(symbol, rows)] of a block of text that begins with a line of this number."""
        with containers.reading(self.source.path):
            block = _without_comments(self, block)
            if not block.strip():
                return []
            if not block.isascii():
                # arrow stops at bytes that are no UTF-8; replaced, they spoil no other cell
                block = block.decode("utf-8", "replace").encode()
            try:
                batch, lines = _parse(self, block), None
            except pa.ArrowInvalid:
                # a cell that is no number: all are read as text, so that only its row is lost
                batch = _parse_texts(self, block, line)
                lines = batch.column(_LINE)

            def place(k):
                return f"line {(_parse_texts(self, block, line).column(_LINE) if lines is None else lines)[k]}"

            return self.rows(batch, line, place)


def _without_comments(reading, block):
    """Empties the lines that are comments, or the header again where files were joined."""
    source = reading.source
    header = source.head[source.skip_lines - 1].strip().encode() if source.skip_lines else b""
    joined = bool(header) and (block.startswith(header) or b"\n" + header in block)
    if not joined and not (b"#" in block and (block.startswith(b"#") or b"\n#" in block)):
        return block
    cut = source.separator.encode()
    lines = block.split(b"\n")
    for k, line in enumerate(lines):
        comment = line.startswith(b"#") and line.count(cut) != len(source.header) - 1
        if comment or (header and line.strip() == header):
            lines[k] = b""
            reading.tally.leave_out("comments" if comment else "headers")
    return b"\n".join(lines)


def _parse(reading, block):
    types = {
        name: reading.clocks[name].csv_type if what == layout.TIME else _CSV_TYPES[what]
        for name, what in reading.wanted.items()
    }
    return _read_csv(reading, block, reading.source.header, types, reading.tally.skip)


def _parse_texts(reading, block, first_line):
    """All cells as text, beside the numbers of their lines."""
    cut = reading.source.separator.encode()
    lines = [b"%d%b%b" % (k, cut, line) for k, line in enumerate(block.split(b"\n"), first_line) if line.strip(b"\r")]
    types = {_LINE: pa.int64(), **dict.fromkeys(reading.wanted, pa.string())}
    return _read_csv(reading, b"\n".join(lines), (_LINE, *reading.source.header), types, lambda _: "skip")


def _read_csv(reading, block, header, types, skip):
    options = arrow_csv.ReadOptions(use_threads=False, column_names=list(header), block_size=len(block) + 1)
    parse = arrow_csv.ParseOptions(
        delimiter=reading.source.separator, invalid_row_handler=skip, ignore_empty_lines=True
    )
    convert = arrow_csv.ConvertOptions(
        include_columns=list(types), column_types=types, strings_can_be_null=True, null_values=list(cells.MISSING),
        decimal_point=reading.style.point,
    )  # fmt: skip
    return arrow_csv.read_csv(pa.BufferReader(block), options, parse, convert)
