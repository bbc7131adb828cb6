"""How a table of text is written: what separates its cells, what stands above its rows, whether it has a header."""

import collections
import csv
import pathlib
import re
from collections.abc import Sequence
from typing import NamedTuple

from tfmm import errors

_SEPARATORS = (",", ";", "\t", "|")
_EXCEL = re.compile(r"sep=(.)", re.IGNORECASE)
_LOOKED_AT, _MOST_TITLES = 50, 20
_NO_NAMES = {"true", "false"}
_LONGEST_LINE = 1 << 16


class Dialect(NamedTuple):
    """separator: of cells. skip_lines: lines above the first row, without empty ones. header: names of the columns,
    empty without any. first: cells of the first line that is no comment."""

    separator: str = ","
    skip_lines: int = 0
    header: tuple[str, ...] = ()
    first: Sequence[str] = ()


def fields(line: str, separator: str = ",") -> list[str]:
    """The cells of a line; of a damaged one what lies between its separators."""
    try:
        return next(csv.reader([line], delimiter=separator))
    except csv.Error:
        return line.split(separator)


def find(path: pathlib.Path, lines: Sequence[str]) -> Dialect:
    """The dialect of a text by its first lines, which are not empty.

    Comments (#) and titles may stand above the header, Excel's `sep=;` too; a header may be a comment itself.

    Raises:
        DataError: lines end in another way, or have another number of cells than the header.
    """
    if "\r" in lines[0].rstrip("\r"):
        raise errors.DataError(f"{path}: lines end with a carriage return alone, wanted a line feed (tr '\\r' '\\n')")
    if len(lines[0]) >= _LONGEST_LINE:
        return Dialect()
    comments = next((k for k, line in enumerate(lines) if not _is_comment(line)), 0)
    separator = _separator(lines[comments : comments + _LOOKED_AT])
    for line in lines[:comments]:
        separator = match.group(1) if (match := _EXCEL.fullmatch(line.strip())) else separator
    above = comments + _titles(lines[comments:], separator)
    first = fields(lines[above], separator)
    if header := _names(first):
        below = [fields(line, separator) for line in lines[above + 1 : above + 1 + _LOOKED_AT]]
        return Dialect(separator, above + 1, _fitted(path, header, below), first)
    if above and len(header := _names(fields(lines[above - 1].lstrip("# "), separator))) == len(first):
        return Dialect(separator, above, header, first)
    return Dialect(separator, above, (), first)


def _is_comment(line):
    return line.lstrip().startswith("#") or bool(_EXCEL.fullmatch(line.strip()))


def _separator(lines):
    """What cuts most lines into equally many cells."""

    def cells(separator):
        widths = collections.Counter(len(fields(line, separator)) for line in lines)
        return max(width * count if width > 1 else 0 for width, count in widths.items())

    return max(_SEPARATORS, key=cells)


def _titles(lines, separator):
    """Lines of a single cell above a header."""
    for k, line in enumerate(lines[:_MOST_TITLES]):
        cells = fields(line, separator)
        if len(cells) > 1:
            return k if _names(cells) else 0
    return 0


def _names(cells):
    """The names of columns, where a line is a header: no cell of it is a number, and all have letters.

    A column without a name, as pandas writes its index, is called column_0 by its place.
    """
    names = [_name(cell) for cell in cells]
    looks = all(not name or (re.search(r"[^\W\d_]", name) and not re.match(r"[-+.\d]", name)) for name in names)
    if not looks or sum(map(bool, names)) < 3 or _NO_NAMES & {name.lower() for name in names}:
        return ()
    return tuple(name or f"column_{k}" for k, name in enumerate(names))


def _name(cell):
    """A column's name without what vendors put around it: `<DATE>`, `#SYMBOL`, and a second language after a slash."""
    name = cell.strip(" \0\ufeff\"'").lstrip("#<").rstrip(">")
    return name if name.isascii() else name.split("/")[0].strip()


def _fitted(path, header, below):
    """The header with as many names as most rows have cells.

    A separator may end every row, or the header; numbers of rows may stand before them without a name.
    """
    width, count = collections.Counter(map(len, below)).most_common(1)[0] if below else (len(header), 0)
    rows = [row for row in below if len(row) == width]
    if width == len(header) or 2 * count <= len(below):
        return header
    if width == len(header) - 1 and header[-1] == f"column_{width}":
        return header[:-1]
    if width == len(header) + 1 and not any(row[-1].strip() for row in rows):
        return (*header, f"column_{len(header)}")
    if width == len(header) + 1 and [row[0].strip() for row in rows] in (
        [str(k) for k in range(first, first + len(rows))] for first in (0, 1)
    ):
        return ("row", *header)
    raise errors.DataError(
        f"{path}: most rows have {width} cells, but the header {len(header)} ({', '.join(header)}), wanted as many"
    )
