"""Tardis.dev CSV: quotes and book_ticker (ask columns first), trades, book snapshots. Exchange time in us."""

from tfmm.market import raw, schema
from tfmm.market.readers import layout

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


LAYOUTS = (
    layout.Layout(
        vendor="tardis", table="quotes", symbol="symbol", convert=_quotes,
        columns={"timestamp": layout.TIME, "ask_amount": layout.NUMBER, "ask_price": layout.NUMBER,
                 "bid_price": layout.NUMBER, "bid_amount": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tardis", table="book_snapshot", symbol="symbol", convert=_snapshots,
        columns={"timestamp": layout.TIME, "asks[0].price": layout.NUMBER, "asks[0].amount": layout.NUMBER,
                 "bids[0].price": layout.NUMBER, "bids[0].amount": layout.NUMBER},
    ),
    layout.Layout(
        vendor="tardis", table="trades", symbol="symbol", convert=_trades,
        columns={"timestamp": layout.TIME, "id": layout.INTEGER, "side": layout.TEXT, "price": layout.NUMBER,
                 "amount": layout.NUMBER},
    ),
)  # fmt: skip
