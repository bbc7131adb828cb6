"""Every layout of every vendor: a small file built from its documented facts, with the traps it is known for."""

import gzip
import pathlib
import zipfile

import numpy as np
import pandas as pd
import pytest

from tests.market.readers import cases, vendor_cases
from tfmm import errors
from tfmm.market import instruments, raw, readers, schema
from tfmm.market.readers import delimited, naming

CASES, MS, NAN = cases.CASES, cases.MS, cases.NAN
QUOTE, TRADE, BUY, SELL = schema.QUOTE, schema.TRADE, schema.BUY, schema.SELL
# vendors that have text alone come after the others
TABLES = [case for case in CASES if case[2][0].isalpha() and case not in vendor_cases.CASES]
IDS = [f"{layout}-{name}" for layout, name, _, _ in CASES]


def read(path):
    (source,) = readers.find(path).sources
    tally = delimited.Tally()
    found = [(naming.name(key).symbol, row) for key, rows in delimited.read(source, tally) for row in rows]
    return source, found, tally


def check(found, expected):
    assert [symbol for symbol, _ in found] == [row[0] for row in expected]
    rows = np.array([row for _, row in found], raw.RAW)
    for k, name in enumerate(("ts", "sequence", "lo", "hi", "lo_size", "hi_size", "kind", "side")):
        np.testing.assert_array_equal(rows[name], [row[k + 1] for row in expected], err_msg=name)


@pytest.mark.parametrize(("layout", "name", "text", "expected"), CASES, ids=IDS)
def test_a_file_of_the_layout_is_recognised_and_read(tmp_path, layout, name, text, expected):
    (tmp_path / name).write_text(text)
    source, found, tally = read(tmp_path / name)
    assert source.layout.name == layout
    check(found, expected)
    assert tally.malformed == 0


@pytest.mark.parametrize(("layout", "name", "text", "expected"), CASES, ids=IDS)
@pytest.mark.parametrize("container", ["gz", "zip", "bom"])
def test_containers(tmp_path, container, layout, name, text, expected):
    path = tmp_path / f"{name}.{container}" if container != "bom" else tmp_path / name
    if container == "gz":
        path.write_bytes(gzip.compress(text.encode()))
    elif container == "zip":
        path = tmp_path / f"{pathlib.Path(name).stem}.zip"
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(name, text)
    elif "_header" not in layout and text[0].isalpha():
        path.write_bytes(b"\xef\xbb\xbf" + text.encode())
    else:
        path.write_text(text.replace("\n", "\r\n"))
    check(read(path)[1], expected)


@pytest.mark.parametrize("suffix", ["parquet", "feather"])
@pytest.mark.parametrize(
    ("layout", "name", "text", "expected"), TABLES,
    ids=[f"{layout}-{name}" for layout, name, _, _ in TABLES],
)  # fmt: skip
def test_arrow_files_with_the_same_columns(tmp_path, suffix, layout, name, text, expected):
    (tmp_path / name).write_text(text)
    frame = pd.read_csv(tmp_path / name, dtype=str if name.startswith("BTCUSDT2024") else None)
    path = tmp_path / f"{name.split('.')[0]}.{suffix}"
    frame.to_parquet(path) if suffix == "parquet" else frame.to_feather(path)
    check(read(path)[1], expected)


def test_contracts_are_told_by_their_columns(tmp_path):
    known = {}
    for layout, name, text, _ in CASES:
        if "base_qty" in text or "homeNotional" in text:
            (tmp_path / name).write_text(text)
            _, _, tally = read(tmp_path / name)
            (known[layout],) = tally.contracts.values()
    # 50000 USD x 0.01 BTC / 5 contracts = 100 USD a contract
    assert known["binance COIN-M trades"] == instruments.Terms(inverse=True, multiplier=100.0, quote_currency="USD")
    assert known["bybit perpetual trades"] == instruments.Terms(inverse=False, multiplier=1.0)


def test_an_inverse_bybit_contract(tmp_path):
    path = tmp_path / "BTCUSD2024-01-01.csv"
    path.write_text(
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
        "1704067200.1,BTCUSD,Buy,1000,40000,PlusTick,abc,2e12,0.025,1000\n"
    )
    assert read(path)[2].contracts["BTCUSD"].inverse is True


def test_each_symbol_of_a_file_has_the_contract_that_its_own_rows_tell(tmp_path):
    """A day of BitMEX holds linear, inverse and quanto contracts; most rows are those of the inverse one.

    XBTUSD: 4000 USD / 40 000 = .1 XBT, inverse. ADAM19: 1000 ADA x .00002 = .02 XBT, linear. ETHUSD: 100 contracts of
    1e-6 XBT x 2000 = .2 XBT of 400 USD: neither.
    """
    path = tmp_path / "trade_20240101.csv"
    path.write_text(
        "timestamp,symbol,side,size,price,tickDirection,trdMatchID,grossValue,homeNotional,foreignNotional\n"
        "2024-01-01D00:00:01.000000000,ADAM19,Buy,1000,0.00002,PlusTick,a,1,1000,0.02\n"
        "2024-01-01D00:00:01.000000000,ETHUSD,Buy,100,2000,PlusTick,b,1,0.2,400\n"
        + "2024-01-01D00:00:01.000000000,XBTUSD,Sell,4000,40000,PlusTick,c,1,0.1,4000\n"
        * 5
    )
    assert read(path)[2].contracts == {
        "ADAM19": instruments.Terms(inverse=False, multiplier=1.0),
        "ETHUSD": instruments.Terms(),
        "XBTUSD": instruments.Terms(inverse=True, multiplier=1.0),
    }


def test_lobster_reads_its_two_files_together(tmp_path):
    start = "AMZN_2012-06-21_34200000_57600000_{}_1.csv"
    (tmp_path / start.format("message")).write_text(
        "34200.017459617,1,11885113,21,2238200,1\n34200.2,4,11885113,5,2238200,1\n34200.3,5,0,7,2238900,-1\n"
    )
    (tmp_path / start.format("orderbook")).write_text(
        "2239500,100,2238200,21\n2239500,100,2238200,16\n9999999999,0,2238200,16\n"
    )
    (source,) = readers.find(tmp_path).sources
    found = [(symbol, row) for symbol, rows in delimited.read(source, delimited.Tally()) for row in rows]
    opening = pd.Timestamp("2012-06-21 09:30", tz="America/New_York").value
    check(
        found,
        [
            ("AMZN", opening + 17_459_617, 0, 223.82, 223.95, 21, 100, QUOTE, 0),
            ("AMZN", opening + 200 * MS, 1, 223.82, 223.82, 5, 5, TRADE, SELL),
            ("AMZN", opening + 200 * MS, 1, 223.82, 223.95, 16, 100, QUOTE, 0),
            ("AMZN", opening + 300 * MS, 2, 223.89, 223.89, 7, 7, TRADE, BUY),
            ("AMZN", opening + 300 * MS, 2, 223.82, NAN, 16, 0, QUOTE, 0),
        ],
    )
    (tmp_path / start.format("orderbook")).write_text("2239500,100,2238200,21\n")
    with pytest.raises(errors.DataError, match="has more lines than AMZN_2012-06-21_34200000_57600000_orderbook"):
        list(delimited.read(source, delimited.Tally()))
    (tmp_path / start.format("orderbook")).unlink()
    with pytest.raises(errors.DataError, match="no such file, wanted it beside its message file"):
        readers.find(tmp_path)


def test_rows_with_a_wrong_cell_or_a_wrong_number_of_cells_are_counted_not_fatal(tmp_path):
    path = tmp_path / "BTCUSDT-bookTicker-2024-01-01.csv"
    path.write_text(
        cases.BOOK_HEADER + "99,42000.1,1.5,42000.2,2.5,1704067200001,1704067200004\n"
        "100,abc,1.5,42000.2,2.5,1704067200002,1704067200004\n"
        "101,42000.1,1.5,42000.2\n"
        "102,42000.1,1.5,42000.2,2.5,17040672,1704067200004\n"
    )
    _, found, tally = read(path)
    assert tally.malformed == 1
    assert [row["sequence"] for _, row in found] == [99, 100, 102]
    assert np.isnan(found[1][1]["lo"])
    assert found[2][1]["ts"] == raw.TIME_UNKNOWN


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file is empty"),
        ("ts,bid\n".encode("utf-16"), "is UTF-16, wanted UTF-8"),
        (b"a,b,c\n1,2,3\n", "no known layout has the first line 'a,b,c'"),
        (b"\x1f\x8b\x08\x00broken", "cannot be read"),
        (b"PK\x03\x04broken", "cannot be read"),
        (b"PAR1broken", "cannot be read"),
        (b"ts,bid,bid,ask\n1,2,3,4\n", "column bid is there twice"),
    ],
)
def test_files_that_are_no_market_data_are_refused_by_name(tmp_path, data, message):
    path = tmp_path / "file.csv"
    path.write_bytes(data)
    with pytest.raises(errors.DataError, match=message) as refusal:
        read(path)
    assert str(path) in str(refusal.value)


def test_a_forced_layout_must_fit(tmp_path):
    path = tmp_path / "BTCUSDT-trades-2021-01-01.csv"
    path.write_text("11,60000.1,0.010,600.001,1609459200001,false\n")
    assert readers.detect(path, "binance").layout.name == "binance USD-M trades"
    with pytest.raises(errors.DataError, match="no known layout has the first line '11,60000"):
        readers.detect(path, "tardis")


def test_every_real_file_is_recognised(shared_data):
    wanted = {
        "binance_usdm": {"tfmm"}, "us_equity": {"tfmm"}, "dirty": {"tfmm"}, "vendor/binance_stream": {"binance_stream"},
        "vendor/tardis": {"tardis"}, "vendor/bitmex": {"bitmex"},
    }  # fmt: skip
    for folder, vendors in wanted.items():
        assert {source.layout.vendor for source in readers.find(shared_data / folder).sources} == vendors


@pytest.mark.parametrize(("layout", "name", "text", "expected"), CASES, ids=IDS)
def test_damaged_files_of_any_layout_give_rows_or_an_error_that_names_them(tmp_path, layout, name, text, expected):
    path = tmp_path / name
    for seed in range(40):
        random = np.random.default_rng(seed)
        data = bytearray((text * 3).encode())
        for _ in range(random.integers(1, 6)):
            data[random.integers(0, len(data))] = random.integers(0, 256)
        path.write_bytes(data[: random.integers(1, len(data) + 1)])
        try:
            _, found, _ = read(path)
        except errors.DataError as error:
            assert str(path) in str(error), error
            continue
        for _, row in found:
            assert row["ts"] == raw.TIME_UNKNOWN or 631_152_000 <= row["ts"] // 10**9 <= 4_102_444_800
