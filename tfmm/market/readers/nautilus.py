"""The catalogue of nautilus_trader: parquet files of quotes and trades of one instrument.

Prices and sizes are whole numbers of 8 or 16 bytes, in 1e-9 or 1e-16; the instrument (EUR/USD.SIM) stands in the
metadata; ts_event in ns UTC; aggressor_side 1 the buyer, 2 the seller, 0 none.
"""

import numpy as np
import pyarrow as pa
from pyarrow import parquet

from tfmm.market import raw, schema
from tfmm.market.readers import columns, containers, layout

_SCALES = {8: 1e9, 16: 1e16}
_QUOTES = ("bid_price", "bid_size", "ask_price", "ask_size")
_SIDES = np.array([schema.UNKNOWN, schema.BUY, schema.SELL, raw.WRONG_SIDE], np.int16)


def _schema(path):
    with containers.reading(path), containers.open_text(path) as file:
        return parquet.read_schema(file)


def _is_table(names):
    def recognise(path, _head):
        found = _schema(path)
        if not {"ts_event", *names} <= set(found.names):
            return False
        return all(pa.types.is_fixed_size_binary(found.field(name).type) for name in names)

    return recognise


def _symbol(source):
    metadata = _schema(source.path).metadata or {}
    return metadata.get(b"instrument_id", source.symbol.encode()).decode()


def _numbers(column):
    """(K,) float64 nearest to the decimal numbers."""
    width = column.type.byte_width
    whole = [int.from_bytes(cell, "little", signed=True) for cell in column.to_pylist()]
    return np.array([value / _SCALES[width] for value in whole])


def _quotes(source):
    for batch in containers.tables(source.path, ["ts_event", *_QUOTES]):
        yield _symbol(source), raw.quotes(_times(batch), *(_numbers(batch.column(name)) for name in _QUOTES))


def _trades(source):
    for batch in containers.tables(source.path, ["ts_event", "price", "size", "aggressor_side"]):
        side = _SIDES[np.minimum(batch.column("aggressor_side").to_numpy(zero_copy_only=False), 3)]
        price, size = (_numbers(batch.column(name)) for name in ("price", "size"))
        yield _symbol(source), raw.trades(_times(batch), price, size, side)


def _times(batch):
    ts = batch.column("ts_event").to_numpy(zero_copy_only=False).astype(np.int64)
    return np.where((ts >= columns.EARLIEST_NS) & (ts <= columns.LATEST_NS), ts, raw.TIME_UNKNOWN)


LAYOUTS = (
    layout.Layout(vendor="nautilus", table="quotes", binary="parquet", recognise=_is_table(_QUOTES), stream=_quotes),
    layout.Layout(
        vendor="nautilus", table="trades", binary="parquet", recognise=_is_table(("price", "size")), stream=_trades
    ),
)
