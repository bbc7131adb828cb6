"""Which instrument, venue and session a file is of: one rule for names, folders and columns.

Each of them is taken from the first place that gives it:
1. the columns of a row (symbol, exchange, publisher, contract id), where the layout has them;
2. `key=value` folders: symbol= (or instrument, ticker, pair, coin), exchange= (or venue), date=, or year= month= day=;
3. the file's name, of a file in a zip its name there and then that of the zip;
4. the folders from the innermost to the folder that was given, which itself says nothing.

A name is read in parts: the day (2024-01-01, 2024_01_01, 20240101, also inside the name or before the symbol), after it
the time of day of a file that holds a part of it; at both ends what kind of data it is (tob, quotes, trades,
bookTicker, ...) and a known venue; words that name nothing (data, part-0, spot). What is left is the symbol, as it is
written; one in small letters only is turned into capitals, except in files of ours. So XRP_ETH-trades.feather is
XRP_ETH, trades_20240101_510300.csv is 510300, BRK.B-trades.csv is BRK.B and 510300/tob_20240101.csv is 510300.

Files of ours (tob_SYMBOL_LABEL) may have any session label that cannot be a part of the symbol: a number of up to three
digits, or a word in small letters beside a symbol in capitals. Two names in a file, and numbers that may be a day or an
expiry (six digits), name nothing: a file that needs its name is refused then.
"""

import re
import unicodedata
import urllib.parse
from collections.abc import Sequence
from typing import NamedTuple

from tfmm.market import listings

_SUFFIX = re.compile(
    r"\.(?:csv|tsv|txt|log|dat|data|sample|jsonl?|ndjson|parquet|pq|feather|arrow|ipc|npz|npy|dbn|gz|gzip|bz2|xz|lzma|"
    r"zst|zstd|lz4|zip|tar|tgz)$",
    re.IGNORECASE,
)  # fmt: skip
_COPY = re.compile(r"(?<=.) ?\(\d{1,2}\)$| - copy$", re.IGNORECASE)
_SEPARATORS = "-_. "
_CUT = "\0"
_MONTHS_DAYS = r"(?P<month>0[1-9]|1[0-2]){0}(?P<day>0[1-9]|[12]\d|3[01])"
_HOUR = r"(?P<hour>[T _-]?(?:[01]\d|2[0-3])(?:[-_:.h]?[0-5]\d){0,2}(?:h|Z)?(?![0-9A-Za-z]))?"
_DATES = (
    re.compile(r"(?<!\d)(?P<year>(?:19|20)\d\d)(?P<s>[-_.]?)" + _MONTHS_DAYS.format("(?P=s)") + _HOUR + r"(?!\d)"),
    re.compile(r"(?<!\d)(?:0[1-9]|[12]\d|3[01])(?P<s>[-_.])(?:0[1-9]|1[0-2])(?P=s)(?:19|20)\d\d(?!\d)"),
    re.compile(r"(?<!\d)(?:19|20)\d\d[-_.](?:0[1-9]|1[0-2])(?!\d)"),
)
_MONTH = re.compile(r"(?:19|20)\d\d(?:0[1-9]|1[0-2])")
_KINDS = (
    r"book_snapshot_\d+|incremental_book_l2|l2orderbook(?:-\d+lv)?|book_?ticker|order_?books?|agg_?trades?|bbo-1[sm]|"
    r"mbp-?10?|tbbo|nbbo|bbo|mbo|ob\d+|tob|trades?|quotes?|ticks?|depth\d*|bookdepth|deals|prints|executions|snapshots?|l[12]|data"
)
_FIRST_KIND = re.compile(rf"(?:{_KINDS})(?=[-_. ]|$)", re.IGNORECASE)
_LAST_KIND = re.compile(rf"(?:^|[-_. ])(?:{_KINDS})(?:[-_.](?:part-?)?\d{{1,3}})?$", re.IGNORECASE)
_OURS = re.compile(r"(?:tob|trade)(?=[-_. ]|$)", re.IGNORECASE)
_NOTHING = re.compile(
    r"|data|raw|files?|exports?|samples?|downloads?|part|part-?\d.*|chunk-?\d+|v\d+|final|new|copy|to|utc|\d{1,2}|daily|"
    r"monthly|hourly|market_?data|spot|futures|perpetuals?|options?|um|cm|usdm|usd-m|coinm|coin-m|linear|inverse|crypto|"
    r"csv|parquet|feather|json|fx|forex|equity|equities|stocks|usa|backup|archive|te?mp|old|history|recordings?|"
    r"symbols?|instruments?|tickdata|tests?|train|(?:day|session|server|disk)-?\d+|\(\d+\)",
    re.IGNORECASE,
)  # fmt: skip
_VENDORS = (  # names that the vendor makes by a rule of its own
    re.compile(
        r"(?P<venue>[a-z0-9-]+)_(?:quotes|trades|book_ticker|book_snapshot_\d+|incremental_book_L2)_\d{4}-\d\d-\d\d_"
        r"(?P<symbol>.+)"
    ),  # Tardis
    re.compile(r"DAT_[A-Z]+_(?P<symbol>[A-Z0-9]+)_(?:T|M1|TICK)(?:_(?:BID|ASK|LAST))?_\d{4,6}"),  # HistData
    re.compile(r"(?P<symbol>[^_]+)_\d{4}-\d\d-\d\d_\d+_\d+_(?:message|orderbook)_\d+"),  # LOBSTER
    re.compile(r"[a-z]{4}(?:-[a-z0-9]+)?-\d{8}(?:-\d{8})?\.(?:mbp|tbbo|bbo|cmbp|trades|mbo).*"),  # Databento: none
)  # fmt: skip
_KEYS = {
    "symbol": ("symbol", "sym", "instrument", "ticker", "pair", "coin", "contract", "product", "asset", "security",
               "instrument_id"),
    "venue": ("exchange", "venue", "mic"),
    "date": ("date", "day", "dt", "session", "trade_date", "trading_day", "tradingday"),
}  # fmt: skip


WANTED = (
    "tob_SYMBOL_DATE and trade_SYMBOL_DATE with a date like 20240131, or a folder SYMBOL or symbol=SYMBOL below the "
    "one that is given"
)


class Identity(NamedTuple):
    """What the path of a file says, "" where it says nothing. problem: why there is no symbol."""

    symbol: str = ""
    venue: str = ""
    session: str = ""
    problem: str = ""


class Name(NamedTuple):
    """Of which instrument rows are: what a layout yields with them, where more than a symbol tells instruments apart.

    contract: the venue's number of the instrument, where one symbol stands for several.
    """

    symbol: str
    venue: str = ""
    contract: str = ""

    def __str__(self) -> str:
        return "@".join(filter(None, (".".join(filter(None, (self.symbol, self.contract))), self.venue.upper())))


def venue(text: str) -> str:
    """The name of a venue, of what a column holds; Databento's publishers are numbers."""
    return f"pub{text}" if text.isdigit() else listings.venue(text)


def name(key: str | Name) -> Name:
    """The Name of what a reader yields."""
    return key if isinstance(key, Name) else Name(key)


def is_wanted(one: Name, symbols: Sequence[str]) -> bool:
    """Whether a name is among the symbols that were asked for, empty: all; X also stands for X@VENUE and X.CONTRACT."""
    marked = (f"{one.symbol}@", f"{one.symbol}.")
    return not symbols or one.symbol in symbols or any(symbol.startswith(marked) for symbol in symbols)


def identify(parts: Sequence[str]) -> Identity:
    """The rule of this module.

    Args:
        parts: names of the folders below the folder that was given, of archives and of the file, the file's last.
    """
    keys, names = _keys([urllib.parse.unquote(unicodedata.normalize("NFC", part)) for part in parts])
    files = [bool(_SUFFIX.search(name)) or k == len(names) - 1 for k, name in enumerate(names)]
    read = [_read(_unsuffixed(name), inside) for name, inside in zip(_dated(names), files, strict=True)][::-1]
    symbol, problem = keys.get("symbol", ""), ""
    months = [one.symbol for one in read if _MONTH.fullmatch(one.symbol)]
    for one, in_file in zip(read, files[::-1], strict=True):
        if not in_file and one.symbol in months:
            continue
        if symbol or problem:
            if in_file and one.symbol and keys.get("symbol") and listings.folded(one.symbol) != listings.folded(symbol):
                problem = f"{one.symbol!r} in its name and {symbol!r} in symbol={symbol} may both be the instrument"
            continue
        symbol, problem = one.symbol, one.problem if in_file else ""
    if read and read[0].time_or_symbol:
        if symbol:
            symbol, problem = "", f"{read[0].time_or_symbol} in its name may be a time or an instrument"
        else:
            symbol, problem = read[0].time_or_symbol, ""
    return Identity(
        "" if problem else symbol,
        keys.get("venue") or next((one.venue for one in read if one.venue), ""),
        keys.get("date") or next((one.session for one in read if one.session), ""),
        problem or ("" if symbol else _nothing(months)),
    )


def _nothing(months):
    if months:
        return f"{months[0]} may be a month or an instrument"
    return "neither its name nor its folders name an instrument"


class _Read(NamedTuple):
    symbol: str = ""
    venue: str = ""
    session: str = ""
    problem: str = ""
    time_or_symbol: str = ""  # digits behind the day, where nothing else is a symbol


def _keys(parts):
    """({"symbol", "venue", "date"} of key=value folders, the other names)."""
    found, rest = {}, []
    for part in parts:
        key, equals, value = part.partition("=")
        if not (equals and re.fullmatch(r"[A-Za-z_]+", key) and value):
            rest.append(part)
        elif not _SUFFIX.search(part) or part is not parts[-1]:
            found[key.lower()] = value
    keys = {what: found[name] for what, names in _KEYS.items() for name in reversed(names) if name in found}
    if {"year", "month"} <= set(found) and found.keys() & {"day"}:
        keys["date"] = f"{found['year']}-{found['month']:0>2}-{found['day']:0>2}"
    if "date" in keys:
        match = _DATES[0].search(keys["date"])
        keys["date"] = _day(match) if match else ""
    if "venue" in keys:
        keys["venue"] = listings.venue(keys["venue"])
    return keys, rest


def _dated(names):
    """Folders 2024/01/02 as one day; the month and the day then name nothing."""
    out = list(names)
    for k in range(len(out) - 2):
        day = "-".join((out[k], out[k + 1], _unsuffixed(out[k + 2])))
        if re.fullmatch(r"(?:19|20)\d\d-\d\d-\d\d", day):
            out[k : k + 3] = [day, "", ""]
    return ["" if re.fullmatch(r"(?:19|20)\d\d", name) else name for name in out[:-1]] + out[-1:]


def _unsuffixed(name):
    """A name without the suffixes of formats, and what browsers and file managers add to a copy."""
    while match := _SUFFIX.search(name) or _COPY.search(name):
        name = name[: match.start()]
    return name


def _day(match):
    return match["year"] + match["month"] + match["day"]


def _read(text, in_file):
    """What one name says."""
    for pattern in _VENDORS:
        if match := pattern.fullmatch(text):
            days = [_day(one) for one in _DATES[0].finditer(text)]
            venue = listings.venue(match["venue"]) if "venue" in pattern.groupindex else ""
            symbol = match["symbol"] if "symbol" in pattern.groupindex else ""
            return _Read(symbol, venue, days[0] if len(days) == 1 else "")
    days = list(_DATES[0].finditer(text))
    session = _day(days[0]) if len(days) == 1 else ""
    marked, ours = text, bool(in_file and _OURS.match(text))
    for pattern in _DATES:
        marked = pattern.sub(_CUT, marked)
    label = ""
    if ours and _CUT not in marked:
        marked, label, problem = _labelled(marked)
        if problem:
            return _Read(problem=problem)
    left, venue = [], ""
    for segment in marked.split(_CUT):
        name, of = _bare(segment, ours)
        venue = venue or of
        if not _NOTHING.fullmatch(name) and (in_file or " " not in name):
            left.append(name)
    digits = re.fullmatch(r"[-_ ]?(\d{4}|\d{6})", (days[0]["hour"] or "") if len(days) == 1 else "")
    if digits and in_file and not left:
        return _Read("", venue, session, "", digits[1])
    if len(left) > 1:
        return _Read("", venue, session, f"{' and '.join(map(repr, left))} in its name may both be the instrument")
    symbol = left[0] if left else ""
    if not days and _CUT not in marked:
        symbol, problem = _without_month(symbol)
        if problem:
            return _Read("", venue, session, problem)
    if symbol == symbol.lower() and not ours:
        symbol = symbol.upper()
    return _Read(symbol, venue, session or label)


def _bare(text, ours):
    """(a name without the kind of data and the venue at its ends, the venue)."""
    venue, begun = "", False
    while True:
        text = text.strip(_SEPARATORS)
        first, last = _FIRST_KIND.match(text), _LAST_KIND.search(text)
        name, at = listings.split_venue(text)
        if first:
            if ours and begun and first.end() == len(text):
                return text, venue  # TICK of tob_TICK_20240101
            text, begun = text[first.end() :], True
        elif last:
            text = text[: last.start()]
        elif at:
            text, venue = name, venue or at
        else:
            return text, venue


def _labelled(text):
    """(name without its label, label, problem) of a name of ours without a day: tob_SYMBOL_LABEL."""
    kind, _, rest = text.partition("_")
    symbol, _, last = rest.rpartition("_")
    if not symbol:
        return text, "", ""
    year = re.fullmatch(r"199\d|20[0-3]\d", last)
    is_word = last != last.upper() and symbol == symbol.upper()
    if year or is_word or re.fullmatch(r"\d{1,3}|(?:day|session|part|run|week)[-.]?\d+", last, re.IGNORECASE):
        return f"{kind}_{symbol}", "" if year else last, ""
    contract = re.fullmatch(r"[FGHJKMNQUVXZ]\d{1,2}|\d{1,2}[A-Z]{3}\d{2}|[^\W\d]+", last)
    if contract or re.fullmatch(r"\d{6}", last):
        return text, "", ""  # a part of the symbol, or see _without_month
    return text, "", f"{last} in its name may be a session or a part of the symbol"


def _without_month(symbol):
    """(symbol, problem): EURGBP_202211 is a month of a pair; of six digits else nobody knows."""
    match = re.fullmatch(r"(.+?)[-_. ](\d{6})", symbol)
    if not match:
        return symbol, ""
    if _MONTH.fullmatch(match[2]) and listings.pair(match[1]):
        return match[1], ""
    if _MONTH.fullmatch(match[2]) or re.fullmatch(r"[0-3]\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])", match[2]):
        return "", f"{match[2]} in its name may be a day, a month or an expiry"
    return symbol, ""
