"""Layouts of order books: real files with known values, and what breaks a sequence of changes."""

import gzip

import numpy as np
import pytest

from tests.market.readers import book_cases
from tfmm import errors
from tfmm.market import readers, schema
from tfmm.market.readers import delimited, naming


def read(path):
    """(source, {symbol: rows}, tally)"""
    source, tally, parts = readers.find(path).sources[0], delimited.Tally(), {}
    for key, rows in delimited.read(source, tally):
        parts.setdefault(naming.name(key).symbol, []).append(rows)
    return source, {symbol: np.concatenate(rows) for symbol, rows in parts.items()}, tally


def best(row):
    return tuple(float(row[name]) for name in ("lo", "lo_size", "hi", "hi_size"))


@pytest.fixture
def shared_case(shared_data):
    def path(name):
        folder = shared_data.parent / "cases" / "ingest" / name / "raw"
        if not folder.is_dir():
            pytest.skip("no cases beside the checkout")
        return next(folder.iterdir())

    return path


def test_the_real_bybit_file(shared_case):
    source, found, tally = read(shared_case("lay_bybit_ob500_zip"))
    assert source.layout.name == "bybit order book"
    rows = found["XRPUSDT"]
    assert len(rows) == 48
    assert best(rows[0]) == (1.9531, 6203, 1.9532, 10480)
    assert best(rows[-1]) == (1.9537, 10605, 1.9538, 6702)
    assert (rows["ts"][[0, -1]] // 10**6).tolist() == [1733011200589, 1733011205488]
    assert tally.book["lost_updates"] == 0


def test_the_real_tardis_file(shared_case):
    source, found, tally = read(shared_case("lay_tardis_incremental_L2"))
    assert source.layout.name == "tardis incremental_book_L2"
    rows = found["XRPUSDT"]
    assert (len(rows), tally.book["book_updates"]) == (20, 1243)
    assert best(rows[0]) == (1.9531, 6203, 1.9532, 10480)
    assert best(rows[-1]) == (1.9534, 7584, 1.9535, 143)


def test_the_book_of_a_real_recorder_equals_its_book_ticker(shared_data, tmp_path):
    """Both say the best after an update id: each row of the book is compared with the last bookTicker up to its id."""
    recorded = shared_data / "vendor" / "binance_stream" / "btcusdt_20240808.gz"
    with gzip.open(recorded) as lines:
        (tmp_path / "depth.txt").write_bytes(b"".join(line for line in lines if b"bookTicker" not in line))
    source, found, tally = read(tmp_path / "depth.txt")
    assert source.layout.name == "binance_stream depth recorder"
    ticker = read(recorded)[1]["BTCUSDT"]
    rows = found["BTCUSDT"]
    trades = (rows["kind"] == schema.TRADE, ticker["kind"] == schema.TRADE)
    np.testing.assert_array_equal(rows[trades[0]], ticker[trades[1]])
    rows, ticker = rows[~trades[0]], ticker[~trades[1]]
    ticker = ticker[np.argsort(ticker["sequence"], kind="stable")]
    last = ticker[np.searchsorted(ticker["sequence"], rows["sequence"], side="right") - 1]
    assert len(rows) == 5672
    assert [best(row) for row in rows] == [best(row) for row in last]
    assert tally.book["lost_updates"] == 0


@pytest.mark.parametrize("name", ["2024-12-01_XRPUSDT_ob500.data", "okx.jsonl", "btcusdt.txt"])
def test_a_line_that_cannot_be_read_leaves_the_market_unknown(tmp_path, name):
    """The last line of the first book is cut: a row without a time is counted, and the book is unknown after it."""
    text = next(text for _, case, text, _ in book_cases.CASES if case == name)
    lines = text.splitlines()
    first = next(k for k, line in enumerate(lines) if "snapshot" in line or "lastUpdateId" in line)
    (tmp_path / name).write_text("\n".join([*lines[: first + 1], lines[0][:-9]]))
    _, found, tally = read(tmp_path / name)
    (rows,) = (rows for symbol, rows in found.items() if np.isfinite(rows["lo"]).sum() > 1 or len(rows) > 1)
    quotes = rows[rows["kind"] == schema.QUOTE]
    assert np.isnan(quotes["lo"][-1])
    assert tally.book["updates_not_understood"] == 1


@pytest.mark.parametrize(
    ("name", "lines"), [("okx.jsonl", (2, 3)), ("btcusdt.txt", (0, 1, 2, 4)), ("spot.jsonl", (1, 2))]
)
def test_changes_without_a_snapshot_are_refused_by_what_is_missing(tmp_path, name, lines):
    text = next(text for _, case, text, _ in book_cases.CASES if case == name).splitlines()
    (tmp_path / name).write_text("\n".join(text[k] for k in lines))
    with pytest.raises(
        errors.DataError, match=r"changes of the order book of BTC-?USDT, but no snapshot of it, wanted"
    ):
        read(tmp_path / name)


def test_a_snapshot_that_is_too_old_is_not_joined(tmp_path):
    """Futures: the first change begins at 104, the snapshot ends at 90: 91 to 103 are missing."""
    text = next(text for _, case, text, _ in book_cases.CASES if case == "btcusdt.txt").replace(":105,", ":90,")
    (tmp_path / "btcusdt.txt").write_text("\n".join(text.splitlines()[1:5]))
    with pytest.raises(errors.DataError, match="no snapshot"):
        read(tmp_path / "btcusdt.txt")
