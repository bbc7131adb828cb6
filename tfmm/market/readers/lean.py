"""QuantConnect Lean's ticks of crypto currencies and FX, as Data/crypto/readme.md and Data/forex/readme.md there say.

DATE_quote.zip holds DATE_SYMBOL_tick_quote.csv, DATE_trade.zip DATE_SYMBOL_tick_trade.csv; no header, times in ms since
midnight. Crypto, UTC: ms, bid, size, ask, size, and ms, price, quantity. FX: ms, bid, ask, UTC in Oanda's files and
UTC-5 all the year in FXCM's; the folder of the market says which. Trades have no side.

Equities are refused: a row is one side of the quote of one exchange, and nothing says when that quote is withdrawn.
"""

import re

import numpy as np
import pandas as pd

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import containers, layout, local_times

_NAME = re.compile(r"(\d{8})_.+_(?:(quote|trade)_tick|tick_(quote|trade))\.csv(?:\.\w+)?", re.IGNORECASE)
_COLUMNS = {
    ("quote", 5): ("bid", "bid_size", "ask", "ask_size"),
    ("trade", 3): ("px", "size"),
    ("quote", 3): ("bid", "ask"),
}
_ZONES = {"oanda": "UTC", "fxcm": "Etc/GMT+5"}
_ROWS, _DAY_MS = 1 << 18, 86_400_000


def _ticks(source):
    day, *kinds = _NAME.fullmatch(source.path.name).groups()
    kind, count = "".join(filter(None, kinds)).lower(), len(source.head[0].split(","))
    names = _COLUMNS.get((kind, count))
    if names is None:
        raise errors.DataError(
            f"{source.path}: {kind}s of QuantConnect Lean in {count} columns, wanted those of crypto currencies or FX; "
            "those of equities are not read, as their quotes are those of single exchanges: merge them to the best bid "
            "and ask, and give tob_SYMBOL_DATE and trade_SYMBOL_DATE"
        )
    zone = _zone(source) if names == ("bid", "ask") else "UTC"
    columns = ("ms", *names)
    with containers.open_text(source.path) as stream:
        for frame in pd.read_csv(stream, header=None, names=columns, usecols=range(count), dtype=str, chunksize=_ROWS):
            found = {name: pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64) for name in columns}
            ts = _ns(found["ms"], day, zone)
            if kind == "trade":
                yield source.symbol, raw.trades(ts, found["px"], found["size"], schema.UNKNOWN)
            else:
                sizes = [found.get(name, np.nan) for name in ("bid_size", "ask_size")]
                yield source.symbol, raw.quotes(ts, found["bid"], sizes[0], found["ask"], sizes[1])


def _zone(source):
    zone = source.zone or next((_ZONES[part.lower()] for part in source.parts if part.lower() in _ZONES), "")
    if not zone:
        raise errors.DataError(
            f"{source.path}: FX ticks of QuantConnect Lean in no folder `oanda` or `fxcm`, wanted --time-zone, as UTC "
            "(Oanda) or Etc/GMT+5 (FXCM)"
        )
    return zone


def _ns(ms, day, zone):
    """(K,) int64 ns UTC; raw.TIME_UNKNOWN of what is no time of a day."""
    known = (ms >= 0) & (ms < _DAY_MS)
    ns = np.rint(np.where(known, ms, 0) * 1e3).astype(np.int64) * 1000
    midnight = pd.to_datetime(day, format="%Y%m%d", errors="coerce")
    if pd.isna(midnight):
        return np.full(len(ms), raw.TIME_UNKNOWN)
    return np.where(known, local_times.utc(midnight + pd.to_timedelta(ns, "ns"), zone), raw.TIME_UNKNOWN)


LAYOUTS = (
    layout.Layout(
        vendor="lean", table="ticks", stream=_ticks, recognise=lambda path, _head: bool(_NAME.fullmatch(path.name))
    ),
)
