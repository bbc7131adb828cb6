"""prepare in this process: instruments, contracts, sessions, adding."""

import json

import numpy as np
import pytest

from tests.market import vendor_files
from tfmm import errors
from tfmm.market import instruments, schema, store
from tfmm.market.ingest import prepare

MS, DAY, START = vendor_files.MS, vendor_files.DAY, vendor_files.START
book, prints, request = vendor_files.book, vendor_files.prints, vendor_files.request


@pytest.fixture
def raw_dir(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for day in range(2):
        for name, text in (book(day)[:2], prints(day)):
            (folder / name).write_text(text)
    return folder


def test_two_days_of_vendor_files(raw_dir, tmp_path):
    out, report = prepare.prepare(raw_dir, tmp_path / "store", request())
    out.verify()
    assert [one.name for one in out.sessions] == ["20240101", "20240102"]
    assert out.instruments == (
        schema.Instrument(symbol="BTCUSDT", tick_size=0.1, lot_size=0.001, quote_currency="USDT"),
    )
    ts, bid, ask = book(1)[2]
    events = out.tape("20240102").events
    quotes = events[events["kind"] == schema.QUOTE]
    np.testing.assert_array_equal(quotes["ts"], ts * MS)
    np.testing.assert_array_equal(quotes["lo_tick"], bid)
    np.testing.assert_array_equal(quotes["hi_tick"], ask)
    assert [one["rows_read"] for one in report] == [460, 460]
    assert set(out.sessions[0].sources) == {book(0)[0], prints(0)[0]}


def test_one_big_file_of_many_days_is_cut_into_sessions_and_strays_beyond_midnight_stay(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    header, *one = book(0)[1].splitlines()
    last = START + DAY
    stray = [f"9999{k},42000.00,1.000,42000.10,1.000,{last + k},{last}" for k in range(3)]
    before = [f"9998,42000.00,1.000,42000.10,1.000,{last - 5},{last}"]
    (folder / "BTCUSDT-bookTicker-2024-01.csv").write_text("\n".join([header, *one * 10, *before, *stray]) + "\n")
    (folder / prints(0)[0]).write_text(prints(0)[1])
    out, _ = prepare.prepare(folder, tmp_path / "store", request(limit=1.0))
    assert [(session.name, session.last_ns) for session in out.sessions] == [("20240101", (last + 2) * MS)]


def test_files_in_parallel_processes_give_the_same_store(raw_dir, tmp_path, monkeypatch):
    one, _ = prepare.prepare(raw_dir, tmp_path / "one", request())
    monkeypatch.setattr(prepare, "_SMALL_BYTES", 0)
    two, _ = prepare.prepare(raw_dir, tmp_path / "two", request(jobs=2))
    assert one.data_hash == two.data_hash


def test_days_are_added_to_a_store_and_readers_keep_what_they_opened(raw_dir, tmp_path):
    whole, _ = prepare.prepare(raw_dir, tmp_path / "whole", request())
    second = [path for path in raw_dir.iterdir() if "01-02" in path.name]
    texts = {path: path.read_text() for path in second}
    for path in second:
        path.unlink()
    first, _ = prepare.prepare(raw_dir, tmp_path / "store", request())
    with pytest.raises(errors.DataError, match="holds all 2 files already"):
        prepare.prepare(raw_dir, tmp_path / "store", request(add=True))
    for path, text in texts.items():
        path.write_text(text)
    grown, report = prepare.prepare(raw_dir, tmp_path / "store", request(add=True))
    assert [one["session"] for one in report] == ["20240102"]
    assert grown.data_hash == whole.data_hash
    grown.verify()
    first.verify()
    known = json.loads((tmp_path / "store" / prepare.QUALITY).read_text())["sessions"]
    assert [one["session"] for one in known] == ["20240101", "20240102"]


def test_a_tail_of_an_interrupted_addition_does_not_count(raw_dir, tmp_path):
    out, _ = prepare.prepare(raw_dir, tmp_path / "store", request())
    with open(tmp_path / "store" / store.EVENTS, "ab") as file:
        file.write(b"x" * 1000)
    again = store.Store.open(tmp_path / "store")
    again.verify()
    assert again.data_hash == out.data_hash


def test_contracts_given_and_found(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    (folder / "BTCUSD_PERP-bookTicker-2024-01-01.csv").write_text(book(0)[1])
    lines = prints(0)[1].splitlines()
    out = ["id,price,qty,base_qty,time,is_buyer_maker"]
    for line in lines[1:]:
        number, px, _, _, time, side = line.split(",")
        out.append(f"{number},{px},5,{500 / float(px):.8f},{time},{side}")
    (folder / "BTCUSD_PERP-trades-2024-01-01.csv").write_text("\n".join(out))
    made, _ = prepare.prepare(folder, tmp_path / "one", request())
    (one,) = made.instruments
    assert (one.inverse, one.multiplier, one.quote_currency) == (True, 100.0, "USD")
    wrong = {"BTCUSD_PERP": instruments.Terms(multiplier=10.0)}
    with pytest.raises(errors.DataError, match=r"multiplier is given as 10\.0, but its files say 100\.0"):
        prepare.prepare(folder, tmp_path / "two", request(terms=wrong))
    given = {"BTCUSD_PERP": instruments.Terms(tick_size=0.05, lot_size=2.0)}
    made, _ = prepare.prepare(folder, tmp_path / "three", request(terms=given))
    assert (made.instruments[0].tick_size, made.instruments[0].lot_size) == (0.05, 2.0)


@pytest.mark.parametrize("text", ["X", "X:tick_size=abc", "X:colour=red", "X:inverse=perhaps"])
def test_instrument_texts_that_cannot_be_read(text):
    with pytest.raises(errors.ConfigError, match="--instrument X"):
        instruments.parse(text)
    assert instruments.parse("X:inverse=true,multiplier=100")[1] == instruments.Terms(inverse=True, multiplier=100.0)


def test_the_same_trades_in_two_layouts_are_refused(raw_dir, tmp_path):
    (raw_dir / "BTCUSDT-aggTrades-2024-01-01.csv").write_text(
        "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker\n"
        f"1,42000.1,1,1,1,{START + 5000},true\n"
    )
    with pytest.raises(errors.DataError, match="trades of BTCUSDT 20240101 are there as binance USD-M trades and as"):
        prepare.prepare(raw_dir, tmp_path / "store", request())
    assert sorted(path.name for path in tmp_path.iterdir()) == ["raw"]


def test_several_instruments_on_one_span_and_their_synthetic_market(tmp_path):
    folder = tmp_path / "raw"
    folder.mkdir()
    for seed, symbol in ((0, "BTCUSDT"), (1, "ETHUSDT")):
        for name, text in (book(0, seed=seed, symbol=symbol)[:2], prints(0, seed=seed, symbol=symbol)):
            (folder / name).write_text(text)
    triangles = (prepare.synthetic.parse("ETHBTC=ETHUSDT/BTCUSDT"),)
    out, report = prepare.prepare(folder, tmp_path / "store", request(triangles=triangles))
    assert [one.symbol for one in out.instruments] == ["BTCUSDT", "ETHUSDT", "ETHBTC"]
    assert len(report) == 2
    events = out.tape("20240101").events
    spans = [events["ts"][(events["instrument"] == n) & (events["kind"] == schema.QUOTE)] for n in range(2)]
    first = max(book(0, seed=seed)[2][0][0] for seed in (0, 1)) * MS
    last = min(book(0, seed=seed)[2][0][-1] for seed in (0, 1)) * MS
    assert min(span[0] for span in spans) == first
    assert max(span[-1] for span in spans) == last
    made = events[events["instrument"] == 2]
    tick = out.instruments[2].tick_size
    books = {}
    expected = []
    for event in events[events["kind"] == schema.QUOTE]:
        if event["instrument"] < 2:
            books[event["instrument"]] = event
            if len(books) == 2:
                eth, btc = books[1], books[0]
                expected.append((event["ts"], eth["lo_tick"] / btc["hi_tick"], eth["hi_tick"] / btc["lo_tick"]))
    assert made["ts"].tolist() == [row[0] for row in expected]
    np.testing.assert_allclose(made["lo_tick"] * tick, [row[1] for row in expected], atol=tick)
    np.testing.assert_allclose(made["hi_tick"] * tick, [row[2] for row in expected], atol=tick)
    assert (made["lo_tick"] <= made["hi_tick"]).all()


def test_a_bad_session_is_refused_allowed_or_left_out(raw_dir, tmp_path):
    path = raw_dir / book(1)[0]
    lines = path.read_text().splitlines()
    for k in range(10, 30):
        cells = lines[k].split(",")
        lines[k] = ",".join([cells[0], cells[3], cells[2], cells[1], *cells[4:]])
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(prepare.Refused, match=r"20240102 BTCUSDT .*4\.35% bad rows .quotes_crossed 4\.35%") as refusal:
        prepare.prepare(raw_dir, tmp_path / "store", request())
    assert len(refusal.value.report) == 2
    assert not (tmp_path / "store").exists()
    out, _ = prepare.prepare(raw_dir, tmp_path / "skip", request(skip=True))
    assert [one.name for one in out.sessions] == ["20240101"]
    out.verify()
    out, _ = prepare.prepare(raw_dir, tmp_path / "allow", request(allow=True))
    assert out.sessions[1].dropped == {"quotes_crossed": 20}
    out.verify()


def test_rows_interleaved_from_two_ranges_are_sorted_by_time_and_id(raw_dir, tmp_path):
    whole, _ = prepare.prepare(raw_dir, tmp_path / "one", request())
    path = raw_dir / book(0)[0]
    header, *lines = path.read_text().splitlines()
    half = len(lines) // 2
    mixed = [line for pair in zip(lines[half:], lines[:half], strict=True) for line in pair]
    path.write_text("\n".join([header, *mixed, lines[7]]) + "\n")
    out, report = prepare.prepare(raw_dir, tmp_path / "two", request())
    np.testing.assert_array_equal(out.events, whole.events)
    assert report[0]["out_of_order"] > 0
    assert report[0]["dropped"] == {"quotes_duplicate": 1}


def test_real_recorder_lines_equal_the_parquet_of_the_same_minutes(shared_data, tmp_path):
    ours, _ = prepare.prepare(shared_data / "binance_usdm", tmp_path / "one", request(symbols=("BTCUSDT",)))
    theirs, _ = prepare.prepare(shared_data / "vendor" / "binance_stream", tmp_path / "two", request())
    assert ours.instruments == theirs.instruments
    np.testing.assert_array_equal(ours.events, theirs.events)


@pytest.mark.parametrize(
    ("folder", "symbols", "ticks"),
    [
        ("binance_coinm", ["BTCUSD_PERP"], [0.1]),
        ("binance_spot", ["BTCUSDT", "ETHUSDT"], [0.01, 0.01]),
        ("bitmex", ["ETHUSD"], [0.05]),
        ("us_equity", ["IBM"], [0.01]),
        ("vendor/tardis", ["BTCUSDT"], [0.01]),
        ("vendor/bitmex", ["ETHUSD", "XBTUSD"], [0.05, 0.5]),
    ],
)
def test_real_folders(shared_data, tmp_path, folder, symbols, ticks):
    out, report = prepare.prepare(shared_data / folder, tmp_path / "store", request())
    out.verify()
    assert [one.symbol for one in out.instruments] == symbols
    assert [one.tick_size for one in out.instruments] == ticks
    skew = {one["symbol"]: one["clock_skew_ms"] for one in report}
    assert all((value > 0) == (folder == "binance_spot") for value in skew.values()), skew


def test_dirty_data_is_refused_with_its_reasons(shared_data, tmp_path):
    with pytest.raises(prepare.Refused, match=r"quotes_no_size 91\.00%, quotes_crossed 9\.00%"):
        prepare.prepare(shared_data / "dirty", tmp_path / "store", request())


def test_a_quote_lag_corrects_a_clock_skew(shared_data, tmp_path):
    _, report = prepare.prepare(shared_data / "binance_spot", tmp_path / "store", request(quote_lag_ms=50))
    assert all(one["side_agreement"] > 0.94 for one in report)
