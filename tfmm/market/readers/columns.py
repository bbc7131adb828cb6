"""From arrow columns to numpy columns: numbers, whole numbers, words and times."""

import contextlib
import decimal
import threading
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tfmm import arrays, errors
from tfmm.market import raw
from tfmm.market.readers import cells, layout

_SCALES = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (np.inf, 1))  # below: s, ms, us; else ns
EARLIEST_NS = 631_152_000 * 10**9  # 1990
LATEST_NS = 4_102_444_800 * 10**9  # 2100
_UNITS = {10**9: "s", 10**6: "ms", 10**3: "us", 1: "ns"}
_TIMESTAMPS = {name: scale for scale, name in _UNITS.items()}
_DAY_NS = 86_400 * 10**9
_EXCEL, _EXCEL_1970 = (32_874, 73_051), 25_569  # 1990 and 2100, and 1970, in days of spreadsheets
_ZONE = r"(?i)(?:\dZ|:\d\d(?:\.\d+)? ?[+-]\d\d(?::?\d\d)?)$"
_ISO = (
    (r"^(\d{4})[/.](\d\d)[/.](\d\d)", r"\1-\2-\3"),
    (r"^(\d{4}-\d\d-\d\d)D", r"\1T"),
    (r"(:\d\d),(\d)", r"\1.\2"),
    (r"(?i) ?(?:UTC|GMT)$", "Z"),
)
_MOST_DAMAGED, _DAMAGED = 10, 1e-3
_FAR_NS = 400 * _DAY_NS
DECIMAL = pa.decimal128(38, 9)
WORDS = pa.dictionary(pa.int32(), pa.string())


class Clock:
    """How a time column is written, and what was met of it in a file.

    Attributes:
        style: "integer", "decimal" (seconds with a fraction), "float", "days" (of a spreadsheet) or "iso".
        scale: ns of a unit of most of the first numbers; a row in another unit is told by its size.
        units: ns of a unit -> rows. naive, zoned: rows with times written out without and with a time zone.
    """

    def __init__(self, samples: Sequence[str]):
        """samples: texts of the column, not empty."""
        self.units: dict[int, int] = {}
        self.naive = self.zoned = 0
        self._lock = threading.Lock()
        texts = [text.strip(cells.PADDING) for text in samples if text.strip(cells.PADDING)]
        if any("-" in text[1:].lower().replace("e-", "") or ":" in text for text in texts):
            self.style, self.scale = "iso", 1
            return
        texts = [text.replace(",", ".") for text in texts]
        self.style = "decimal" if any("." in text or "e" in text.lower() for text in texts) else "integer"
        values = [_float(text) for text in texts]
        middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
        self.scale = next(scale for limit, scale in _SCALES if abs(middle) < limit)
        if _EXCEL[0] <= middle < _EXCEL[1]:
            self.style, self.scale = "days", _DAY_NS
        elif self.style == "decimal" and self.scale != 10**9:
            self.style = "float"

    @property
    def csv_type(self) -> pa.DataType:
        """What arrow reads the column as."""
        return {"iso": pa.string(), "decimal": DECIMAL, "integer": pa.int64()}.get(self.style, pa.float64())

    def ns(self, column: pa.Array) -> arrays.Ints:
        """(K,) int64 ns UTC; raw.TIME_UNKNOWN where it is missing or before 1990 or after 2100."""
        if pa.types.is_dictionary(column.type):
            column = column.dictionary_decode()
        if pa.types.is_date(column.type):
            column = pc.cast(column, pa.timestamp("ms"))
        if pa.types.is_timestamp(column.type):
            out = self._timestamps(column)
        elif self.style == "days":
            out = self._days(number(column)[0])
        elif pa.types.is_decimal(column.type):
            out = _decimals(column)
        elif pa.types.is_integer(column.type):
            out = self._numbers(integer(column))
        elif pa.types.is_floating(column.type):
            out = self._numbers(number(column)[0])
        else:
            out = self._texts(column)
        return np.where((out >= EARLIEST_NS) & (out <= LATEST_NS), out, raw.TIME_UNKNOWN)

    def notes(self) -> list[str]:
        """What was taken for granted, of any file of the kind."""
        out = ["are days of a spreadsheet"] if self.style == "days" else []
        return out + (["have no zone, taken as UTC"] if self.naive or self.style == "days" else [])

    def told(self) -> str:
        """What was made out of numbers in several units, empty where there is one."""
        units = " and ".join(f"{rows} in {_UNITS[unit]}" for unit, rows in sorted(self.units.items(), reverse=True))
        return f"are in several units, told apart by their size: {units}" if len(self.units) > 1 else ""

    def mixed(self) -> bool:
        """Whether some times have a zone and some have none, which cannot be damage alone."""
        return min(self.naive, self.zoned) > max(_MOST_DAMAGED, _DAMAGED * (self.naive + self.zoned))

    def _numbers(self, values):
        """ns of whole or broken numbers of units."""
        if _fits(values, self.scale).all():
            self._count(self.scale, len(values))
            return _times(values, self.scale)
        return self._by_size([(scale, _fits(values, scale)) for _, scale in _SCALES], values, _times)

    def _by_size(self, units, values, times):
        """ns of numbers in several units: the spans of 1990 to 2100 do not meet, nor may damage make years of one."""
        out = np.full(len(values), raw.TIME_UNKNOWN)
        for scale, own in units:
            out[own] = times(values[own], scale)
        if (known := out != raw.TIME_UNKNOWN).any():
            out[np.abs(out - np.median(out[known])) > _FAR_NS] = raw.TIME_UNKNOWN
        for scale, own in units:
            if count := int((out[own] != raw.TIME_UNKNOWN).sum()):
                self._count(scale, count)
        return out

    def _count(self, unit, rows):
        with self._lock:
            self.units[unit] = self.units.get(unit, 0) + rows

    def _days(self, values):
        """ns of days since the end of 1899, of which a float holds 0.6 us: rounded to 10 us."""
        known = (values >= _EXCEL[0]) & (values < _EXCEL[1])
        ticks = np.rint((np.where(known, values, _EXCEL_1970) - _EXCEL_1970) * (_DAY_NS / 10**4)).astype(np.int64)
        return np.where(known, ticks * 10**4, raw.TIME_UNKNOWN)

    def _timestamps(self, column):
        known = len(column) - column.null_count
        self._count_zones(*((0, known) if column.type.tz is None else (known, 0)))
        scale = _TIMESTAMPS[column.type.unit]
        values = pc.fill_null(pc.cast(column, pa.int64()), 0).to_numpy(zero_copy_only=False)
        return np.where(_fits(values, scale), values, 0) * scale

    def _texts(self, column):
        if self.style == "iso":
            return self._iso(pc.cast(column, pa.string()))
        texts = np.array([text.replace(",", ".") for text in text_list(column)], object)
        values = np.array([_float(text.strip(cells.PADDING)) for text in texts])
        return self._by_size([(scale, _fits(values, scale)) for _, scale in _SCALES], texts, _text_times)

    def _iso(self, column):
        texts = pc.utf8_trim(column, characters=cells.PADDING)
        for zone in ("UTC", None):
            # in columns that are all written well, 10 times as fast; with a zone it wants one in every cell
            with contextlib.suppress(pa.ArrowInvalid):
                return self._timestamps(pc.cast(texts, pa.timestamp("ns", zone)))
        texts = pc.fill_null(texts, "")
        for pattern, better in _ISO:
            texts = pc.replace_substring_regex(texts, pattern, better)
        zoned = pc.match_substring_regex(texts, _ZONE).to_numpy(zero_copy_only=False)
        parsed = pd.to_datetime(pd.Series(texts.to_pylist(), dtype=object), utc=True, errors="coerce", format="ISO8601")
        values = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
        known = ~parsed.isna().to_numpy()
        self._count_zones(int((known & zoned).sum()), int((known & ~zoned).sum()))
        return np.where(known, values, raw.TIME_UNKNOWN)

    def _count_zones(self, zoned, naive):
        with self._lock:
            self.zoned += zoned
            self.naive += naive


def number(column: pa.Array, style: cells.Style = cells.PLAIN) -> tuple[arrays.Floats, arrays.Bools | None]:
    """((K,) float64, NaN where it is missing or no number; (K,) bool: cells that are no number, None without any)."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if _is_text(column.type):
        return cells.numbers(column, style)
    if pa.types.is_decimal(column.type):
        return _nearest(column), None
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise errors.DataError(f"a column of numbers has type {column.type}")
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64), None


def integer(column: pa.Array) -> arrays.Ints:
    """(K,) int64, raw.NO_SEQUENCE where it is missing, no whole number, or rounded by a spreadsheet (3.29E+09)."""
    if pa.types.is_integer(column.type):
        if column.null_count:
            column = pc.fill_null(column, raw.NO_SEQUENCE)
        return column.to_numpy(zero_copy_only=False).astype(np.int64)
    values = number(column)[0]
    whole = np.isfinite(values) & (np.abs(values) < 2.0**62) & (np.floor(values) == values)
    if _is_text(column.type):
        rounded = pc.fill_null(pc.match_substring_regex(pc.cast(column, pa.string()), r"\d[eE]\+?\d"), False)
        whole &= ~rounded.to_numpy(zero_copy_only=False)
    return np.where(whole, np.where(whole, values, 0), raw.NO_SEQUENCE).astype(np.int64)


def words(column: pa.Array) -> layout.Words:
    """layout.Words of a column of texts, booleans or numbers."""
    if not pa.types.is_dictionary(column.type):
        column = pc.cast(column, pa.string(), safe=False).dictionary_encode()
    codes = column.indices
    codes = pc.fill_null(codes, -1) if codes.null_count else codes
    return layout.Words(codes.to_numpy(zero_copy_only=False).astype(np.int32), tuple(_texts(column.dictionary)))


def sample(column: pa.Array, count: int) -> list[str]:
    """Texts of the first cells; [] of a type that is a time itself."""
    return [] if pa.types.is_temporal(column.type) else text_list(column[:count])


def shown(column: pa.Array, k: int) -> str:
    """The text of a cell, "" where it is missing; of a time that no calendar has, its number and year."""
    cell = column[k]
    if pa.types.is_timestamp(column.type) and cell.is_valid:
        year = 1970 + cell.value * _TIMESTAMPS[column.type.unit] / (365.2425 * _DAY_NS)
        if not 1 <= year < 9999:
            return f"{cell.value} {column.type.unit} (the year {year:.0f})"
    return "" if cell.as_py() is None else str(cell.as_py())


def text_list(column: pa.Array) -> list[str]:
    """The cells as a list of str, "" where missing."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return _texts(column)


def _is_text(kind):
    kinds = (pa.types.is_string, pa.types.is_large_string, pa.types.is_string_view, pa.types.is_binary)
    return any(test(kind) for test in kinds)


def _texts(column):
    return ["" if cell is None else cell if isinstance(cell, str) else str(cell) for cell in column.to_pylist()]


def _fits(values, scale):
    """Whether numbers of a unit lie between 1990 and 2100."""
    return (values >= EARLIEST_NS // scale) & (values <= LATEST_NS // scale)


def _times(values, scale):
    """ns of numbers that fit; a float holds the ns of no present time: whole units are multiplied as integers."""
    if values.dtype == np.int64:
        return values * scale
    whole = np.floor(values)
    return whole.astype(np.int64) * scale + np.rint((values - whole) * scale).astype(np.int64)


def _decimals(column):
    """Decimal seconds with nine places are 128-bit whole numbers of ns; the low half holds any real time."""
    column = pc.cast(column, DECIMAL)
    halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset : column.offset + len(column)]
    missing = column.is_null().to_numpy(zero_copy_only=False)
    fits = (halves[:, 1] == 0) & (halves[:, 0] >= 0) & ~missing
    return np.where(fits, halves[:, 0], raw.TIME_UNKNOWN)


def _nearest(column):
    """The floats nearest to decimal numbers: a whole number over a power of ten is rounded once, arrow's cast more
    often."""
    out = np.array(pc.cast(column, pa.float64()).to_numpy(zero_copy_only=False))
    scale = column.type.scale
    if pa.types.is_decimal128(column.type) and 0 <= scale <= 22:
        halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[
            column.offset : column.offset + len(column)
        ]
        fits = (halves[:, 1] == halves[:, 0] >> 63) & (np.abs(halves[:, 0]) < 2**53) & np.isfinite(out)
        out[fits] = halves[fits, 0] / 10.0**scale
    return out


def decimal_ns(text: str, scale: int) -> int:
    """ns of a decimal text in units of `scale` ns; raw.TIME_UNKNOWN where it is none."""
    try:
        value = decimal.Decimal(text.strip(cells.PADDING))
        whole = int(value * scale) if value.is_finite() and abs(value) < LATEST_NS else raw.TIME_UNKNOWN
    except (decimal.DecimalException, OverflowError):
        return raw.TIME_UNKNOWN
    return whole if abs(whole) <= LATEST_NS else raw.TIME_UNKNOWN


def _text_times(texts, scale):
    return np.array([decimal_ns(text, scale) for text in texts], np.int64)


def _float(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")
