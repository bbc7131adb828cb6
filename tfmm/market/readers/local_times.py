"""Times that are written out in a zone of their own: from texts to ns UTC."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tfmm import arrays
from tfmm.market import raw
from tfmm.market.readers import layout


def ns(words: layout.Words, form: str, zone: str = "UTC") -> arrays.Ints:
    """(K,) int64 ns UTC of a text column; raw.TIME_UNKNOWN where it cannot be read.

    Args:
        form: as strptime takes it, or "ISO8601".
        zone: name of a time zone. A local time that comes twice or never, when clocks change, is not known.
    """
    texts = [word.strip(" \0\t\"'") for word in words.vocabulary]
    parsed = pd.to_datetime(pd.Series(texts, dtype=object), format=form, errors="coerce")
    return _rows(words, utc(parsed, zone))


def utc(local: Sequence[pd.Timestamp] | pd.Series, zone: str) -> arrays.Ints:
    """(K,) int64 ns UTC of local times without a zone."""
    index = pd.DatetimeIndex(local).tz_localize(zone, ambiguous="NaT", nonexistent="NaT").tz_convert("UTC")
    values = index.tz_localize(None).to_numpy().astype("datetime64[ns]").astype(np.int64)
    return np.where(index.isna(), raw.TIME_UNKNOWN, values)


def two(days: layout.Words, times: layout.Words, form: str, zone: str = "UTC") -> arrays.Ints:
    """(K,) int64 ns UTC of a column of days and one of times of day; form: of both, a blank between them."""
    day_form, time_form = form.split(" ")
    first = ns(days, day_form)
    second = ns(times, time_form)
    known = (first != raw.TIME_UNKNOWN) & (second != raw.TIME_UNKNOWN)
    since = np.datetime64("1900-01-01", "ns").astype(np.int64)  # what strptime takes for a time without a day
    local = np.where(known, first + second - since, 0)
    out = utc(pd.DatetimeIndex(local.astype("datetime64[ns]")), zone)
    return np.where(known, out, raw.TIME_UNKNOWN)


def _rows(words, values):
    return np.append(values, raw.TIME_UNKNOWN)[words.codes]
