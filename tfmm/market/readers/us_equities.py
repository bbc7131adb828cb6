"""US equities: Polygon's flat files and NYSE TAQ as R's package highfrequency keeps it. Trades have no side.

Polygon quotes_v1, trades_v1: sip_timestamp in ns UTC; a price of 0 is no quote on that side; quoted sizes are round
lots of 100 shares before November 2025, shares from then on. TAQ: DT in seconds since 1970 UTC, quotes of each exchange
EX by itself, BIDSIZ and OFRSIZ in round lots of 100. Trades with a correction above 1 (correction, CORR) are no prices.
"""

import numpy as np

from tfmm.market import raw, schema
from tfmm.market.readers import layout

_ROUND_LOT = 100.0
_SHARES_FROM_NS = np.datetime64("2025-11-01", "ns").astype(np.int64)


def _polygon_quotes(columns):
    ts = columns["sip_timestamp"]
    unit = np.where(ts < _SHARES_FROM_NS, _ROUND_LOT, 1.0)
    bid, ask = (np.where(columns[name] == 0.0, np.nan, columns[name]) for name in ("bid_price", "ask_price"))
    sizes = (
        np.where(np.isnan(px), np.nan, columns[name] * unit) for px, name in ((bid, "bid_size"), (ask, "ask_size"))
    )
    bid_size, ask_size = sizes
    return raw.quotes(ts, bid, bid_size, ask, ask_size, columns["sequence_number"])


def _polygon_trades(columns):
    px = _true_prices(columns["price"], columns.get("correction"))
    return raw.trades(columns["sip_timestamp"], px, columns["size"], schema.UNKNOWN, columns["sequence_number"])


def _taq_quotes(columns):
    sizes = [columns[name] * _ROUND_LOT for name in ("BIDSIZ", "OFRSIZ")]
    return raw.quotes(columns["DT"], columns["BID"], sizes[0], columns["OFR"], sizes[1])


def _taq_trades(columns):
    return raw.trades(columns["DT"], _true_prices(columns["PRICE"], columns["CORR"]), columns["SIZE"], schema.UNKNOWN)


def _true_prices(price, correction):
    """NaN, which is counted, where a trade was corrected or cancelled; 1 says that it is the corrected one."""
    return price if correction is None else np.where(np.nan_to_num(correction) > 1, np.nan, price)


LAYOUTS = (
    layout.Layout(
        vendor="polygon", table="quotes", symbol="ticker", convert=_polygon_quotes,
        columns={"ticker": layout.TEXT, "ask_price": layout.NUMBER, "ask_size": layout.NUMBER,
                 "bid_price": layout.NUMBER, "bid_size": layout.NUMBER, "sip_timestamp": layout.TIME,
                 "sequence_number": layout.INTEGER},
        note="sizes of Polygon quotes before November 2025 are round lots, taken as 100 shares",
    ),
    layout.Layout(
        vendor="polygon", table="trades", symbol="ticker", convert=_polygon_trades, note=layout.NO_SIDE,
        columns={"ticker": layout.TEXT, "price": layout.NUMBER, "size": layout.NUMBER, "sip_timestamp": layout.TIME,
                 "sequence_number": layout.INTEGER},
        optional={"correction": layout.NUMBER},
    ),
    layout.Layout(
        vendor="taq", table="quotes", symbol="SYMBOL", venue_column="EX", convert=_taq_quotes,
        columns={"DT": layout.TIME, "EX": layout.TEXT, "BID": layout.NUMBER, "BIDSIZ": layout.NUMBER,
                 "OFR": layout.NUMBER, "OFRSIZ": layout.NUMBER, "SYMBOL": layout.TEXT},
        note="sizes of TAQ quotes are round lots, taken as 100 shares",
    ),
    layout.Layout(
        vendor="taq", table="trades", symbol="SYMBOL", venue_column="EX", convert=_taq_trades, note=layout.NO_SIDE,
        columns={"DT": layout.TIME, "EX": layout.TEXT, "SYMBOL": layout.TEXT, "SIZE": layout.NUMBER,
                 "PRICE": layout.NUMBER, "CORR": layout.NUMBER},
    ),
)  # fmt: skip
