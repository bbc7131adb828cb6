"""Binance: daily and monthly dumps of spot, USD-M and COIN-M futures. Time in ms, spot in us from 2025 on."""

import numpy as np

from tfmm.market import instruments, raw, schema
from tfmm.market.readers import layout

_MAKER_BUYS = {"true": schema.SELL, "1": schema.SELL, "false": schema.BUY, "0": schema.BUY}
_BOOLEAN = ("true", "false")
_FUTURES = "binance-futures"


def _trades(time, price, quantity, number, maker):
    def convert(columns):
        side = columns[maker].translate(_MAKER_BUYS, raw.WRONG_SIDE)
        return raw.trades(columns[time], columns[price], columns[quantity], side, columns[number])

    return convert


def _book_ticker(columns):
    return raw.quotes(
        columns["transaction_time"], columns["best_bid_price"], columns["best_bid_qty"],
        columns["best_ask_price"], columns["best_ask_qty"], columns["update_id"],
    )  # fmt: skip


def _coin_margined(columns):
    """base_qty = contracts x value of a contract / price."""
    with np.errstate(divide="ignore", invalid="ignore"):
        value = columns["base_qty"] * columns["price"] / columns["qty"]
    value = value[np.isfinite(value) & (value > 0)]
    if not len(value):
        return instruments.Terms()
    return instruments.Terms(inverse=True, multiplier=float(f"{np.median(value):.2g}"), quote_currency="USD")


def _booleans(fields, places):
    return all(fields[k].strip().lower() in _BOOLEAN for k in places)


def _number(text):
    return text.replace(".", "", 1).replace("-", "", 1).isdigit()


_TRADE = {"time": layout.TIME, "price": layout.NUMBER, "qty": layout.NUMBER, "id": layout.INTEGER,
          "is_buyer_maker": layout.TEXT}  # fmt: skip
_AGGREGATE = {"transact_time": layout.TIME, "price": layout.NUMBER, "quantity": layout.NUMBER,
              "agg_trade_id": layout.INTEGER, "is_buyer_maker": layout.TEXT}  # fmt: skip

LAYOUTS = (
    layout.Layout(
        vendor="binance", table="spot trades", venue="binance",
        names=("trade_id", "price", "qty", "quoteQty", "time", "isBuyerMaker", "isBestMatch"),
        columns={"time": layout.TIME, "price": layout.NUMBER, "qty": layout.NUMBER, "trade_id": layout.INTEGER,
                 "isBuyerMaker": layout.TEXT},
        plain=lambda fields: len(fields) == 7 and _booleans(fields, (5, 6)),
        convert=_trades("time", "price", "qty", "trade_id", "isBuyerMaker"), dense_ids=True,
    ),
    layout.Layout(
        vendor="binance", table="spot aggTrades", venue="binance",
        names=("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "timestamp", "isBuyerMaker",
               "isBestMatch"),
        columns={"timestamp": layout.TIME, "price": layout.NUMBER, "quantity": layout.NUMBER,
                 "agg_trade_id": layout.INTEGER, "isBuyerMaker": layout.TEXT},
        plain=lambda fields: len(fields) == 8 and _booleans(fields, (6, 7)),
        convert=_trades("timestamp", "price", "quantity", "agg_trade_id", "isBuyerMaker"), dense_ids=True,
    ),
    layout.Layout(
        vendor="binance", table="COIN-M trades", columns={**_TRADE, "base_qty": layout.NUMBER}, venue=_FUTURES,
        convert=_trades("time", "price", "qty", "id", "is_buyer_maker"), contract=_coin_margined, dense_ids=True,
    ),
    layout.Layout(
        vendor="binance", table="USD-M trades", columns=_TRADE, venue=_FUTURES,
        names=("id", "price", "qty", "quote_qty", "time", "is_buyer_maker"),
        plain=lambda fields: len(fields) == 6 and _booleans(fields, (5,)),
        convert=_trades("time", "price", "qty", "id", "is_buyer_maker"), dense_ids=True,
    ),
    layout.Layout(
        vendor="binance", table="futures aggTrades", columns=_AGGREGATE, venue=_FUTURES,
        names=("agg_trade_id", "price", "quantity", "first_trade_id", "last_trade_id", "transact_time",
               "is_buyer_maker"),
        plain=lambda fields: len(fields) == 7 and _booleans(fields, (6,)) and _number(fields[5]),
        convert=_trades("transact_time", "price", "quantity", "agg_trade_id", "is_buyer_maker"), dense_ids=True,
    ),
    layout.Layout(
        vendor="binance", table="bookTicker", convert=_book_ticker, venue=_FUTURES,
        names=("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time",
               "event_time"),
        columns={"transaction_time": layout.TIME, "best_bid_price": layout.NUMBER, "best_bid_qty": layout.NUMBER,
                 "best_ask_price": layout.NUMBER, "best_ask_qty": layout.NUMBER, "update_id": layout.INTEGER},
        plain=lambda fields: len(fields) == 7 and all(map(_number, fields)) and len(fields[5].strip()) >= 13,
    ),
)  # fmt: skip
