"""Layouts that need more than a text: zones that the user gives, tables of bytes, files that are refused by name."""

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.market.readers import test_layouts
from tfmm import errors
from tfmm.market import raw, readers, schema
from tfmm.market.ingest import prepare, quality_table
from tfmm.market.readers import delimited, layout, local_times

MT5 = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>\n"
MT5 += "2022.11.10\t15:00:00.017\t0.86682\t0.86712\t\t\t6\n2022.11.10\t15:00:00.228\t\t0.86710\t\t\t4\n"


def _whole(values, width, scale):
    return pa.array([round(v * scale).to_bytes(width, "little", signed=True) for v in values], pa.binary(width))


@pytest.mark.parametrize(("width", "scale"), [(8, 10**9), (16, 10**16)])
def test_a_nautilus_catalogue(tmp_path, width, scale):
    ts = np.array([1577898000000000065, 1577898000000000066], np.uint64)
    columns = {"bid_price": [1.12, 1.13], "ask_price": [1.14, 1.15], "bid_size": [5.0, 6.0], "ask_size": [7.0, 8.0]}
    arrays = {name: _whole(values, width, scale) for name, values in columns.items()}
    named = {"instrument_id": "EUR/USD.SIM"}
    table = pa.table({**arrays, "ts_event": ts, "ts_init": ts}).replace_schema_metadata(named)
    parquet.write_table(table, tmp_path / "quotes.parquet")
    source, found, _ = test_layouts.read(tmp_path / "quotes.parquet")
    assert source.layout.name == "nautilus quotes"
    none = raw.NO_SEQUENCE
    test_layouts.check(found, [
        ("EUR/USD.SIM", int(ts[0]), none, 1.12, 1.14, 5, 7, schema.QUOTE, 0),
        ("EUR/USD.SIM", int(ts[1]), none, 1.13, 1.15, 6, 8, schema.QUOTE, 0),
    ])  # fmt: skip
    side = pa.array([1, 2], pa.uint8())
    trades = {"price": _whole([1.12, 1.13], width, scale), "size": _whole([5, 6], width, scale), "aggressor_side": side}
    table = pa.table({**trades, "ts_event": ts}).replace_schema_metadata(named)
    parquet.write_table(table, tmp_path / "trades.parquet")
    _, found, _ = test_layouts.read(tmp_path / "trades.parquet")
    test_layouts.check(found, [
        ("EUR/USD.SIM", int(ts[0]), none, 1.12, 1.12, 5, 5, schema.TRADE, schema.BUY),
        ("EUR/USD.SIM", int(ts[1]), none, 1.13, 1.13, 6, 6, schema.TRADE, schema.SELL),
    ])  # fmt: skip


def test_metatrader_wants_a_zone_and_keeps_the_side_that_is_unchanged(tmp_path):
    path = tmp_path / "EURGBP_202211.csv"
    path.write_text(MT5)
    (source,) = readers.find(path).sources
    with pytest.raises(errors.DataError, match="wanted --time-zone"):
        list(delimited.read(source, delimited.Tally()))
    ((symbol, rows),) = delimited.read(dataclasses.replace(source, zone="Europe/Athens"), delimited.Tally())
    assert symbol == "EURGBP"
    begin = pd.Timestamp("2022-11-10 13:00:00", tz="UTC").value
    np.testing.assert_array_equal(rows["ts"], [begin + 17 * 10**6, begin + 228 * 10**6])
    np.testing.assert_array_equal(rows["lo"], [0.86682, 0.86682])
    np.testing.assert_array_equal(rows["hi"], [0.86712, 0.86710])


def test_quotes_without_sizes_are_refused_until_a_size_is_assumed(tmp_path):
    raw_dir = tmp_path / "raw"
    raw_dir.mkdir()
    rows = "".join(f"20200101 1700{k:02d}065,1.1{k % 7},1.2{k % 7},0\n" for k in range(60))
    (raw_dir / "DAT_ASCII_EURUSD_T_202001.csv").write_text(rows)
    with pytest.raises(prepare.Refused, match="quotes have no sizes: --assume-size SIZE gives all of them one"):
        prepare.prepare(raw_dir, tmp_path / "store", prepare.Request(plots=False, jobs=1))
    for name, size, changes in (("store", 1e6, {"assume_size": 1e6}), ("allowed", 1.0, {"allow": True})):
        request = prepare.Request(plots=False, jobs=1, **changes)
        store, reports = prepare.prepare(raw_dir, tmp_path / name, request)
        assert (reports[0]["assumed_size"], reports[0]["unsized"], reports[0]["refused"]) == (size, 60, [])
        assert len(store.events) == 60
        assert set(store.events["lo_size"]) == set(store.events["hi_size"]) == {size}
        text = quality_table.table(reports)
        assert f"60 quotes without sizes are given the size {size:g}" in text
        assert text.count("no trades of EURUSD, so their quotes can be filled by clients only") == 1


@pytest.mark.parametrize("changes", [{"assume_size": 5.0}, {"allow": True}])
def test_an_assumed_size_leaves_what_is_given_alone(tmp_path, changes):
    """Coinbase's ticker of 2021 has no sizes, its trades have; with --allow its quotes are of one lot."""
    lines = []
    for k in range(60):
        rest = f'"product_id":"SKL-USD","time":"2021-04-17T16:43:{k:02d}.056746Z"'
        lines.append(f'{{"type":"ticker","sequence":{2 * k},"best_bid":"0.7{k}01","best_ask":"0.7{k}11",{rest}}}')
        trade = f'"type":"match","trade_id":{k + 1},"side":"sell","size":"{k + 1}.3","price":"0.7{k}01"'
        lines.append(f"{{{trade},{rest}}}")
    (tmp_path / "coinbase.jsonl").write_text("\n".join(lines))
    request = prepare.Request(plots=False, jobs=1, **changes)
    store, (report,) = prepare.prepare(tmp_path / "coinbase.jsonl", tmp_path / "store", request)
    quotes = store.events["kind"] == schema.QUOTE
    assert set(store.events["lo_size"][quotes]) == {changes.get("assume_size", 0.1)}
    assert report["lot_size"] == 0.1
    assert store.events["lo_size"][~quotes][0] == 1.3
    assert (report["quotes_kept"], report["trades_kept"]) == (60, 60)


def test_single_quotes_without_a_size_are_dropped_even_where_much_is_allowed(tmp_path):
    ts = 1_577_880_000 * 10**9 + np.arange(60) * 10**9
    sizes = np.where(np.arange(60) % 3 == 1, np.nan, 5.0)
    quotes = pd.DataFrame({"ts": ts, "bid": 1.0, "bid_size": sizes, "ask": 1.01 + np.arange(60) % 2, "ask_size": 7.0})
    quotes.to_csv(tmp_path / "tob_X_20200101.csv", index=False)
    request = prepare.Request(plots=False, jobs=1, allow=True)
    _, (report,) = prepare.prepare(tmp_path / "tob_X_20200101.csv", tmp_path / "store", request)
    assert report["dropped"] == {"quotes_no_size": 20}
    assert (report["unsized"], report["assumed_size"]) == (20, None)


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("20131007_ibm_Quote_Tick.csv", "14400054,0,0,1836300,100,Q,1,0\n",
         "quotes of QuantConnect Lean in 8 columns, .* those of equities are not read"),
        ("20140501_eurusd_tick_quote.csv", "1000,1.38,1.39\n", "in no folder `oanda` or `fxcm`, wanted --time-zone"),
        ("FOB_20110531.csv", "#SYMBOL,SYSTEM,TYPE,MOMENT,DEAL_ID,PRICE,VOLUME,\nX,P,S,20110531194810000,1,1,1,D\n",
         r"ticks of MOEX FORTS \(type B\), which are not read"),
    ],
)  # fmt: skip
def test_files_that_cannot_be_read_are_refused_by_name(tmp_path, name, text, words):
    (tmp_path / name).write_text(text)
    with pytest.raises(errors.DataError, match=words):
        prepare.prepare(tmp_path / name, tmp_path / "store", prepare.Request(plots=False, jobs=1))


def test_a_local_time_that_comes_twice_or_never_is_not_known():
    words = layout.Words(
        np.array([0, 1, 2, -1], np.int32), ("2024-11-03 01:30:00", "2024-03-10 02:30:00", "2024-11-03 03:30:00")
    )
    out = local_times.ns(words, "ISO8601", "America/New_York")
    unknown = raw.TIME_UNKNOWN
    assert out.tolist() == [unknown, unknown, pd.Timestamp("2024-11-03 08:30", tz="UTC").value, unknown]
