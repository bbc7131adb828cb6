"""hftbacktest's npz: kinds and flags of events."""

import gzip
import zipfile

import numpy as np
import pytest

from tfmm import errors
from tfmm.market import readers, schema
from tfmm.market.readers import delimited

BUY, SELL, NAN = schema.BUY, schema.SELL, np.nan
BOTH, EXCHANGE, LOCAL = 0xC0000000, 0x80000000, 0x40000000
SIDE = {BUY: 1 << 29, SELL: 1 << 28, 0: 0}
DEPTH, TRADE, CLEAR, SNAPSHOT, BEST, ADD, CANCEL, CHANGE = 1, 2, 3, 4, 5, 10, 11, 12
START = 1_680_652_700_000_000_000
EVENT = np.dtype(
    [("ev", "<u8"), ("exch_ts", "<i8"), ("local_ts", "<i8"), ("px", "<f8"), ("qty", "<f8"), ("order_id", "<u8"),
     ("ival", "<i8"), ("fval", "<f8")]
)  # fmt: skip


def read(path, *events):
    """events: (ms, kind, side, price, size, order id, where it is seen)."""
    rows = np.zeros(len(events), EVENT)
    for k, (ms, kind, side, px, qty, number, where) in enumerate(events):
        ns = START + ms * 10**6
        rows[k] = (kind | SIDE[side] | where, ns, ns + 5, px, qty, number, 0, 0)
    np.savez_compressed(path, data=rows)
    return _read(path)


def _read(path):
    source, tally, parts = readers.detect(path), delimited.Tally(), {}
    for symbol, rows in delimited.read(source, tally):
        parts.setdefault(symbol, []).append(rows)
    assert source.layout.name == "hftbacktest events"
    ((symbol, parts),) = parts.items()
    rows = np.concatenate(parts)
    names = ("ts", "lo", "lo_size", "hi", "hi_size", "side")
    quotes, trades = (
        [((row["ts"] - START) / 1e6, *(row[name] for name in names[1:])) for row in rows if row["kind"] == kind]
        for kind in (schema.QUOTE, schema.TRADE)
    )
    return symbol, quotes, trades


def test_a_book_with_a_snapshot_trades_and_rows_seen_later(tmp_path):
    symbol, quotes, trades = read(
        tmp_path / "btcusdt_20230404.npz",
        (0, TRADE, SELL, 10, 1, 0, BOTH),
        (1, CLEAR, BUY, 9, 0, 0, BOTH), (1, SNAPSHOT, BUY, 10, 2, 0, BOTH), (1, SNAPSHOT, BUY, 9, 3, 0, BOTH),
        (1, CLEAR, SELL, 12, 0, 0, BOTH), (1, SNAPSHOT, SELL, 11, 4, 0, BOTH),
        (2, DEPTH, BUY, 10, 0, 0, EXCHANGE), (3, DEPTH, BUY, 10, 0, 0, LOCAL),
        (4, TRADE, BUY, 11, 1, 0, BOTH), (4, DEPTH, SELL, 11, 3, 0, BOTH), (5, BEST, SELL, 11.5, 1, 0, BOTH),
    )  # fmt: skip
    assert symbol == "BTCUSDT"
    assert trades == [(0, 10, 1, 10, 1, SELL), (4, 11, 1, 11, 1, BUY)]
    assert quotes == [(1, 10, 2, 11, 4, 0), (2, 9, 3, 11, 4, 0), (4, 9, 3, 11, 3, 0), (5, 9, 3, 11.5, 1, 0)]


def test_a_file_may_begin_with_a_snapshot(tmp_path):
    _, quotes, _ = read(tmp_path / "x.npz", (1, SNAPSHOT, BUY, 10, 2, 0, BOTH), (1, SNAPSHOT, SELL, 11, 4, 0, BOTH))
    assert quotes == [(1, 10, 2, 11, 4, 0)]


@pytest.mark.parametrize("how", ["zip", "gz"])
def test_an_archive_in_another_container(tmp_path, how):
    """Some download it packed, though it is a zip itself."""
    events = (1, SNAPSHOT, BUY, 10, 2, 0, BOTH), (1, SNAPSHOT, SELL, 11, 4, 0, BOTH)
    read(tmp_path / "x.npz", *events)
    data = (tmp_path / "x.npz").read_bytes()
    packed = tmp_path / f"y.npz.{how}"
    if how == "gz":
        packed.write_bytes(gzip.compress(data))
    else:
        with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("x.npz", data)
    (source,) = readers.find(packed).sources
    assert [len(rows) for _, rows in delimited.read(source, delimited.Tally()) if len(rows)] == [1]


def test_orders(tmp_path):
    """Order 1 of 2 and order 2 of 3 at 10; order 1 is cancelled, order 3 changes from 11 to 12."""
    _, quotes, _ = read(
        tmp_path / "x.npz",
        (0, CLEAR, 0, NAN, 0, 0, BOTH), (1, ADD, BUY, 10, 2, 1, BOTH), (1, ADD, BUY, 10, 3, 2, BOTH),
        (1, ADD, SELL, 11, 4, 3, BOTH), (2, CANCEL, BUY, 10, 0, 1, BOTH), (3, CHANGE, SELL, 12, 1, 3, BOTH),
    )  # fmt: skip
    assert quotes == [(1, 10, 5, 11, 4, 0), (2, 10, 3, 11, 4, 0), (3, 10, 3, 12, 1, 0)]


def test_changes_without_a_snapshot_and_other_arrays_are_refused(tmp_path):
    with pytest.raises(errors.DataError, match="1 changes of the order book of X, but no snapshot"):
        read(tmp_path / "x.npz", (1, DEPTH, BUY, 10, 2, 0, BOTH))
    np.savez(tmp_path / "y.npz", data=np.zeros((3, 6)))
    with pytest.raises(errors.DataError, match=r"y.npz: a numpy array of float64 \(3, 6\), wanted the events of hft"):
        readers.detect(tmp_path / "y.npz")


def test_the_real_file(shared_data):
    folder = shared_data.parent / "cases" / "ingest" / "lay_hftbacktest_npz" / "raw"
    if not folder.is_dir():
        pytest.skip("no cases beside the checkout")
    symbol, quotes, trades = _read(next(folder.iterdir()))
    assert symbol == "BTCUSDT"
    assert (len(trades), sum(row[-1] == BUY for row in trades)) == (100, 40)
    assert quotes[0][1:5] == (28145.1, 3.818, 28145.2, 6.833)
