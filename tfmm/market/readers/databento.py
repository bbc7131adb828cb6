"""Databento CSV. Time ts_event, of bbo (the end of the interval) and snapshots ts_recv; prices decimal or whole 1e-9.

mbp-1, tbbo, mbp-10, cmbp-1: events with the best quote as it is before a trade; action T is a trade, its side the
aggressor's: A sells, B buys. trades: the same without quotes. bbo-1s, bbo-1m, cbbo: quotes; their price and side are of
the last trade, no new one. mbo: orders, from which the book is built. An undefined price is the largest int64.
"""

from collections.abc import Sequence

import numpy as np

from tfmm import arrays
from tfmm.market import raw, schema
from tfmm.market.readers import layout, orders

UNDEFINED = float(np.iinfo(np.int64).max)
NO_SIZE = 2**32 - 1
MAYBE_BAD, SNAPSHOT = 4, 32  # flags
_SIDES = {"a": schema.SELL, "b": schema.BUY, "n": schema.UNKNOWN, "": schema.UNKNOWN}
_WHOLE = 1e6  # a median price above it is a whole number of 1e-9


def events(
    ts: arrays.Ints,
    sequence: arrays.Ints,
    quote: Sequence[arrays.Array],
    trade: Sequence[arrays.Array],
    traded: arrays.Bools,
) -> tuple[arrays.Records, arrays.Ints]:
    """Quotes and trades in the order of the events, and the event of each.

    Args:
        ts, sequence: (K,). quote: bid, bid size, ask, ask size, each (K,). trade: price, size, side, each (K,).
        traded: (K,) whether the event is a trade. It does not change the book by itself: its quote comes first.

    Returns:
        ((M,) raw.RAW, (M,) int64).
    """
    bid, bid_size, ask, ask_size = quote
    price, size, side = trade
    quotes = raw.quotes(ts, bid, bid_size, ask, ask_size, sequence)
    trades = raw.trades(ts, price, size, side, sequence)[traded]
    index = np.concatenate([np.arange(len(quotes)), np.flatnonzero(traded)])
    order = np.argsort(index, kind="stable")
    return np.concatenate([quotes, trades])[order], index[order]


def book(
    flags: arrays.Array | int, bid: arrays.Floats, bid_size: arrays.Array, ask: arrays.Floats, ask_size: arrays.Array
) -> tuple[arrays.Floats, ...]:
    """Bid, bid size, ask, ask size, (K,): NaN where they are undefined, or Databento says that they may be wrong."""
    sizes = (np.where(size == NO_SIZE, np.nan, size) for size in (bid_size, ask_size))
    good = (np.asarray(flags) & MAYBE_BAD) == 0
    return tuple(np.where(good, one, np.nan) for one in (bid, next(sizes), ask, next(sizes)))


def time(flags: arrays.Array | int, event: arrays.Ints, received: arrays.Ints) -> arrays.Ints:
    """(K,) ns: the time of the event, but of a snapshot when it was sent: its event may be of another day."""
    of_snapshot = (np.asarray(flags) & SNAPSHOT) != 0
    return np.where(of_snapshot & (received != raw.TIME_UNKNOWN), received, event)


def _price(values):
    values = np.where(values >= UNDEFINED * 0.999999, np.nan, values)
    typical = np.nanmedian(values) if np.isfinite(values).any() else 0.0
    return values / 1e9 if typical > _WHOLE and (np.rint(values) == values)[np.isfinite(values)].all() else values


def _side(columns):
    return columns["side"].translate(_SIDES, raw.WRONG_SIDE)


def _sequence(columns):
    return columns.get("sequence", np.full(len(columns["side"].codes), raw.NO_SEQUENCE))


def _flags(columns):
    return np.maximum(columns["flags"], 0) if "flags" in columns else 0


def _time(columns):
    if "ts_recv" not in columns:
        return columns["ts_event"]
    return time(_flags(columns), columns["ts_event"], columns["ts_recv"])


def _book(columns):
    bid, ask = (_price(columns[name]) for name in ("bid_px_00", "ask_px_00"))
    return book(_flags(columns), bid, columns["bid_sz_00"], ask, columns["ask_sz_00"])


def _events(columns):
    traded = columns["action"].translate({"t": 1}, 0).astype(bool)
    trade = _price(columns["price"]), columns["size"], _side(columns)
    return events(_time(columns), _sequence(columns), _book(columns), trade, traded)


def _trades(columns):
    return raw.trades(
        columns["ts_event"], _price(columns["price"]), columns["size"], _side(columns), columns["sequence"]
    )


def _quotes(columns):
    return raw.quotes(columns["ts_recv"], *_book(columns), _sequence(columns))


def _orders(columns):
    side = columns["side"].translate(_SIDES, schema.UNKNOWN)
    letters = {letter: ord(letter.upper()) for letter in "acmrtfn"}
    return orders.create(
        ts=_time(columns), sequence=columns["sequence"], order_id=columns["order_id"], side=side,
        px=_price(columns["price"]), size=columns["size"], action=columns["action"].translate(letters, 0),
        flags=_flags(columns),
    )  # fmt: skip


def _layouts(table, convert, columns, **optional):
    """With the column symbol, and with instrument_id in its place. Those of one
    venue, and of all venues together (bid_pb_00)."""
    for name in ("symbol", "instrument_id"):
        consolidated = table.startswith("c")
        yield layout.Layout(
            vendor="databento", table=table if name == "symbol" else f"{table} by id",
            columns={**columns, name: layout.TEXT, **({"bid_pb_00": layout.TEXT} if consolidated else {})},
            symbol=name, convert=convert, sequenced=True, optional=optional,
            venue_column="" if consolidated else "publisher_id",
            contract_column="instrument_id" if name == "symbol" else "",
        )  # fmt: skip


_TRADE = {"ts_event": layout.TIME, "action": layout.TEXT, "side": layout.TEXT, "price": layout.NUMBER,
          "size": layout.NUMBER}  # fmt: skip
_TOP = {"bid_px_00": layout.NUMBER, "ask_px_00": layout.NUMBER, "bid_sz_00": layout.NUMBER, "ask_sz_00": layout.NUMBER}
_MORE = {"sequence": layout.INTEGER, "flags": layout.INTEGER}
_RECEIVED = {"ts_recv": layout.TIME}

LAYOUTS = (
    *_layouts("cmbp-1", _events, {**_TRADE, **_TOP}, **_MORE, **_RECEIVED),
    *_layouts("cbbo", _quotes, {"ts_recv": layout.TIME, "side": layout.TEXT, **_TOP}, **_MORE),
    *_layouts("mbp-1", _events, {**_TRADE, **_TOP}, **_MORE, **_RECEIVED),
    *_layouts("bbo", _quotes, {"ts_recv": layout.TIME, "side": layout.TEXT, **_TOP}, **_MORE),
    *_layouts("mbo", _orders, {**_TRADE, **_MORE, "order_id": layout.INTEGER}, **_RECEIVED),
    *_layouts("trades", _trades, {**_TRADE, "sequence": layout.INTEGER}),
)
