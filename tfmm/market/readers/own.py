"""Our own layout: `tob_SYMBOL_DATE` and `trade_SYMBOL_DATE` as .parquet, .csv or .csv.gz."""

import gzip
import re
import zlib
from typing import NamedTuple

import pandas as pd
import pyarrow as pa
from pyarrow import parquet

from tfmm import errors

_NAME = re.compile(r"(tob|trade)_(.+)_([^_]+?)\.(parquet|csv|csv\.gz)")


class RawSession(NamedTuple):
    """Files of one date: symbol -> (quote file, trade file)."""

    name: str
    files: dict


def find(folder):
    """The sessions of a folder in order of date.

    Raises:
        DataError: a quote file without its trade file or the other way round, or two files for one place.
    """
    found = {}
    for path in sorted(folder.iterdir()):
        match = _NAME.fullmatch(path.name)
        if match:
            kind, symbol, date, _ = match.groups()
            place = found.setdefault(date, {}).setdefault(symbol, {})
            if kind in place:
                raise errors.DataError(f"{path}: second {kind} file of {symbol} {date}, beside {place[kind].name}")
            place[kind] = path
    sessions = []
    for date, symbols in sorted(found.items()):
        for symbol, place in symbols.items():
            for kind in ("tob", "trade"):
                if kind not in place:
                    (present,) = place.values()
                    raise errors.DataError(f"{present}: no {kind}_{symbol}_{date} file beside it, wanted both")
        sessions.append(RawSession(date, {symbol: (one["tob"], one["trade"]) for symbol, one in symbols.items()}))
    return sessions


def load(raw, symbol):
    """(quotes, trades) data frames of one symbol of a session; DataError names the file that cannot be read."""
    return tuple(_read(path) for path in raw.files[symbol])


def _read(path):
    try:
        frame = parquet.read_table(path).to_pandas() if path.suffix == ".parquet" else pd.read_csv(path)
    except pd.errors.EmptyDataError as error:
        raise errors.DataError(f"{path}: the file is empty, wanted a header and rows") from error
    except (
        OSError,
        EOFError,
        zlib.error,
        gzip.BadGzipFile,
        pa.ArrowException,
        pd.errors.ParserError,
        ValueError,
    ) as error:
        reason = str(error).splitlines()[0]
        raise errors.DataError(f"{path}: cannot be read: {reason}") from error
    if not len(frame):
        raise errors.DataError(f"{path}: no rows, wanted at least one")
    for name in frame.columns:
        _check_numbers(frame[name], path)
    return frame


def _check_numbers(column, path):
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return
    wrong = pd.to_numeric(column, errors="coerce").isna() & column.notna()
    if wrong.any():
        row = int(wrong.to_numpy().argmax())
        raise errors.DataError(
            f"{path}: column {column.name} has {str(column.iloc[row])[:40]!r} in row {row}, wanted a number"
        )
