"""Tardis.dev CSV: quotes and book_ticker (ask columns first), trades, book snapshots and changes. Exchange time in us.

incremental_book_L2: side bid or ask, amount 0 deletes a level; rows of one timestamp are one state of the book; a run
of rows with is_snapshot of one message (local_timestamp) starts it anew.
"""

import numpy as np

from tfmm.market import raw, schema
from tfmm.market.readers import layout, order_book

_SIDES = {"buy": schema.BUY, "sell": schema.SELL, "unknown": schema.UNKNOWN, "": schema.UNKNOWN}


def _quotes(columns):
    return raw.quotes(
        columns["timestamp"], columns["bid_price"], columns["bid_amount"], columns["ask_price"], columns["ask_amount"]
    )


def _snapshots(columns):
    return raw.quotes(
        columns["timestamp"], columns["bids[0].price"], columns["bids[0].amount"],
        columns["asks[0].price"], columns["asks[0].amount"],
    )  # fmt: skip


def _trades(columns):
    side = columns["side"].translate(_SIDES, raw.WRONG_SIDE)
    return raw.trades(columns["timestamp"], columns["price"], columns["amount"], side, columns["id"])


def _changes(columns):
    snapshot = columns["is_snapshot"].translate({"true": 1, "1": 1, "false": 0, "0": 0}, -1)
    # negative, so that no time of receipt is taken for a timestamp
    message = np.where(snapshot == 1, -columns["local_timestamp"], columns["timestamp"])
    side = columns["side"].translate({"bid": schema.BUY, "ask": schema.SELL}, 0) * (snapshot >= 0)
    what = np.where(snapshot == 1, order_book.SNAPSHOT, order_book.LEVEL)
    return order_book.updates(columns["timestamp"], message, columns["price"], columns["amount"], what, side)


LAYOUTS = (
    layout.Layout(
        vendor="tardis", table="quotes", symbol="symbol", venue_column="exchange", convert=_quotes,
        columns={"timestamp": layout.TIME, "ask_amount": layout.NUMBER, "ask_price": layout.NUMBER,
                 "bid_price": layout.NUMBER, "bid_amount": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tardis", table="book_snapshot", symbol="symbol", venue_column="exchange", convert=_snapshots,
        columns={"timestamp": layout.TIME, "asks[0].price": layout.NUMBER, "asks[0].amount": layout.NUMBER,
                 "bids[0].price": layout.NUMBER, "bids[0].amount": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tardis", table="incremental_book_L2", symbol="symbol", venue_column="exchange", convert=_changes,
        columns={"timestamp": layout.TIME, "local_timestamp": layout.TIME, "is_snapshot": layout.TEXT,
                 "side": layout.TEXT, "price": layout.NUMBER, "amount": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tardis", table="trades", symbol="symbol", venue_column="exchange", convert=_trades,
        columns={"timestamp": layout.TIME, "id": layout.INTEGER, "side": layout.TEXT, "price": layout.NUMBER,
                 "amount": layout.NUMBER},
    ),
)  # fmt: skip
