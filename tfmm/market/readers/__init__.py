"""Readers: from the files of exchanges and vendors to raw rows.

A file's layout is found from its content (header, number and kind of fields), never from its date; see
`layout.Layout` for how a new one is added.
"""

import pathlib
import re

from tfmm import errors
from tfmm.market.readers import (
    binance,
    binance_depth,
    bitmex,
    bybit_book,
    containers,
    databento,
    dbn,
    delimited,
    exchanges,
    hftbacktest,
    hyperliquid,
    layout,
    lobster,
    native,
    okx_book,
    recorder,
    tardis,
)

LAYOUTS = (
    *bybit_book.LAYOUTS,
    *okx_book.LAYOUTS,
    *binance_depth.LAYOUTS,
    *hyperliquid.LAYOUTS,
    *recorder.LAYOUTS,
    *lobster.LAYOUTS,
    *databento.LAYOUTS,
    *dbn.LAYOUTS,
    *hftbacktest.LAYOUTS,
    *tardis.LAYOUTS,
    *exchanges.LAYOUTS,
    *binance.LAYOUTS,
    *bitmex.LAYOUTS,
    *native.LAYOUTS,
)
VENDORS = tuple(dict.fromkeys(one.vendor for one in LAYOUTS))
SUFFIXES = (
    ".csv",
    ".gz",
    ".zip",
    ".parquet",
    ".feather",
    ".arrow",
    ".json",
    ".jsonl",
    ".txt",
    ".data",
    ".dbn",
    ".npz",
    ".zst",
    ".xz",
)


def find(path: pathlib.Path, vendor: str | None = None) -> list[layout.Source]:
    """The sources of a path.

    Args:
        path: of a folder (searched with all below it), a file, or a pattern like `data/*.zip`.
        vendor: one of VENDORS, or None to find the layout of each file.

    Returns:
        List of layout.Source in order of name.

    Raises:
        ConfigError: unknown vendor. DataError: nothing there, or a data file that fits no layout.
    """
    if vendor is not None and vendor not in VENDORS:
        raise errors.ConfigError(f"--layout {vendor}: unknown, wanted one of {', '.join(VENDORS)}")
    paths = _paths(path)
    partners = {lobster.order_book(file) for file in paths if lobster.symbol(file)} - set(paths)
    books = {file for file in paths if lobster.symbol(file) and "_orderbook_" in file.name}
    sources = [detect(file, vendor) for file in paths if file not in books]
    if partners:
        raise errors.DataError(f"{sorted(partners)[0]}: no such file, wanted it beside its message file")
    if not sources:
        raise errors.DataError(
            f"{path}: no files of a known layout, wanted tob_SYMBOL_DATE.parquet and trade_SYMBOL_DATE.parquet "
            f"or files of {', '.join(VENDORS[:-1])}"
        )
    return sources


def detect(path: pathlib.Path, vendor: str | None = None) -> layout.Source:
    """The layout.Source of a file; DataError where no layout fits."""
    candidates = [one for one in LAYOUTS if vendor in (None, one.vendor)]
    kind = containers.kind(path)
    for one in candidates:
        if kind == one.binary and one.recognise is not None and one.recognise(path, []):
            return _source(path, one, (), [])
    if kind == "text":
        head = containers.head(path)
        for one in candidates:
            if not one.binary and one.recognise is not None and one.recognise(path, head):
                partner = lobster.order_book(path) if one.vendor == "lobster" else None
                return _source(path, one, (), head, partner=partner)
        with containers.reading(path):
            first = delimited.fields(head[0]) if len(head[0]) < 1 << 16 else []
        header = _header(first)
    else:
        head, first, header = [], [], containers.table_columns(path)
    for one in candidates:
        if header and one.convert is not None and set(one.columns) <= set(header):
            return _source(path, one, header, head, skip_lines=1 if first else 0)
        if not header and one.plain is not None and one.plain(first):
            return _source(path, one, one.names, head)
    shown = ",".join(header or first)[:100]
    wanted = "the columns of one of " + ", ".join(dict.fromkeys(one.vendor for one in candidates))
    if header and vendor in (None, "tfmm") and native.name(path):
        wanted = native.wanted(path)
        missing = [name for name in wanted.split(", ") if name not in header]
        raise errors.DataError(f"{path}: no column {missing[0]}, got {', '.join(header)}, wanted {wanted}")
    raise errors.DataError(f"{path}: no known layout has the first line {shown!r}, wanted {wanted}")


def _paths(where):
    if where.is_file():
        return [where]
    if where.is_dir():
        found = where.rglob("*")
    elif any(letter in str(where) for letter in "*?["):
        root = next(parent for parent in where.parents if not any(letter in str(parent) for letter in "*?["))
        found = root.glob(str(where.relative_to(root))) if root.is_dir() else ()
    else:
        raise errors.DataError(f"{where}: no such folder, wanted the folder of the raw files")
    return sorted(
        path for path in found if path.is_file() and path.suffix.lower() in SUFFIXES and not path.name.startswith(".")
    )


def _header(fields):
    """The column names where the first line is a header: no field of it is a number, and each looks like a name."""
    names = [name.strip(" \0\ufeff") for name in fields]
    looks = all(re.fullmatch(r"[A-Za-z_][\w\[\]. ]*", name) for name in names)
    words = {"true", "false", "buy", "sell"}
    return names if len(names) > 2 and looks and not words & {name.lower() for name in names} else []


def _source(path, one, header, head, skip_lines=0, partner=None):
    if len(set(header)) < len(header):
        double = next(name for name in header if list(header).count(name) > 1)
        raise errors.DataError(f"{path}: column {double} is there twice, wanted each once")
    ours = native.name(path) if one.vendor == "tfmm" else None
    symbol, session = ours or (_symbol(path), "")
    return layout.Source(path, one, tuple(header), skip_lines, symbol, session, tuple(head), partner)


def _symbol(path):
    found = binance.symbol(path) or lobster.symbol(path)
    if found:
        return found
    stem = path.name.split(".")[0]
    match = re.match(r"(?:tob_|trade_)?(.+?)[-_]?(?:\d{4}-?\d{2}(?:-?\d{2})?)?$", stem)
    return (match.group(1) if match else stem).upper()
