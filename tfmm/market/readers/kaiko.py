"""Kaiko and CoinAPI: trades of many venues in one form, and CoinAPI's quotes.

Kaiko trades: id, exchange, symbol, date (ms), price, amount, sell (true: the taker sells). CoinAPI: times as text in
UTC, separated by semicolons; taker_side BUY or SELL, BUY_ESTIMATED or SELL_ESTIMATED where the venue does not say it.
"""

from tfmm.market import raw, schema
from tfmm.market.readers import layout

_SELLS = {"true": schema.SELL, "1": schema.SELL, "false": schema.BUY, "0": schema.BUY}
_TAKERS = {
    "buy": schema.BUY, "sell": schema.SELL, "buy_estimated": schema.BUY, "sell_estimated": schema.SELL,
    "unknown": schema.UNKNOWN, "": schema.UNKNOWN,
}  # fmt: skip


def _kaiko_trades(columns):
    side = columns["sell"].translate(_SELLS, raw.WRONG_SIDE)
    return raw.trades(columns["date"], columns["price"], columns["amount"], side, columns["id"])


def _coinapi_quotes(columns):
    return raw.quotes(
        columns["time_exchange"], columns["bid_px"], columns["bid_sx"], columns["ask_px"], columns["ask_sx"]
    )


def _coinapi_trades(columns):
    side = columns["taker_side"].translate(_TAKERS, raw.WRONG_SIDE)
    return raw.trades(columns["time_exchange"], columns["price"], columns["base_amount"], side)


LAYOUTS = (
    layout.Layout(
        vendor="kaiko", table="trades", symbol="symbol", venue_column="exchange", convert=_kaiko_trades,
        columns={"id": layout.INTEGER, "exchange": layout.TEXT, "symbol": layout.TEXT, "date": layout.TIME,
                 "price": layout.NUMBER, "amount": layout.NUMBER, "sell": layout.TEXT},
    ),
    layout.Layout(
        vendor="coinapi", table="quotes", convert=_coinapi_quotes,
        columns={"time_exchange": layout.TIME, "ask_px": layout.NUMBER, "ask_sx": layout.NUMBER,
                 "bid_px": layout.NUMBER, "bid_sx": layout.NUMBER},
    ),
    layout.Layout(
        vendor="coinapi", table="trades", convert=_coinapi_trades,
        columns={"time_exchange": layout.TIME, "price": layout.NUMBER, "base_amount": layout.NUMBER,
                 "taker_side": layout.TEXT},
    ),
)  # fmt: skip
