"""Times that cannot be true, from the file to the store or the line that refuses it."""

import json

import numpy as np
import pandas as pd
import pytest

from tests.market import tob_files, vendor_files
from tfmm.market.ingest import prepare, quality_table


def test_local_times_of_the_night_of_a_clock_change_are_refused(tmp_path):
    """A price that only rises, stamped by a clock in New York on 3 November 2024, when 01:00 to 02:00 comes twice."""
    local = pd.date_range("2024-11-03 04:00", periods=4000, freq="3600ms", tz="UTC").tz_convert("America/New_York")
    bid = (100 + 0.01 * np.arange(4000)).round(2)
    text = local.tz_localize(None).strftime("%Y-%m-%d %H:%M:%S.%f")
    quotes = pd.DataFrame({"ts": text, "bid": bid, "bid_size": 5, "ask": (bid + 0.02).round(2), "ask_size": 5})
    trades = quotes.iloc[5::10].rename(columns={"ask": "price", "bid_size": "size"})[["ts", "price", "size"]]
    raw_dir = tob_files.write(tmp_path / "raw", quotes, trades.assign(side=np.arange(len(trades)) % 2 * 2 - 1))
    # two hours of 1000 rows each, then again from 01:00
    with pytest.raises(
        prepare.Refused,
        match=r"tob_X_20240102\.csv: after 2000 quotes time jumps back from 2024-11-03 01:59:56\.400 to "
        r"2024-11-03 01:00:00\.000 .local times at a clock change",
    ):
        prepare.prepare(raw_dir, tmp_path / "store", tob_files.request())
    assert not (tmp_path / "store").exists()
    # the same night with offsets is one that only rises
    quotes["ts"] = [one.isoformat() for one in local]
    trades["ts"] = quotes["ts"].iloc[5::10]
    tob_files.write(tmp_path / "raw", quotes, trades.assign(side=np.arange(len(trades)) % 2 * 2 - 1))
    out, _ = prepare.prepare(raw_dir, tmp_path / "store", tob_files.request())
    mids = out.events[out.events["kind"] == 0]["lo_tick"]
    assert len(mids) == 4000
    assert (np.diff(mids) == 1).all()


def test_files_from_new_to_old_make_the_same_store(tmp_path):
    quotes, trades = tob_files.market()
    # two rows of each time: their order among themselves is turned round as well
    quotes["ts"] = quotes["ts"].to_numpy()[np.arange(4000) // 2 * 2]
    trades["ts"] = trades["ts"] // 10**9 * 10**9
    out, report = prepare.prepare(
        tob_files.write(tmp_path / "raw", quotes, trades), tmp_path / "one", tob_files.request()
    )
    raw_dir = tob_files.write(tmp_path / "turned", quotes[::-1], trades[::-1])
    turned, told = prepare.prepare(raw_dir, tmp_path / "two", tob_files.request())
    np.testing.assert_array_equal(turned.events, out.events)
    assert (report[0]["out_of_order"], told[0]["out_of_order"]) == (0, 0)
    assert "note: tob_X_20240102.csv: its quotes stand from new to old" in quality_table.table(told)


def test_times_of_a_spreadsheet_are_refused(tmp_path):
    quotes, trades = tob_files.market(hours=8)
    for frame in (quotes, trades):
        frame["ts"] = [f"{ts // 10**6:.5E}" for ts in frame["ts"]]  # 1.70420E+12
    raw_dir = tob_files.write(tmp_path / "raw", quotes, trades)
    with pytest.raises(prepare.Refused, match=r"tob_X_20240102\.csv: times are rounded: 4000 rows have 4 distinct"):
        prepare.prepare(raw_dir, tmp_path / "store", tob_files.request())


def test_missing_trades_are_counted_in_the_report(tmp_path):
    raw_dir = tmp_path / "raw"
    raw_dir.mkdir()
    for name, text in (vendor_files.book(0)[:2], vendor_files.prints(0, rows=200)):
        lines = text.splitlines()
        # prints are numbered from 1: row k of the file is trade k
        kept = [line for k, line in enumerate(lines) if "trades" not in name or not 30 <= k < 70]
        (raw_dir / name).write_text("\n".join(kept) + "\n")
    _, report = prepare.prepare(raw_dir, tmp_path / "store", vendor_files.request())
    assert (report[0]["missing_trades"], report[0]["trade_id_holes"]) == (40, 1)
    assert "40 trade ids are missing in 1 holes (first 30 to 69, before 2024-01-01T" in quality_table.table(report)
    kept = json.loads((tmp_path / "store" / prepare.QUALITY).read_text())["sessions"][0]
    assert kept["missing_trades"] == 40


def test_times_of_another_day_than_the_name_says_are_told(tmp_path):
    quotes, trades = tob_files.market(rows=400, trades=40)
    for frame in (quotes, trades):
        frame["ts"] -= 40 * 24 * tob_files.HOUR
    raw_dir = tob_files.write(tmp_path / "raw", quotes, trades)
    _, report = prepare.prepare(raw_dir, tmp_path / "store", tob_files.request())
    told = "tob_X_20240102.csv: its times begin at 2023-11-23T14:00:00, not on the day of its name"
    assert told in quality_table.table(report)
