"""FX ticks, which are quotes without trades and mostly without sizes: HistData, TrueFX, Dukascopy, MetaTrader 5.

HistData (no header): 20200101 170000065, bid, ask, volume; Eastern standard time all the year. TrueFX (no header):
EUR/USD, 20200101 22:01:25.123, bid, ask; UTC. Dukascopy (JSON or CSV): timestamp in ms UTC, askPrice, bidPrice and
perhaps askVolume, bidVolume in millions. MetaTrader 5 has a module of its own.
"""

import re

import msgspec
import numpy as np

from tfmm.market import raw
from tfmm.market.readers import containers, layout, local_times

_HISTDATA = re.compile(r"\d{8} \d{9}")
_TRUEFX = re.compile(r"\d{8} \d\d:\d\d:\d\d\.\d{3}")
_MILLION = 1e6
_TOO_LARGE = 2**63


class _Tick(msgspec.Struct):
    timestamp: int
    askPrice: float
    bidPrice: float
    askVolume: float = np.nan
    bidVolume: float = np.nan


def _histdata(columns):
    ts = local_times.ns(columns["time"], "%Y%m%d %H%M%S%f", "Etc/GMT+5")
    return raw.quotes(ts, columns["bid"], np.nan, columns["ask"], np.nan)


def _truefx(columns):
    ts = local_times.ns(columns["time"], "%Y%m%d %H:%M:%S.%f")
    return raw.quotes(ts, columns["bid"], np.nan, columns["ask"], np.nan)


def _dukascopy(columns):
    sizes = [columns.get(name, np.nan) * np.float64(_MILLION) for name in ("bidVolume", "askVolume")]
    return raw.quotes(columns["timestamp"], columns["bidPrice"], sizes[0], columns["askPrice"], sizes[1])


def _is_dukascopy(_path, head):
    start = "".join(head[:2])[:300]
    return start.startswith("[") and all(f'"{name}"' in start for name in ("timestamp", "askPrice", "bidPrice"))


def _dukascopy_json(source):
    with containers.open_text(source.path) as stream:
        ticks = msgspec.json.decode(stream.read(), type=list[_Tick])
    names = _Tick.__struct_fields__
    columns = {name: np.array([getattr(one, name) for one in ticks], np.float64) for name in names[1:]}
    ns = [one.timestamp * 10**6 for one in ticks]
    columns["timestamp"] = np.array([one if abs(one) < _TOO_LARGE else raw.TIME_UNKNOWN for one in ns], np.int64)
    yield source.symbol, _dukascopy(columns)


LAYOUTS = (
    layout.Layout(
        vendor="histdata", table="ticks", convert=_histdata, names=("time", "bid", "ask", "volume"),
        note=layout.FX_TICKS,
        columns={"time": layout.TEXT, "bid": layout.NUMBER, "ask": layout.NUMBER},
        plain=lambda fields: len(fields) == 4 and bool(_HISTDATA.fullmatch(fields[0])),
    ),
    layout.Layout(
        vendor="truefx", table="ticks", convert=_truefx, symbol="pair", names=("pair", "time", "bid", "ask"),
        columns={"pair": layout.TEXT, "time": layout.TEXT, "bid": layout.NUMBER, "ask": layout.NUMBER},
        note=layout.FX_TICKS,
        plain=lambda fields: len(fields) == 4 and bool(_TRUEFX.fullmatch(fields[1])),
    ),
    layout.Layout(
        vendor="dukascopy", table="ticks", convert=_dukascopy, note=layout.FX_TICKS,
        columns={"timestamp": layout.TIME, "askPrice": layout.NUMBER, "bidPrice": layout.NUMBER},
        optional={"askVolume": layout.NUMBER, "bidVolume": layout.NUMBER},
    ),
    layout.Layout(
        vendor="dukascopy", table="JSON ticks", stream=_dukascopy_json, recognise=_is_dukascopy, note=layout.FX_TICKS,
    ),
)  # fmt: skip
