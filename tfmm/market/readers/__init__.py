"""Readers: from the files of exchanges and vendors to raw rows.

A file's layout is found from its content (header, number and kind of fields), never from its date; see
`layout.Layout` for how a new one is added.
"""

import dataclasses
import pathlib
from collections.abc import Sequence
from typing import NamedTuple

from tfmm import errors
from tfmm.market.readers import (
    binance,
    binance_depth,
    bitmex,
    bybit_book,
    chinese_level2,
    containers,
    databento,
    dbn,
    dialect,
    discovery,
    exchanges,
    forts,
    fx_ticks,
    hftbacktest,
    hyperliquid,
    imc_prosperity,
    kaiko,
    kinds,
    layout,
    lean,
    lobster,
    metatrader,
    moscow,
    naming,
    native,
    nautilus,
    near_miss,
    okx_book,
    recorder,
    sidecars,
    tardis,
    us_equities,
)

LAYOUTS = (
    *lean.LAYOUTS,
    *moscow.LAYOUTS,
    *forts.LAYOUTS,
    *imc_prosperity.LAYOUTS,
    *metatrader.LAYOUTS,
    *nautilus.LAYOUTS,
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
    *kaiko.LAYOUTS,
    *us_equities.LAYOUTS,
    *chinese_level2.LAYOUTS,
    *binance.LAYOUTS,
    *bitmex.LAYOUTS,
    *fx_ticks.LAYOUTS,
    *native.LAYOUTS,
)
_VENUES = ("bitmex", "coinbase", "hyperliquid", "okx")  # vendors that are one venue
VENDORS = tuple(dict.fromkeys(one.vendor for one in LAYOUTS))


class NoLayout(errors.DataError):
    """A file that no layout reads. head: first lines of a text. header: columns of a table. near: one almost fits."""

    def __init__(self, message: str, head: Sequence[str] = (), header: Sequence[str] = (), near: bool = False):
        super().__init__(message)
        self.head, self.header, self.near = head, header, near


class Found(NamedTuple):
    """What a path holds. sources: to be read, in order of name. passed: what is not read, see sidecars."""

    sources: list[layout.Source]
    passed: list[discovery.Passed]


def find(path: pathlib.Path, vendor: str | None = None) -> Found:
    """The sources of a path, and what is passed over by the rule of `sidecars`.

    Args:
        path: of a folder (searched with all below it, links and zips included), a file, or a pattern like `data/*.zip`.
        vendor: one of VENDORS, or None to find the layout of each file.

    Returns:
        Found.

    Raises:
        ConfigError: unknown vendor. DataError: nothing there, or a data file that fits no layout.
    """
    if vendor is not None and vendor not in VENDORS:
        raise errors.ConfigError(f"--layout {vendor}: unknown, wanted one of {', '.join(VENDORS)}")
    files, passed = discovery.files(path)
    files, partners = _paired(files)
    lesser = sidecars.lesser([file.path.name for file in files])
    alone = len(files) == 1
    sources: list[layout.Source] = []
    for file in files:
        why = sidecars.OTHER if file.path.name in lesser else sidecars.by_name(file.parts)
        if not why or (alone and why == sidecars.SIDECAR):
            why = _read(file, vendor, alone, partners, sources)
        elif alone:
            what = sidecars.other_type(file.path.name) or why
            raise errors.DataError(f"{file.path}: is {what}, wanted quotes or trades")
        if why:
            passed.append(discovery.Passed("/".join(file.parts), why))
    if not sources:
        beside = f" ({discovery.line(passed)})" if passed else ""
        raise errors.DataError(
            f"{path}: no files of a known layout{beside}, wanted tob_SYMBOL_DATE.parquet and trade_SYMBOL_DATE.parquet "
            f"or files of {', '.join(VENDORS[:-1])}"
        )
    return Found(sources, passed)


def _paired(files):
    """(files without the order books that are read with their message files, message file -> order book)."""
    partners = lobster.pair([file.path for file in files])
    books = set(partners.values())
    named = [file for file in files if file.path in books and file.path not in partners]
    out = [file for file in files if file.path not in books]
    missing = set(partners) - {file.path for file in out}
    # an order book that was named alone stands for its message file
    out += [discovery.File(one, (*named[0].parts[:-1], one.name)) for one in sorted(missing)]
    return sorted(out), partners


def _read(file, vendor, alone, partners, sources):
    """Adds the source of a file; returns why it is passed over instead, or ""."""
    try:
        if not alone and containers.kind(file.path) == kinds.DOCUMENT:
            return sidecars.DOCUMENT
        source = detect(file.path, vendor, file.parts)
    except containers.Empty:
        if alone or file.path.suffix:
            raise
        return sidecars.EMPTY
    except NoLayout as refusal:
        if alone or refusal.near:
            raise
        if sidecars.other_columns(refusal.header):
            return sidecars.OTHER
        if refusal.head and not sidecars.may_hold_data(file.path, refusal.head):
            return sidecars.DOCUMENT
        raise errors.DataError(f"{refusal}; a quoted pattern of the files to read leaves it out") from refusal
    sources.append(dataclasses.replace(source, partner=partners.get(file.path)))
    return ""


def detect(path: pathlib.Path, vendor: str | None = None, parts: Sequence[str] = ()) -> layout.Source:
    """The layout.Source of a file.

    Args:
        parts: of the path below the folder that was given, see naming; empty: the file's name alone.

    Raises:
        NoLayout: no layout fits. DataError: the file is empty or damaged, or one of ours whose name and folders name no
            instrument.
    """
    return _named(_detect(path, vendor), parts or (path.name,))


def _detect(path, vendor):
    candidates = [one for one in LAYOUTS if vendor in (None, one.vendor)]
    kind = containers.kind(path)
    if kind == kinds.TEXT:
        head = containers.head(path)
        for one in candidates:
            if one.recognise is not None and not one.binary and one.recognise(path, head):
                return _source(path, one, head, dialect.Dialect())
        try:
            written = dialect.find(path, head)
        except errors.DataError as error:
            raise NoLayout(str(error), head) from error
    elif kind in kinds.TABLES:
        for one in candidates:
            if one.binary == kind and one.recognise is not None and one.recognise(path, []):
                return _source(path, one, [], dialect.Dialect())
        head, written = [], dialect.Dialect(header=tuple(containers.table_columns(path)))
    else:
        return _binary(path, kind, candidates)
    header, first = written.header, written.first
    for one in candidates:
        if header and one.convert is not None and set(one.columns) <= set(header) and _fits(one, head, written):
            return _source(path, one, head, written)
        if not header and one.plain is not None and one.plain(first):
            return _source(path, one, head, written._replace(header=one.names))
    ours = [one for one in native.layouts(path) if one in candidates]
    near = near_miss.nearest(header, ours or candidates) or (ours[0] if ours and header else None)
    if near is not None:
        raise NoLayout(f"{path}: {near_miss.message(near, header)}", head, header, near=True)
    raise NoLayout(f"{path}: {_unknown(candidates, header, first)}", head, header)


def _fits(one, head, written):
    """Whether the first row speaks against a layout, of a text."""
    if one.fits is None or len(head) <= written.skip_lines:
        return True
    row = dialect.fields(head[written.skip_lines], written.separator)
    return one.fits(dict(zip(written.header, row, strict=False)))


def _binary(path, kind, candidates):
    for one in candidates:
        if one.binary == kind and (one.recognise is None or one.recognise(path, [])):
            return _source(path, one, [], dialect.Dialect())
    if kind == "dbn" and dbn.LAYOUTS[0] in candidates:
        raise NoLayout(f"{path}: {dbn.unread(path)}", header=dbn.fields(path))
    name, advice = kinds.KINDS[kind]
    raise NoLayout(f"{path}: is {name}, which is not read: {advice}")


def _unknown(candidates, header, first):
    """What is wrong with a file that no layout reads."""
    if what := sidecars.other_columns(header):
        return f"holds {what} ({','.join(header)[:100]}), wanted quotes or trades"
    shown = ",".join(header or first)[:100]
    wanted = "the columns of one of " + ", ".join(dict.fromkeys(one.vendor for one in candidates))
    if "\ufffd" in shown:
        return f"the text is not UTF-8, wanted UTF-8 and {wanted}"
    return f"no known layout has the first line {shown!r}, wanted {wanted}"


def _source(path, one, head, written):
    header = written.header
    if len(set(header)) < len(header):
        double = next(name for name in header if list(header).count(name) > 1)
        raise errors.DataError(f"{path}: column {double} is there twice, wanted each once")
    return layout.Source(path, one, header, written.skip_lines, head=tuple(head), separator=written.separator)


def _named(source, parts):
    """A source with what its path says; DataError where a file of ours names no instrument."""
    found = naming.identify(parts)
    ours = source.layout.vendor == "tfmm"
    if ours and not found.symbol:
        raise errors.DataError(f"{source.path}: {found.problem}, wanted {naming.WANTED}")
    own = source.layout.venue or (source.layout.vendor if source.layout.vendor in _VENUES else "")
    venue = own if own.startswith(found.venue) else found.venue
    return dataclasses.replace(
        source, symbol=found.symbol, venue=venue, problem=found.problem, session=found.session if ours else "",
        parts=tuple(parts),
    )  # fmt: skip
