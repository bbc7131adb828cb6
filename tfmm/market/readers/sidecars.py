"""What lies beside market data and is passed over, and what must not be: the rule.

A file of a folder or zip is read, passed over and named in one line, or refused by name:
 1. By its name it is a sidecar (read-me, checksum, vendor's metadata, document, hidden file): passed over.
 2. By its name it is another data type of a vendor whose quotes and trades are read (bars, funding rates, liquidations,
    definitions, ...), or by its columns where they are not nearly those of a layout: passed over.
 3. A layout fits: read. Where a vendor's best quotes lie beside its order book of the same instrument and day, the
    best quotes are read and the order book is passed over.
 4. It may be market data that no layout reads: refused. That is a text of lines of numbers, a JSON of prices, whatever
    is called .csv or the like, and binary that is no document.
 5. Else it is prose or metadata, a list of instruments, fees or holidays by its name, a picture, or empty and without a
    suffix: passed over. So is a table with a header and no rows.
A file that the user names is read or refused.
"""

import pathlib
import re
from collections.abc import Sequence

from tfmm.market.readers import containers

SIDECAR, OTHER, HIDDEN, UNFINISHED, SPECIAL, STORE, DOCUMENT, EMPTY, NO_ROWS = (
    "sidecar", "other data type", "hidden file", "unfinished download", "special file", "store", "document",
    "empty file", "file with no rows",
)  # fmt: skip
_DOCUMENTS = (
    ".pdf", ".md", ".rst", ".html", ".htm", ".doc", ".docx", ".odt", ".rtf", ".tex", ".bib", ".png", ".jpg", ".jpeg",
    ".gif", ".svg", ".webp", ".py", ".pyc", ".ipynb", ".sh", ".bat", ".ps1", ".js", ".css", ".toml", ".yaml", ".yml",
    ".ini", ".cfg", ".url", ".lnk", ".webloc", ".torrent", ".lock",
)  # fmt: skip
_CHECKSUMS = (".sha256", ".sha512", ".sha1", ".md5", ".checksum", ".crc", ".crc32", ".sfv", ".sig", ".asc", ".par2")
_PARTIAL = (".part", ".partial", ".crdownload", ".download", ".tmp", ".temp", ".swp")
_SIDECAR = re.compile(
    r".*read[-_ ]?me.*|(licen[cs]e|copying|changelog|notice|disclaimer)(\..*)?|(index|contents|changes)(\.txt|\.json)?"
    r"|(metadata|condition|manifest|symbology|schema|dataset|datapackage|support)\.json"
    r"|(sha\d+|md5|crc32)sums?(\..*)?|checksums?(\..*)?|thumbs\.db|ehthumbs\.db|desktop\.ini|.*zone\.identifier"
    r"|_success|_metadata|_common_metadata|_started.*|_committed.*"
)
_OTHER_NAMES = (
    ("Tardis", re.compile(r"[a-z0-9-]+_(liquidations|derivative_ticker|options_chain)_\d{4}-\d\d-\d\d_.*", re.I)),
    ("Binance", re.compile(r"[A-Z0-9_]+-(metrics|bookDepth|fundingRate|liquidationSnapshot|BVOLIndex|EOHSummary"
                           r"|\d+(?:s|m|h|d|w|mo))-\d{4}-\d\d.*")),
    ("Databento", re.compile(r".*\.(ohlcv-\w+|definition|statistics|status|imbalance)\..*")),
    ("OKX", re.compile(r".*-(candlesticks?|fundingrates?|borrowing-?rates?)-\d{4}.*", re.I)),
)  # fmt: skip
_OTHER_COLUMNS = (
    ("bars", {"open", "high", "low", "close"}),
    ("funding rates", {"funding_rate"}), ("funding rates", {"fundingrate"}), ("funding rates", {"last_funding_rate"}),
    ("open interest", {"sum_open_interest"}), ("book depth", {"percentage", "depth", "notional"}),
    ("definitions", {"min_price_increment", "raw_symbol"}), ("statistics", {"stat_type", "publisher_id"}),
    ("status", {"is_trading", "publisher_id"}), ("imbalances", {"auction_type", "publisher_id"}),
)  # fmt: skip
_TARDIS = re.compile(r"(?P<venue>[a-z0-9-]+)_(?P<what>quotes|book_ticker|book_snapshot_\d+|incremental_book_L2)"
                     r"_(?P<rest>\d{4}-\d\d-\d\d_.*)")  # fmt: skip
_BEST_FIRST = ("quotes", "book_ticker", "book_snapshot", "incremental_book_L2")
_TABLES = (
    ".csv", ".tsv", ".tab", ".psv", ".dat", ".data", ".parquet", ".pq", ".feather", ".arrow", ".ipc", ".jsonl",
    ".ndjson", ".zip",
)  # fmt: skip
_KEPT = ("__MACOSX", "__pycache__", "_delta_log", "$RECYCLE.BIN", "System Volume Information", "lost+found", "Icon\r")
_NUMBER = re.compile(r"[-+]?[\d.][\d.,:/TZeE+ -]*")
_PRICE_KEY = re.compile(r"(?:^|[^a-z])(?:best|last)?(?:bids?|asks?|price|px)(?:$|[^a-z])")
_LIMITS = re.compile(r"min|max|tick|step|precision|increment|filter")
_REFERENCE = re.compile(
    r"(instruments?|symbols?|securities|contracts?|markets?|universe|holidays?|calendars?|fees?|exchange_?info|specs?)"
    r"\.(json|csv|tsv|txt)"
)
_LOOKED_AT, _MOST = 50, 0.8


def by_name(parts: Sequence[str]) -> str:
    """Why a file is passed over whatever it holds, "" where its content decides. parts: of its path, see discovery."""
    name = bare(parts[-1])
    suffix = pathlib.PurePath(name).suffix.lower()
    if _SIDECAR.fullmatch(name.lower()) or suffix in _DOCUMENTS + _CHECKSUMS:
        return SIDECAR
    if suffix in _PARTIAL:
        return UNFINISHED
    return OTHER if other_type(name) else ""


def other_type(name: str) -> str:
    """ "Binance fundingRate" of the name of a file of another data type than quotes and trades, "" of any other."""
    for vendor, pattern in _OTHER_NAMES:
        if match := pattern.fullmatch(name):
            return f"{vendor} {match[1]}"
    return ""


def other_columns(header: Sequence[str]) -> str:
    """What a table with these columns holds, where that is known to be neither quotes nor trades; else ""."""
    names = {name.strip().lower() for name in header}
    return next((what for what, columns in _OTHER_COLUMNS if columns <= names), "")


def is_hidden(name: str) -> bool:
    """Whether a folder or file is one that systems and programs keep for themselves."""
    return name.startswith((".", "~")) or name in _KEPT


def may_hold_data(path: pathlib.Path, head: Sequence[str]) -> bool:
    """Whether a text that no layout reads may be market data. head: its first lines."""
    name = pathlib.PurePath(bare(path.name).lower())
    if _REFERENCE.fullmatch(name.name):
        return False
    return name.suffix in _TABLES or _is_table(head) or _has_prices(head)


def lesser(names: Sequence[str]) -> set[str]:
    """Of file names those whose quotes are there in a better form: order book updates beside the best quotes."""
    matches = {name: match for name in names if (match := _TARDIS.fullmatch(bare(name)))}
    best: dict[tuple[str, str], int] = {}
    rank = {name: next(k for k, one in enumerate(_BEST_FIRST) if match["what"].startswith(one))
            for name, match in matches.items()}  # fmt: skip
    for name, match in matches.items():
        key = match["venue"], match["rest"]
        best[key] = min(best.get(key, len(_BEST_FIRST)), rank[name])
    return {name for name, match in matches.items() if rank[name] > best[match["venue"], match["rest"]]}


def bare(name: str) -> str:
    """A file name without the suffixes of compression."""
    while (suffix := pathlib.PurePath(name).suffix.lower()) in containers.SUFFIXES:
        name = name[: -len(suffix)]
    return name


def _is_table(head):
    lines = [line for line in head[: _LOOKED_AT + 1] if line.strip()]
    rows = lines[1:] or lines
    return bool(rows) and sum(map(_is_row, rows)) >= _MOST * len(rows)


def _is_row(line):
    """At least two numbers; where only blanks separate them, no fewer numbers than words."""
    for separator in (",", ";", "\t", "|", None):
        cells = [cell.strip(" \"'\0\r") for cell in line.split(separator)]
        numbers = sum(bool(_NUMBER.fullmatch(cell)) for cell in cells)
        if numbers > 1 and (separator or 2 * numbers >= len(cells)):
            return True
    return False


def _has_prices(head):
    text = "\n".join(head[:_LOOKED_AT])[: 1 << 16]
    if "8=FIX" in text:
        return True
    keys = re.findall(r'"?([A-Za-z_ ]{1,40})"?\s*:', text) if "{" in head[0] or "[" in head[0] else []
    keys = [re.sub(r"(?<=[a-z])(?=[A-Z])", "_", key).lower() for key in keys]
    return any(_PRICE_KEY.search(key) and not _LIMITS.search(key) for key in keys)
