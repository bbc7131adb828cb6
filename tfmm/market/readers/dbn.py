"""Databento's binary DBN: the rows and conventions of the CSV (see `databento`), of any schema with quotes or trades.

The vendor's own library reads the metadata and knows the fields of each record; the records are read as arrays.
Symbols are those of the metadata (or of symbol mapping records, in live captures) at the date of a row; an id without
one names itself.
"""

import pathlib

import databento_dbn
import numpy as np

from tfmm import errors, jit
from tfmm.market import raw, schema as schema_lib
from tfmm.market.readers import columns, containers, databento, dbn_symbols, layout, orders

_BLOCK_BYTES = 8 << 20
_LARGEST_METADATA = 1 << 26
_SIDES = {b"A": schema_lib.SELL, b"B": schema_lib.BUY}
_MAPPING = 0x16


def _price(values):
    return np.where(values == databento_dbn.UNDEF_PRICE, np.nan, values / databento_dbn.FIXED_PRICE_SCALE)


def _side(records, otherwise=schema_lib.UNKNOWN):
    side = records["side"]
    return np.select([side == word for word in _SIDES], list(_SIDES.values()), otherwise)


def _book(records):
    bid, ask = _price(records["bid_px_00"]), _price(records["ask_px_00"])
    return databento.book(records["flags"], bid, records["bid_sz_00"], ask, records["ask_sz_00"])


def _sequence(records):
    return records["sequence"] if "sequence" in records.dtype.names else np.full(len(records), raw.NO_SEQUENCE)


def _ns(values):
    inside = (values >= columns.EARLIEST_NS) & (values <= columns.LATEST_NS)
    return np.where(inside, values, 0).astype(np.int64) + np.where(inside, 0, raw.TIME_UNKNOWN)


def _time(records):
    return databento.time(records["flags"], _ns(records["ts_event"]), _ns(records["ts_recv"]))


def _events(records):
    """(rows, the record of each)"""
    trade = _price(records["price"]), records["size"], _side(records)
    return databento.events(_time(records), _sequence(records), _book(records), trade, records["action"] == b"T")


def _trades(records):
    traded = records[records["action"] == b"T"]
    rows = raw.trades(
        _ns(traded["ts_event"]), _price(traded["price"]), traded["size"], _side(traded), _sequence(traded)
    )
    return rows, np.flatnonzero(records["action"] == b"T")


def _quotes(records):
    return raw.quotes(_ns(records["ts_recv"]), *_book(records), _sequence(records)), np.arange(len(records))


def _orders(records):
    rows = orders.create(
        ts=_time(records), sequence=records["sequence"], order_id=records["order_id"].view(np.int64),
        side=_side(records), px=_price(records["price"]), size=records["size"], action=records["action"].view(np.int8),
        flags=records["flags"],
    )  # fmt: skip
    return rows, np.arange(len(rows))


_RECORDS = {
    0x00: (databento_dbn.TradeMsg, _trades),
    0x01: (databento_dbn.MBP1Msg, _events),
    0x0A: (databento_dbn.MBP10Msg, _events),
    0xA0: (databento_dbn.MBOMsg, _orders),
    0xB1: (databento_dbn.CMBP1Msg, _events),
    0xC0: (databento_dbn.CBBOMsg, _quotes),
    0xC1: (databento_dbn.CBBOMsg, _quotes),
    0xC2: (databento_dbn.CMBP1Msg, _events),
    0xC3: (databento_dbn.BBOMsg, _quotes),
    0xC4: (databento_dbn.BBOMsg, _quotes),
    0xC5: (databento_dbn.MBP1Msg, _events),
}  # by rtype

_CONSOLIDATED = (0xB1, 0xC0, 0xC1, 0xC2)
_DTYPES = {rtype: np.dtype(record._dtypes) for rtype, (record, _) in _RECORDS.items()}
_MAPPINGS = {np.dtype(one._dtypes).itemsize: np.dtype(one._dtypes) for one in
             (databento_dbn.SymbolMappingMsg, databento_dbn.SymbolMappingMsgV1)}  # fmt: skip
_SCHEMAS = ("mbp-1", "tbbo", "mbp-10", "trades", "bbo-1s", "bbo-1m", "mbo", "cmbp-1", "tcbbo", "cbbo-1s", "cbbo-1m")


def _metadata(stream, path):
    start = stream.read(8)
    length = int.from_bytes(start[4:], "little")
    if length > _LARGEST_METADATA:
        raise errors.DataError(f"{path}: DBN metadata of {length} bytes, wanted at most {_LARGEST_METADATA}")
    try:
        return databento_dbn.Metadata.decode(start + stream.read(length))
    except Exception as error:  # the library raises its own kind, and ValueError
        raise errors.DataError(f"{path}: cannot be read: {error}") from error


def _stream(source):
    """Yields (naming.Name, raw.RAW or orders.ORDER)."""
    with containers.open_text(source.path) as stream:
        names = dbn_symbols.Symbols(_metadata(stream, source.path))
        rest = b""
        while block := stream.read(_BLOCK_BYTES):
            data = np.frombuffer(rest + block, np.uint8)
            offsets, end = _offsets(data)
            if end < len(data) and not data[end]:
                raise errors.DataError(f"{source.path}: a record of 0 bytes, the file is damaged")
            rest = data[end:].tobytes()
            yield from _rows(data, offsets, names)
    if rest:
        yield source.symbol, raw.quotes(np.array([raw.TIME_UNKNOWN]), *np.full((4, 1), np.nan))  # cut


def _rows(data, offsets, names):
    kinds = data[offsets + 1] if len(offsets) else np.empty(0, np.uint8)
    for offset in offsets[kinds == _MAPPING]:
        dtype = _MAPPINGS.get(int(data[offset]) * 4)
        if dtype is not None:
            names.add(data[offset : offset + dtype.itemsize].view(dtype)[0])
    for kind in np.unique(kinds):
        if kind not in _RECORDS:
            continue
        dtype, chosen = _DTYPES[kind], offsets[kinds == kind]
        chosen = chosen[data[chosen].astype(np.int64) * 4 >= dtype.itemsize]
        if len(chosen) * dtype.itemsize == len(data):
            records = data.view(dtype)
        else:
            records = data[chosen[:, None] + np.arange(dtype.itemsize)].view(dtype)[:, 0]
        rows, index = _RECORDS[kind][1](records)
        ids = records[["publisher_id", "instrument_id"]][index]
        if kind in _CONSOLIDATED:
            ids["publisher_id"] = 0  # of the last event, while the quotes are those of all venues together
        yield from names.split(ids, rows["ts"], rows)


@jit.kernel
def _offsets(data):
    """(where each whole record begins, where the last of them ends)."""
    out = np.empty(len(data) // 16 + 1, np.int64)
    count = at = 0
    while at < len(data) and data[at] >= 4 and at + 4 * np.int64(data[at]) <= len(data):
        out[count] = at
        count += 1
        at += 4 * np.int64(data[at])
    return out[:count], at


def schema_of(path: pathlib.Path) -> str:
    """The schema in the metadata of a DBN file, "" of a live capture with several."""
    with containers.reading(path), containers.open_text(path) as stream:
        return str(_metadata(stream, path).schema or "")


_OTHERS = {
    "ohlcv": databento_dbn.OHLCVMsg, "definition": databento_dbn.InstrumentDefMsg, "statistics": databento_dbn.StatMsg,
    "status": databento_dbn.StatusMsg, "imbalance": databento_dbn.ImbalanceMsg,
}  # fmt: skip


def fields(path: pathlib.Path) -> list[str]:
    """Names of the columns of a DBN file that is not read, as its CSV has them."""
    record = _OTHERS.get(schema_of(path).split("-")[0])
    return list(record._ordered_fields) if record else []


def unread(path: pathlib.Path) -> str:
    """What to say of such a file."""
    return f"is DBN of schema {schema_of(path)}, wanted one with quotes or trades: {', '.join(_SCHEMAS)}"


def _layout(schema):
    return layout.Layout(
        vendor="databento", table=f"DBN {schema}".strip(), binary="dbn", stream=_stream, sequenced=True,
        recognise=lambda path, _: schema_of(path) == schema,
    )  # fmt: skip


LAYOUTS = tuple(_layout(schema) for schema in (*_SCHEMAS, ""))
