"""Which rows are of one instrument and session: venues, contracts, days that lack an instrument, ends of days."""

import numpy as np
import pytest

from tests.market import tob_files, vendor_files
from tfmm import errors
from tfmm.market import schema
from tfmm.market.ingest import prepare

request = vendor_files.request
US, DAY = 10**6, 86_400 * 10**6
START = 1_704_153_600_000_000  # 2024-01-02, us


def tardis(folder, venue, symbol="BTCUSDT", px=43_000.0, day=0, rows=400, name=None):
    """Quotes of a market that never moves, and trades at its touch."""
    folder.mkdir(parents=True, exist_ok=True)
    date = str(np.datetime64("2024-01-02") + day)
    quotes = ["exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount"]
    trades = ["exchange,symbol,timestamp,local_timestamp,id,side,price,amount"]
    for k in range(rows):
        ts = START + day * DAY + k * US
        quotes.append(f"{venue},{symbol},{ts},{ts},2,{px + 0.1:.1f},{px:.1f},{1 + k % 3}")
        if k % 4 == 1:
            side, at = ("buy", px + 0.1) if k % 8 == 1 else ("sell", px)
            trades.append(f"{venue},{symbol},{ts + 5},{ts},{k},{side},{at:.1f},1")
    for kind, lines in (("quotes", quotes), ("trades", trades)):
        (folder / f"{name or venue}_{kind}_{date}_{symbol}.csv").write_text("\n".join(lines) + "\n")


def mids(out, index):
    events = out.tape(out.sessions[0].name).events
    own = events[(events["instrument"] == index) & (events["kind"] == schema.QUOTE)]
    return set(((own["lo_tick"] + own["hi_tick"]) / 2 * out.instruments[index].tick_size).round(6))


def test_two_venues_are_two_books(tmp_path):
    tardis(tmp_path / "raw", "binance-futures", px=43_000.0)
    tardis(tmp_path / "raw", "bybit", px=43_010.0)
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.symbol for one in out.instruments] == ["BTCUSDT@BINANCE-FUTURES", "BTCUSDT@BYBIT"]
    assert [one.quote_currency for one in out.instruments] == ["USDT", "USDT"]
    assert mids(out, 0) == {43_000.05}
    assert mids(out, 1) == {43_010.05}
    assert [one["venue"] for one in report] == ["binance-futures", "bybit"]
    one, _ = prepare.prepare(tmp_path / "raw", tmp_path / "one", request(symbols=("BTCUSDT@BYBIT",)))
    assert [each.symbol for each in one.instruments] == ["BTCUSDT@BYBIT"]
    assert mids(one, 0) == {43_010.05}
    with pytest.raises(
        errors.ConfigError, match=r"of several venues, wanted some of BTCUSDT@BINANCE-FUTURES, BTCUSDT@BYB"
    ):
        prepare.prepare(tmp_path / "raw", tmp_path / "two", request(symbols=("BTCUSDT",)))


def test_one_venue_keeps_the_plain_name_and_a_store_takes_no_other_venue(tmp_path):
    tardis(tmp_path / "raw", "bybit")
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.symbol for one in out.instruments] == ["BTCUSDT"]
    tardis(tmp_path / "more", "okex", day=1)
    with pytest.raises(errors.DataError, match=r"BTCUSDT is of okx, but in store .* of bybit"):
        prepare.prepare(tmp_path / "more", tmp_path / "store", request(add=True))
    tardis(tmp_path / "same", "bybit", day=1)
    grown, _ = prepare.prepare(tmp_path / "same", tmp_path / "store", request(add=True))
    assert len(grown.sessions) == 2


def test_venues_of_folders(tmp_path):
    for venue, seed in (("binance", 0), ("kraken", 1)):
        tob_files.write(tmp_path / "raw" / venue, *tob_files.market(400, 1.0, 50, seed=seed))
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.symbol for one in out.instruments] == ["X@BINANCE", "X@KRAKEN"]


def test_a_file_that_does_not_say_which_of_two_venues_it_is_of_is_refused(tmp_path):
    for venue, seed in (("binance", 0), ("kraken", 1), ("other", 2)):
        tob_files.write(tmp_path / "raw" / venue, *tob_files.market(400, 1.0, 50, seed=seed))
    with pytest.raises(
        errors.DataError, match=r"other/t.*does not say of which venue its X is.*of binance and of kraken"
    ):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())


def test_contracts_of_one_parent_symbol_are_instruments_of_their_own(tmp_path):
    header = (
        "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,sequence,"
    )
    lines = [header + "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_ct_00,ask_ct_00,symbol"]
    for k in range(400):
        ts, number = START * 1000 + k * 10**9 + k * 7919 % 1000, (4916, 17077)[k % 2]
        bid = 4700.0 if number == 4916 else 4750.0
        kinds = {1: ("T", "B", bid + 0.25), 3: ("T", "A", bid)}
        action, side, at = kinds.get(k // 2 % 4, ("A", "B", bid))
        lines.append(
            f"{ts},{ts},1,1,{number},{action},{side},0,{at},{1 + k % 5},0,0,{k},{bid},{bid + 0.25},3,4,1,1,ES.FUT"
        )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "glbx-mdp3-20240102.mbp-1.csv").write_text("\n".join(lines) + "\n")
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.symbol for one in out.instruments] == ["ES.FUT.17077", "ES.FUT.4916"]
    assert mids(out, 0) == {4750.125}
    assert mids(out, 1) == {4700.125}
    one, _ = prepare.prepare(tmp_path / "raw", tmp_path / "one", request(symbols=("ES.FUT.4916",)))
    assert mids(one, 0) == {4700.125}


def test_consolidated_quotes_of_several_publishers_are_one_instrument(tmp_path):
    header = "ts_recv,ts_event,rtype,publisher_id,instrument_id,action,side,depth,price,size,flags,ts_in_delta,"
    lines = [header + "bid_px_00,ask_px_00,bid_sz_00,ask_sz_00,bid_pb_00,ask_pb_00,symbol"]
    for k in range(400):
        ts = START * 1000 + k * 10**9 + k * 7919 % 1000
        action, side, at = {1: ("T", "B", 100.01), 3: ("T", "A", 100.0)}.get(k % 4, ("A", "B", 100.0))
        lines.append(
            f"{ts},{ts},177,{(2, 39)[k % 2]},7,{action},{side},0,{at},{1 + k % 5},0,0,100.0,100.01,3,4,2,39,ABC"
        )
    (tmp_path / "raw").mkdir()
    (tmp_path / "raw" / "dbeq-basic-20240102.cmbp-1.csv").write_text("\n".join(lines) + "\n")
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.symbol for one in out.instruments] == ["ABC"]


def test_a_session_that_lacks_an_instrument_is_refused_alone_or_left_out(tmp_path, caplog):
    for day in range(3):
        tardis(tmp_path / "raw", "bybit", "BTCUSDT", day=day)
        if day != 1:
            tardis(tmp_path / "raw", "bybit", "ETHUSDT", px=2500.0, day=day)
    wanted = r"session 20240103 has no quotes of ETHUSDT, wanted .* \(--skip leaves 1 of 3 sessions out, --symbols"
    with pytest.raises(errors.DataError, match=wanted):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    out, _ = prepare.prepare(tmp_path / "raw", tmp_path / "store", request(skip=True))
    assert [one.name for one in out.sessions] == ["20240102", "20240104"]
    assert "session 20240103 has no quotes of ETHUSDT: left out" in caplog.text


def test_instruments_that_never_trade_together_are_refused_with_their_sessions(tmp_path):
    tardis(tmp_path / "raw", "bybit", "BTCUSDT", day=0)
    tardis(tmp_path / "raw", "bybit", "ETHUSDT", px=2500.0, day=1)
    with pytest.raises(
        errors.DataError, match="20240102 has no quotes of ETHUSDT; session 20240103 has no quotes of BTCUSDT"
    ):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request(skip=True))


def test_rows_outside_the_common_span_count_when_they_are_most(tmp_path):
    tardis(tmp_path / "raw", "bybit", "BTCUSDT", rows=1000)
    tardis(tmp_path / "raw", "bybit", "ETHUSDT", px=2500.0, rows=300)
    with pytest.raises(prepare.Refused, match=r"BTCUSDT .*: 70% of its rows lie outside the time in which all"):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    tardis(tmp_path / "raw", "bybit", "ETHUSDT", px=2500.0, rows=600)
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert len(out.sessions) == 1
    # of 1000 quotes 599 lie before the last of the other
    assert report[0]["dropped"]["quotes_outside_span"] == 400


def test_the_tail_of_a_file_beyond_midnight_is_put_aside_with_a_line(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    name, text, _ = vendor_files.book(0, start_ms=vendor_files.START + vendor_files.DAY - 90_000)
    _, trades = vendor_files.prints(0)
    shift = vendor_files.DAY - 90_000
    header, *rows = trades.splitlines()
    moved = [",".join([*row.split(",")[:4], str(int(row.split(",")[4]) + shift), row.split(",")[5]]) for row in rows]
    after = vendor_files.START + vendor_files.DAY
    tail = [f"{900 + k},42000.00,1.000,42000.10,1.000,{after + 10 * k},{after}" for k in range(12)]
    (folder / name).write_text(text + "\n".join(tail) + "\n")
    (folder / vendor_files.prints(0)[0]).write_text("\n".join([header, *moved]) + "\n")
    out, report = prepare.prepare(folder, tmp_path / "store", request())
    assert [one.name for one in out.sessions] == ["20240101"]
    assert out.sessions[0].n_quotes == 400
    assert any("12 rows of" in note and "put aside" in note for note in report[0]["notes"])


def test_assumed_currencies_are_said_in_one_line(tmp_path):
    for symbol, px in (("IBM", 180.0), ("BRK.B", 110.0), ("USDCAD", 1.3)):
        tardis(tmp_path / "raw", "venue", symbol, px=px)
    out, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert [one.quote_currency for one in out.instruments] == ["USD", "USD", "CAD"]
    said = {note for one in report for note in one["notes"] if "taken as USD" in note}
    assert said == {"quote currency of BRK.B, IBM taken as USD; --instrument BRK.B:quote_currency=... says another"}


def test_two_spellings_of_a_symbol_are_told(tmp_path):
    quotes, trades = tob_files.market(400, 1.0, 50)
    (tmp_path / "raw").mkdir()
    quotes.to_csv(tmp_path / "raw" / "tob_btcusdt_20240102.csv", index=False)
    trades.to_csv(tmp_path / "raw" / "trade_BTCUSDT_20240102.csv", index=False)
    with pytest.raises(errors.DataError, match=r"no quotes of BTCUSDT \(btcusdt is another instrument: one spelling"):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
