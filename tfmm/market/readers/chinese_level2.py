"""Snapshots and ticks of Chinese level-2 vendors: Datetime in Shanghai time without a zone, trades without a side.

Snapshots: Datetime, Bid[0], BidQty[0], Ask[0], AskQty[0], ... every few seconds; 0 is no quote on that side.
Ticks: Datetime, Price, Volume.
"""

import numpy as np

from tfmm.market import raw, schema
from tfmm.market.readers import layout, local_times

_ZONE = "Asia/Shanghai"


def _snapshots(columns):
    px = {side: np.where(columns[f"{side}[0]"] == 0.0, np.nan, columns[f"{side}[0]"]) for side in ("Bid", "Ask")}
    size = {side: np.where(np.isnan(px[side]), np.nan, columns[f"{side}Qty[0]"]) for side in px}
    ts = local_times.ns(columns["Datetime"], "ISO8601", _ZONE)
    return raw.quotes(ts, px["Bid"], size["Bid"], px["Ask"], size["Ask"])


def _ticks(columns):
    ts = local_times.ns(columns["Datetime"], "ISO8601", _ZONE)
    return raw.trades(ts, columns["Price"], columns["Volume"], schema.UNKNOWN)


LAYOUTS = (
    layout.Layout(
        vendor="chinese-level2", table="snapshots", convert=_snapshots,
        columns={"Datetime": layout.TEXT, "Bid[0]": layout.NUMBER, "BidQty[0]": layout.NUMBER,
                 "Ask[0]": layout.NUMBER, "AskQty[0]": layout.NUMBER},
        note="times of Chinese level-2 snapshots and ticks have no zone, taken as Shanghai's",
    ),
    layout.Layout(
        vendor="chinese-level2", table="ticks", convert=_ticks, note=layout.NO_SIDE,
        columns={"Datetime": layout.TEXT, "Price": layout.NUMBER, "Volume": layout.NUMBER},
    ),
)  # fmt: skip
