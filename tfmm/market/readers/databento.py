"""Databento CSV, schemas mbp-1 and tbbo: events with the best quote. Prices decimal or whole numbers of 1e-9."""

import numpy as np

from tfmm.market import raw, schema
from tfmm.market.readers import layout

_UNDEFINED = float(np.iinfo(np.int64).max)
_SIDES = {"a": schema.SELL, "b": schema.BUY, "n": schema.UNKNOWN, "": schema.UNKNOWN}
_WHOLE = 1e6  # a median price above it is a whole number of 1e-9


def _price(values):
    values = np.where((values >= _UNDEFINED * 0.999999) | (values == 0), np.nan, values)
    typical = np.nanmedian(values) if np.isfinite(values).any() else 0.0
    return values * 1e-9 if typical > _WHOLE and (np.rint(values) == values)[np.isfinite(values)].all() else values


def _events(columns):
    """A trade does not change the book by itself: its quote is the one before it, so the quote comes first."""
    bid, ask, price = (_price(columns[name]) for name in ("bid_px_00", "ask_px_00", "price"))
    ts, sequence = columns["ts_event"], columns["sequence"]
    quotes = raw.quotes(ts, bid, columns["bid_sz_00"], ask, columns["ask_sz_00"], sequence)
    traded = columns["action"].translate({"t": 1}, 0).astype(bool)
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    trades = raw.trades(ts, price, columns["size"], side, sequence)[traded]
    index = np.concatenate([np.arange(len(quotes)), np.flatnonzero(traded)])
    order = np.argsort(index, kind="stable")
    return np.concatenate([quotes, trades])[order], index[order]


_EVENT = {"ts_event": layout.TIME, "action": layout.TEXT, "side": layout.TEXT, "price": layout.NUMBER,
          "size": layout.NUMBER, "sequence": layout.INTEGER, "bid_px_00": layout.NUMBER, "ask_px_00": layout.NUMBER,
          "bid_sz_00": layout.NUMBER, "ask_sz_00": layout.NUMBER}  # fmt: skip

LAYOUTS = (
    layout.Layout(
        vendor="databento", table="mbp-1", columns={**_EVENT, "symbol": layout.TEXT}, symbol="symbol",
        convert=_events, sequenced=True,
    ),
    layout.Layout(
        vendor="databento", table="mbp-1 by id", columns={**_EVENT, "instrument_id": layout.TEXT},
        symbol="instrument_id", convert=_events, sequenced=True,
    ),
)  # fmt: skip
