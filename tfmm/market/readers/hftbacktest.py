"""hftbacktest .npz (version 2): events ev, exch_ts, local_ts, px, qty, order_id. Time exch_ts, ns.

ev holds the kind in its low byte (1 depth, 2 trade, 3 clear up to px, 4 depth of a snapshot, 5 best of a side; 10, 11,
12: order added, cancelled, changed), bit 29 buy, bit 28 sell (of a trade: the aggressor), bit 31 what happened at the
exchange; rows without it repeat it at the time of receipt. Rows of one time are one state of the book.
"""

import contextlib
import zipfile

import numpy as np
import pyarrow as pa

from tfmm import errors
from tfmm.market import raw, schema
from tfmm.market.readers import columns, containers, layout, order_book, orders

_EXCHANGE, _BUY, _SELL = 1 << 31, 1 << 29, 1 << 28
_DEPTH, _TRADE, _CLEAR, _SNAPSHOT, _BEST = 1, 2, 3, 4, 5
_WHAT = {_DEPTH: order_book.LEVEL, _CLEAR: order_book.RESET, _SNAPSHOT: order_book.LEVEL, _BEST: order_book.BEST}
_ACTIONS = {_CLEAR: "R", 10: "A", 11: "C", 12: "M"}
_KINDS = {"ev": "iu", "exch_ts": "iu", "px": "iuf", "qty": "iuf", "order_id": "iu"}  # of numpy's dtypes
_BLOCK_ROWS, _SAMPLED = 1 << 18, 200


@contextlib.contextmanager
def _open(path):
    """A binary stream of the events in the archive."""
    with containers.reading(path), containers.open_text(path) as file, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        with archive.open("data.npy" if "data.npy" in names else names[0]) as stream:
            yield stream


def _dtype(stream, path):
    """The dtype of a stream of npy, which is left at its first row."""
    try:
        version = np.lib.format.read_magic(stream)
        read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        shape, _, dtype = read(stream)
    except Exception as error:  # the header is Python, which fails in many ways where it is damaged
        raise errors.DataError(f"{path}: cannot be read: {error}") from error
    names = dtype.names or ()
    if not set(_KINDS) <= set(names) or any(dtype[name].kind not in kinds for name, kinds in _KINDS.items()):
        raise errors.DataError(
            f"{path}: a numpy array of {dtype} {shape}, wanted the events of hftbacktest 2: whole numbers ev, exch_ts "
            "and order_id, and numbers px, qty"
        )
    return dtype


def _stream(source):
    """Yields (symbol, order_book.UPDATE, orders.ORDER or raw.RAW)."""
    with _open(source.path) as stream:
        dtype, clock, row, by_order, begun = _dtype(stream, source.path), None, 0, False, False
        while block := stream.read(_BLOCK_ROWS * dtype.itemsize):
            events = np.frombuffer(block, dtype, len(block) // dtype.itemsize)
            clock = clock or columns.Clock([str(ns) for ns in events["exch_ts"][:_SAMPLED]])
            number = np.arange(row, row + len(events))
            row += len(events)
            there = (events["ev"] & _EXCHANGE) != 0
            events, number = events[there], number[there]
            kind = (events["ev"] & 0xFF).astype(np.int64)
            by_order |= bool((kind >= 10).any())
            side = np.where(events["ev"] & _BUY, schema.BUY, np.where(events["ev"] & _SELL, schema.SELL, 0))
            ts = clock.ns(pa.array(events["exch_ts"]))
            traded = kind == _TRADE
            yield source.symbol, raw.trades(*(one[traded] for one in (ts, events["px"], events["qty"], side, number)))
            meaning = _ACTIONS if by_order else _WHAT
            chosen = np.isin(kind, list(meaning))
            if not begun and chosen.any():
                # a file may begin with a snapshot of an empty book
                begun = True
                if kind[chosen][0] == _SNAPSHOT:
                    yield source.symbol, _begin(ts[chosen][0])
            yield (
                source.symbol,
                (_orders if by_order else _updates)(
                    ts[chosen], number[chosen], kind[chosen], side[chosen], events[chosen]
                ),
            )
    if len(block) % dtype.itemsize:
        yield source.symbol, raw.quotes(np.array([raw.TIME_UNKNOWN]), *np.full((4, 1), np.nan))  # cut


def _begin(ts):
    return order_book.updates(np.array([ts]), ts, np.array([np.nan]), np.zeros(1), order_book.RESET, 0)


def _updates(ts, number, kind, side, events):
    what = np.array([_WHAT.get(one, 0) for one in range(_BEST + 1)])[kind]
    return order_book.updates(ts, ts, events["px"], events["qty"], what, side, number)


def _orders(ts, number, kind, side, events):
    action = np.array([ord(_ACTIONS.get(one, "N")) for one in range(13)])[kind]
    # a cancel takes all that is left
    size = np.where(action == ord("C"), np.inf, events["qty"])
    return orders.create(
        flags=np.zeros(len(ts), np.int64), ts=ts, sequence=number, order_id=events["order_id"].astype(np.int64),
        px=events["px"], size=size, action=action, side=side,
    )  # fmt: skip


def _recognise(path, _):
    with _open(path) as stream:
        return bool(_dtype(stream, path))


LAYOUTS = (
    layout.Layout(
        vendor="hftbacktest", table="events", binary="npz", stream=_stream, recognise=_recognise, sequenced=True
    ),
)  # fmt: skip
