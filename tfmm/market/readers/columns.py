"""From arrow columns to numpy columns: numbers, whole numbers, words and times."""

import decimal
from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from tfmm import arrays, errors
from tfmm.market import raw
from tfmm.market.readers import layout

_SCALES = ((1e11, 10**9), (1e14, 10**6), (1e17, 10**3), (np.inf, 1))  # below: s, ms, us; else ns
EARLIEST_NS = 631_152_000 * 10**9  # 1990
LATEST_NS = 4_102_444_800 * 10**9  # 2100
DECIMAL = pa.decimal128(38, 9)
WORDS = pa.dictionary(pa.int32(), pa.string())


class Clock:
    """How a time column is written; one for a file, so that rows in another unit stand out.

    style: "integer", "decimal" (seconds with a fraction) or "iso". scale: ns of an integer unit.
    """

    def __init__(self, samples: Sequence[str]):
        """samples: texts of the column, not empty."""
        texts = [text.strip(" \"'") for text in samples if text.strip(" \"'")]
        if any("-" in text[1:] or ":" in text for text in texts):
            self.style, self.scale = "iso", 1
            return
        self.style = "decimal" if any("." in text or "e" in text.lower() for text in texts) else "integer"
        values = [_float(text) for text in texts]
        middle = float(np.nanmedian(values)) if np.isfinite(values).any() else 0.0
        self.scale = next(scale for limit, scale in _SCALES if abs(middle) < limit)
        if self.style == "decimal" and self.scale != 10**9:
            self.style = "float"

    @property
    def csv_type(self) -> pa.DataType:
        """What arrow reads the column as."""
        return {"iso": pa.string(), "decimal": DECIMAL, "integer": pa.int64(), "float": pa.float64()}[self.style]

    def ns(self, column: pa.Array) -> arrays.Ints:
        """(K,) int64 ns UTC; raw.TIME_UNKNOWN where it is missing or before 1990 or after 2100."""
        if pa.types.is_timestamp(column.type):
            out = _timestamps(column)
        elif pa.types.is_decimal(column.type):
            out = _decimals(column)
        elif pa.types.is_integer(column.type):
            whole = integer(column)
            with np.errstate(over="ignore"):
                out = np.where(np.abs(whole) < LATEST_NS // self.scale + 1, whole * self.scale, raw.TIME_UNKNOWN)
        elif pa.types.is_floating(column.type):
            values = number(column)
            fits = np.abs(values) < LATEST_NS / self.scale
            values = np.where(fits, values, 0.0)
            whole = np.floor(values)
            # a float holds the ns of no present time: the whole units are multiplied as integers
            ns = whole.astype(np.int64) * self.scale + np.rint((values - whole) * self.scale).astype(np.int64)
            out = np.where(fits, ns, raw.TIME_UNKNOWN)
        else:
            out = self._texts(column)
        return np.where((out >= EARLIEST_NS) & (out <= LATEST_NS), out, raw.TIME_UNKNOWN)

    def _texts(self, column):
        texts = text_list(column)
        if self.style == "iso":
            parsed = pd.to_datetime(pd.Series(texts, dtype=object), utc=True, errors="coerce", format="ISO8601")
            values = parsed.dt.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
            return np.where(parsed.isna().to_numpy(), raw.TIME_UNKNOWN, values)
        return np.array([decimal_ns(text, self.scale) for text in texts], np.int64)


def number(column: pa.Array) -> arrays.Floats:
    """(K,) float64, NaN where it is missing or no number."""
    if _is_text(column.type) or pa.types.is_dictionary(column.type):
        return pd.to_numeric(pd.Series(text_list(column), dtype=object), errors="coerce").to_numpy(np.float64)
    if pa.types.is_decimal(column.type):
        column = pc.cast(column, pa.float64())
    if not (pa.types.is_floating(column.type) or pa.types.is_integer(column.type)):
        raise errors.DataError(f"a column of numbers has type {column.type}")
    return np.asarray(column.to_numpy(zero_copy_only=False), np.float64)


def integer(column: pa.Array) -> arrays.Ints:
    """(K,) int64, raw.NO_SEQUENCE where it is missing or no whole number."""
    if pa.types.is_integer(column.type):
        if column.null_count:
            column = pc.fill_null(column, raw.NO_SEQUENCE)
        return column.to_numpy(zero_copy_only=False).astype(np.int64)
    values = number(column)
    whole = np.isfinite(values) & (np.abs(values) < 2.0**62) & (np.floor(values) == values)
    return np.where(whole, np.where(whole, values, 0), raw.NO_SEQUENCE).astype(np.int64)


def words(column: pa.Array) -> layout.Words:
    """layout.Words of a column of texts, booleans or numbers."""
    if not pa.types.is_dictionary(column.type):
        column = pc.cast(column, pa.string(), safe=False).dictionary_encode()
    codes = column.indices
    codes = pc.fill_null(codes, -1) if codes.null_count else codes
    return layout.Words(codes.to_numpy(zero_copy_only=False).astype(np.int32), tuple(_texts(column.dictionary)))


def text_list(column: pa.Array) -> list[str]:
    """The cells as a list of str, "" where missing."""
    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    return _texts(column)


def _is_text(kind):
    return any(test(kind) for test in (pa.types.is_string, pa.types.is_large_string, pa.types.is_binary))


def _texts(column):
    return ["" if cell is None else cell if isinstance(cell, str) else str(cell) for cell in column.to_pylist()]


def _timestamps(column):
    ns = pc.cast(column, pa.timestamp("ns", column.type.tz), safe=False)
    return pc.fill_null(pc.cast(ns, pa.int64()), raw.TIME_UNKNOWN).to_numpy(zero_copy_only=False)


def _decimals(column):
    """Decimal seconds with nine places are 128-bit whole numbers of ns; the low half holds any real time."""
    column = pc.cast(column, DECIMAL)
    halves = np.frombuffer(column.buffers()[1], np.int64).reshape(-1, 2)[column.offset : column.offset + len(column)]
    missing = column.is_null().to_numpy(zero_copy_only=False)
    fits = (halves[:, 1] == 0) & (halves[:, 0] >= 0) & ~missing
    return np.where(fits, halves[:, 0], raw.TIME_UNKNOWN)


def decimal_ns(text: str, scale: int) -> int:
    """ns of a decimal text in units of `scale` ns; raw.TIME_UNKNOWN where it is none."""
    try:
        value = decimal.Decimal(text.strip(" \"'"))
        whole = int(value * scale) if value.is_finite() and abs(value) < LATEST_NS else raw.TIME_UNKNOWN
    except (decimal.DecimalException, OverflowError):
        return raw.TIME_UNKNOWN
    return whole if abs(whole) <= LATEST_NS else raw.TIME_UNKNOWN


def _float(text):
    try:
        return float(text)
    except ValueError:
        return float("nan")
