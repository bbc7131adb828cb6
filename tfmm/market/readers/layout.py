"""What a layout is: how a table is recognised, which columns it has, and how they become raw rows.

To add a vendor, write a module with a tuple LAYOUTS of `Layout`s and name it in `readers/__init__.py`.
A whole one, for a CSV with the header `time,bid,bidsize,ask,asksize`:

    def _quotes(columns):
        return raw.quotes(
            columns["time"], columns["bid"], columns["bidsize"], columns["ask"], columns["asksize"]
        )

    LAYOUTS = (
        Layout(
            vendor="example", table="quotes",
            columns={"time": TIME, "bid": NUMBER, "bidsize": NUMBER, "ask": NUMBER, "asksize": NUMBER},
            convert=_quotes,
        ),
    )
"""

import dataclasses
import pathlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from tfmm import arrays
from tfmm.market import raw
from tfmm.market.readers import naming

NUMBER = "number"  # float64, NaN where missing
INTEGER = "integer"  # int64, raw.NO_SEQUENCE where missing or not a whole number
TEXT = "text"  # Words
TIME = "time"  # int64 ns UTC from seconds (also fractions), ms, us, ns or ISO 8601; unit found by magnitude

# notes that hold of layouts of several vendors
NO_SIDE = "trades have no side"
FX_TICKS = "FX ticks have no trades and mostly no sizes: --assume-size SIZE makes a store for client flow"


@dataclasses.dataclass(frozen=True)
class Words:
    """A text column. codes: (K,) int32 into vocabulary, -1 where empty."""

    codes: arrays.Ints32
    vocabulary: tuple[str, ...]

    def translate(self, meaning: dict[str, int], otherwise: int, dtype: npt.DTypeLike = np.int16) -> arrays.Array:
        """(K,) array: the meaning of each word, compared without case, spaces and padding."""
        table = [meaning.get(word.strip(" \0\t\"'").lower(), otherwise) for word in self.vocabulary]
        return np.array([*table, otherwise], dtype)[self.codes]


@dataclasses.dataclass(frozen=True)
class Layout:
    """One kind of file of one vendor.

    Attributes:
        vendor, table: its name is "vendor table", `--layout vendor` forces it.
        columns: column -> NUMBER, INTEGER, TEXT or TIME; all must be in the header.
        convert: function of {column: array} -> (K,) raw.RAW, or a tuple of such arrays when a row gives
            several rows (in the order they happened).
        optional: further columns that are used where they are present.
        symbol: text column that names the instrument; empty: the file name does. venue: the venue of all its files.
        venue_column, contract_column: text columns, where they are there, of the venue and of the venue's number of
            the instrument: two venues or numbers are two instruments.
        names: column names in order, of files without a header.
        plain: tells from the fields of the first line whether it is a file without header of this layout.
        sequenced: quotes and trades share one sequence, which orders rows of the same time.
        dense_ids: the venue numbers the trades of an instrument without holes.
        contract: function of the columns -> instruments.Terms, where they tell the kind of contract.
        stream: reads the file itself instead: function of Source -> iterator of (symbol, rows).
        recognise: for `stream`: function of (path, first lines) -> bool; of binary there are no lines.
        binary: kind of file that `stream` reads where it is no text, as containers.kind says it.
        fits: whether the cells of the first row, column -> text, are of this layout, where another has its columns too.
        note: what a user should know of every file of it; printed and kept with the quality report.
    """

    vendor: str
    table: str
    columns: dict[str, str] = dataclasses.field(default_factory=dict)
    convert: Callable[..., Any] | None = None
    optional: dict[str, str] = dataclasses.field(default_factory=dict)
    symbol: str = ""
    venue: str = ""
    venue_column: str = ""
    contract_column: str = ""
    names: tuple[str, ...] = ()
    plain: Callable[[list[str]], bool] | None = None
    sequenced: bool = False
    dense_ids: bool = False
    contract: Callable[..., Any] | None = None
    stream: Callable[..., Any] | None = None
    recognise: Callable[..., bool] | None = None
    fits: Callable[[dict[str, str]], bool] | None = None
    note: str = ""
    binary: str = ""

    @property
    def name(self) -> str:
        """What errors and reports call it."""
        return f"{self.vendor} {self.table}"


@dataclasses.dataclass(frozen=True)
class Source:
    """A file and how it is read.

    header: names of its columns in order; empty for streams. skip_lines: lines above the first row, but empty ones.
    symbol, venue: from the names of the file and its folders, see naming; problem: why there is no symbol.
    session: label from there, empty where rows are cut into days.
    zone: of local times, as the user gives it, for layouts that do not know it.
    head: the first lines of text. separator: of its cells. partner: a second file that is read beside it.
    parts: the names of the folders, zips and the file itself below the folder that was given; all that may name the
    instrument.
    """

    path: pathlib.Path
    layout: Layout
    header: tuple[str, ...] = ()
    skip_lines: int = 0
    symbol: str = ""
    venue: str = ""
    problem: str = ""
    session: str = ""
    head: tuple[str, ...] = ()
    partner: pathlib.Path | None = None
    parts: tuple[str, ...] = ()
    separator: str = ","
    zone: str = ""


def split_names(
    source: Source, words: Sequence[Words | None], rows: arrays.Records
) -> Iterator[tuple[str | naming.Name, arrays.Records]]:
    """Yields (symbol or naming.Name, rows) of a batch.

    Args:
        words: of the rows' symbols, venues and contracts; None where the layout has no such column.
    """
    if not any(words):
        yield source.symbol, rows
        return
    symbols, venues, contracts = words
    for symbol, rows_of_symbol in split(symbols, source.symbol, np.arange(len(rows))):
        if not symbol and symbols is not None:
            rest = rows[rows_of_symbol]
            rest["ts"] = raw.TIME_UNKNOWN
            yield source.symbol, rest
            continue
        for venue, rows_of_venue in split(venues, "", rows_of_symbol):
            for contract, chosen in split(contracts, "", rows_of_venue):
                named = naming.Name(symbol, naming.venue(venue), contract)
                part = rows if len(chosen) == len(rows) else rows[chosen]
                yield (named if named.venue or named.contract else symbol), part


def split(words: Words | None, otherwise: str, rows: arrays.Ints) -> Iterator[tuple[str, arrays.Ints]]:
    """Yields (text, those of the rows (K,) that have it); "" of missing ones. words: None: all have `otherwise`."""
    if words is None:
        yield otherwise, rows
        return
    texts = [word.strip(" \0\t\"'") for word in words.vocabulary]
    codes = words.codes[rows]
    if len(texts) == 1 and not (codes < 0).any():
        yield texts[0], rows
        return
    for text in sorted(set(texts) - {""}):
        chosen = np.isin(codes, [code for code, other in enumerate(texts) if other == text])
        if chosen.any():
            yield text, rows[chosen]
    missing = np.isin(codes, [-1, *(code for code, other in enumerate(texts) if not other)])
    if missing.any():
        yield "", rows[missing]
