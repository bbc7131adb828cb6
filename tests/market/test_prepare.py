"""prepare in this process: instruments, contracts, sessions, adding, mutated files."""

import gzip
import json

import numpy as np
import pytest

from tfmm import errors
from tfmm.market import instruments, prepare, schema, store

MS = 10**6
DAY = 86_400_000
START = 1_704_067_200_000  # 2024-01-01, ms
QUIET = {"plots": False, "jobs": 1}


def request(**changes):
    return prepare.Request(**{**QUIET, **changes})


def book(day=0, rows=400, seed=0, symbol="BTCUSDT", start_ms=None):
    """(name, text) of a Binance bookTicker file."""
    random = np.random.default_rng([seed, day])
    ts = (START + day * DAY if start_ms is None else start_ms) + 1000 + np.cumsum(random.integers(1, 400, rows))
    bid = 420_000 + np.cumsum(random.integers(-3, 4, rows))
    ask = bid + random.integers(1, 4, rows)
    sizes = random.integers(1, 9000, (rows, 2)) / 1000
    lines = [
        f"{k + 1},{bid[k] / 10:.2f},{sizes[k, 0]:.3f},{ask[k] / 10:.2f},{sizes[k, 1]:.3f},{ts[k]},{ts[k] + 3}"
        for k in range(rows)
    ]
    header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
    date = (np.datetime64("2024-01-01") + day).astype(str)
    return f"{symbol}-bookTicker-{date}.csv", "\n".join([header, *lines]) + "\n", (ts, bid, ask)


def prints(day=0, rows=60, seed=0, symbol="BTCUSDT"):
    """(name, text) of a Binance trades file that fits `book`: each trade at the touch."""
    _, _, (ts, bid, ask) = book(day, 400, seed)
    random = np.random.default_rng([seed, day, 1])
    place = np.sort(random.choice(np.arange(5, 395), rows, replace=False))
    maker = random.integers(0, 2, rows).astype(bool)
    lines = []
    for k, (row, sold) in enumerate(zip(place, maker, strict=True)):
        px, size = (bid if sold else ask)[row] / 10, random.integers(1, 500) / 1000
        lines.append(f"{k + 1},{px:.2f},{size:.3f},{px * size:.4f},{ts[row]},{str(bool(sold)).lower()}")
    date = (np.datetime64("2024-01-01") + day).astype(str)
    return f"{symbol}-trades-{date}.csv", "\n".join(["id,price,qty,quote_qty,time,is_buyer_maker", *lines]) + "\n"


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
    wrong = {"BTCUSD_PERP": instruments.Known(multiplier=10.0)}
    with pytest.raises(errors.DataError, match=r"multiplier is given as 10\.0, but its files say 100\.0"):
        prepare.prepare(folder, tmp_path / "two", request(known=wrong))
    given = {"BTCUSD_PERP": instruments.Known(tick_size=0.05, lot_size=2.0)}
    made, _ = prepare.prepare(folder, tmp_path / "three", request(known=given))
    assert (made.instruments[0].tick_size, made.instruments[0].lot_size) == (0.05, 2.0)


@pytest.mark.parametrize("text", ["X", "X:tick_size=abc", "X:colour=red", "X:inverse=perhaps"])
def test_instrument_texts_that_cannot_be_read(text):
    with pytest.raises(errors.ConfigError, match="--instrument X"):
        instruments.parse(text)
    assert instruments.parse("X:inverse=true,multiplier=100")[1] == instruments.Known(inverse=True, multiplier=100.0)


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


def _mutations():
    def cut(data, random):
        return data[: random.integers(0, len(data))]

    def flip(data, random):
        out = bytearray(data)
        for _ in range(random.integers(1, 30)):
            out[random.integers(0, len(out))] = random.integers(0, 256)
        return bytes(out)

    def cells(change):
        def mutate(data, random):
            header, *lines = data.decode().splitlines()
            for k in random.choice(len(lines), min(len(lines), int(random.integers(1, 40))), replace=False):
                row = lines[k].split(",")
                row[random.integers(0, len(row))] = change(random)
                lines[k] = ",".join(row)
            return "\n".join([header, *lines]).encode()

        return mutate

    def columns(data, random):
        rows = [line.split(",") for line in data.decode().splitlines()]
        one, two = random.choice(len(rows[0]), 2, replace=False)
        for row in rows[random.integers(0, 2) :]:
            row[one], row[two] = row[two], row[one]
        return "\n".join(map(",".join, rows)).encode()

    def repeated(data, random):
        lines = data.decode().splitlines()
        place = random.integers(1, len(lines))
        return "\n".join([*lines[:place], *lines[random.integers(1, len(lines)) :], *lines[place:]]).encode()

    def backwards(data, random):
        header, *lines = data.decode().splitlines()
        random.shuffle(lines)
        return "\n".join([header, *lines]).encode()

    def units(data, random):
        return data.replace(b",17040", random.choice([b",170400000", b",1.7040", b",17", b",99917040"]))

    def encoded(data, random):
        how = random.choice(["utf-16", "utf-32", "cp500"])
        return data.decode().encode(how)

    def zipped(data, random):
        packed = gzip.compress(data)
        return packed[: random.integers(1, len(packed) + 1)] if random.random() < 0.5 else flip(packed, random)

    words = [
        "",
        "NaN",
        "inf",
        "-inf",
        "-1",
        "0",
        "1e300",
        "1e18",
        "99999999999999999999",
        "abc",
        "\x00",
        '"',
        "0x1F",
        "٣",
        "1,2",
    ]
    return {
        "cut": cut, "flip": flip, "words": cells(lambda random: str(random.choice(words))), "columns": columns,
        "digits": cells(lambda random: f"{random.integers(-(10**9), 10**15)}"), "repeated": repeated,
        "backwards": backwards, "units": units, "encoded": encoded, "zipped": zipped,
    }  # fmt: skip


def _true_store(out):
    out.verify()
    events = np.asarray(out.events)
    assert (events["lo_tick"] > 0).all()
    assert (events["lo_tick"] <= events["hi_tick"]).all()
    for name in ("lo_size", "hi_size"):
        assert (np.isfinite(events[name]) & (events[name] > 0)).all()
    assert np.isin(events["side"], (-1, 0, 1)).all()
    for session in out.sessions:
        own = events[session.start_row : session.stop_row]
        key = own["ts"] * 2 + (own["kind"] == schema.QUOTE)
        assert (np.diff(key) >= 0).all()
        assert own["kind"][0] == schema.QUOTE or (own["ts"] == own["ts"][0]).any()
        assert prepare.spool.DAY_NS * 10_000 < own["ts"][0] <= own["ts"][-1] < prepare.spool.DAY_NS * 47_500
        px = own["lo_tick"] * out.instruments[0].tick_size
        assert (px > np.median(px) / 100).all()
        assert (px < np.median(px) * 100).all()


@pytest.mark.parametrize("how", list(_mutations()))
def test_mutated_files_end_in_a_true_store_or_in_an_error_that_names_them(tmp_path, how):
    """200 mutated files of every kind: ten kinds, 2000 files."""
    mutate = _mutations()[how]
    files = [book(0)[:2], prints(0)]
    kept = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        folder = tmp_path / f"raw{seed}"
        folder.mkdir()
        victim = random.integers(0, 2)
        for k, (name, text) in enumerate(files):
            data = text.encode()
            (folder / name).write_bytes(mutate(data, random) if k == victim else data)
        try:
            out, _ = prepare.prepare(folder, tmp_path / f"store{seed}", request(limit=0.2))
        except errors.DataError as error:
            assert str(folder) in str(error), error
            assert not (tmp_path / f"store{seed}").exists()
            continue
        kept += 1
        _true_store(out)
    # most damage to single cells, or to the order of numbered rows, leaves the rest usable
    assert (kept > 0) == (how not in ("encoded", "units", "zipped"))
