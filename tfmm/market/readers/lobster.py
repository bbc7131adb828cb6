"""LOBSTER level 1: a message file and an order book file with one line for each message."""

import pathlib
import re
import zoneinfo
from collections.abc import Sequence

import numpy as np
import pandas as pd

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import columns, containers, layout

_NAME = re.compile(r"(?P<symbol>[^_]+)_(?P<date>\d{4}-\d{2}-\d{2})_\d+_\d+_(?P<what>message|orderbook)_\d+\.[a-z0-9.]+")
_NEW_YORK = zoneinfo.ZoneInfo("America/New_York")
_PRICE = 1e-4
_EMPTY = 9_999_999_999  # a price of this size, with its sign, stands for an empty side
_VISIBLE, _HIDDEN = 4, 5
_BATCH = 1 << 17


def symbol(path: pathlib.Path) -> str | None:
    """AMZN of AMZN_2012-06-21_34200000_57600000_message_1.csv; None of another name."""
    match = _NAME.fullmatch(path.name)
    return match and match["symbol"]


def pair(paths: Sequence[pathlib.Path]) -> dict[pathlib.Path, pathlib.Path]:
    """{message file: its order book} of those among the paths; a partner that is not among them is looked for beside.

    Raises:
        DataError: one of the two is not there.
    """
    out = {}
    for path in paths:
        match = _NAME.fullmatch(path.name)
        if match is None:
            continue
        mate = "orderbook" if match["what"] == "message" else "message"
        name = path.name.replace(f"_{match['what']}_", f"_{mate}_")
        beside = [one for one in paths if one.parent == path.parent] + containers.siblings(path)
        # the same compression first: one file may be there in two
        found = next((one for one in beside if one.name == name), None) or next(
            (one for one in beside if _stem(one) == _stem(path.with_name(name))), None
        )
        if found is None:
            what = "its message file" if mate == "orderbook" else "its order book"
            raise errors.DataError(f"{path.with_name(name)}: no such file, wanted it beside {what}")
        message, book = (path, found) if mate == "orderbook" else (found, path)
        out[message] = book
    return out


def _stem(path):
    return path.name.split(".")[0]


def _recognise(path, head):
    match = _NAME.fullmatch(path.name)
    fields = head[0].split(",")
    return bool(match) and match["what"] == "message" and len(fields) in (6, 7)


def _stream(source):
    """Yields (symbol, rows): for an execution the trade, then the book it left."""
    match = _NAME.fullmatch(source.path.name)
    midnight = pd.Timestamp(match["date"], tz=_NEW_YORK).value
    messages, books = (_tables(path, count) for path, count in ((source.path, 6), (source.partner, 4)))
    row = 0
    for message, book in _together(source, messages, books):
        seconds = np.array([_ns(text) for text in message[0]], np.int64)
        ts = np.where(seconds == raw.TIME_UNKNOWN, raw.TIME_UNKNOWN, seconds + midnight)
        sequence = np.arange(row, row + len(ts))
        row += len(ts)
        what, size, price, direction = (_numbers(message[k]) for k in (1, 3, 4, 5))
        ask, ask_size, bid, bid_size = (_numbers(book[k]) for k in range(4))
        ask, bid = (np.where(np.abs(side) >= _EMPTY, np.nan, side * _PRICE) for side in (ask, bid))
        quotes = raw.quotes(ts, np.round(bid, 4), bid_size, np.round(ask, 4), ask_size, sequence)
        executed = (what == _VISIBLE) | (what == _HIDDEN)
        side = np.where(direction == 1, schema.SELL, np.where(direction == -1, schema.BUY, raw.WRONG_SIDE))
        trades = raw.trades(ts, np.round(price * _PRICE, 4), size, side, sequence)[executed]
        order = np.argsort(np.concatenate([np.flatnonzero(executed), sequence - sequence[0]]), kind="stable")
        yield source.symbol, np.concatenate([trades, quotes])[order]


def _tables(path, count):
    """Yields lists of `count` columns of text, _BATCH rows at a time."""
    with containers.reading(path), containers.open_text(path) as stream:
        frames = pd.read_csv(stream, header=None, usecols=range(count), dtype=str, chunksize=_BATCH)
        for frame in frames:
            yield [frame[k].to_numpy(object) for k in range(count)]


def _together(source, messages, books):
    for message in messages:
        book = next(books, None)
        if book is None or len(book[0]) != len(message[0]):
            raise errors.DataError(f"{source.path}: has more lines than {source.partner.name}, wanted as many")
        yield message, book
    if next(books, None) is not None:
        raise errors.DataError(f"{source.partner}: has more lines than {source.path.name}, wanted as many")


def _numbers(texts):
    return pd.to_numeric(pd.Series(texts), errors="coerce").to_numpy(np.float64)


def _ns(text):
    return columns.decimal_ns(text, 10**9) if isinstance(text, str) else raw.TIME_UNKNOWN


LAYOUTS = (layout.Layout(vendor="lobster", table="level 1", stream=_stream, recognise=_recognise, sequenced=True),)
