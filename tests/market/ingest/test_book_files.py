"""The same market from files of every layout of an order book is the same store."""

import numpy as np
import pytest

from tests.market import book_files, vendor_files
from tfmm import errors
from tfmm.market import schema
from tfmm.market.ingest import prepare


def _write(folder, files):
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


def _expected(market):
    rows = [(ms, bid, bid_size, ask, ask_size, 0) for ms, bid, bid_size, ask, ask_size in market.best]
    rows += [(ms, tick, size, tick, size, side) for ms, tick, size, side in market.trades if ms <= market.best[-1][0]]
    return sorted(rows)


@pytest.mark.parametrize("layout", list(book_files.LAYOUTS))
def test_every_layout_gives_the_same_store(tmp_path, layout):
    market = book_files.Market()
    raw = _write(tmp_path / "raw", book_files.LAYOUTS[layout](market))
    out, report = prepare.prepare(raw, tmp_path / "store", vendor_files.request())
    (session,) = out.sessions
    assert session.name == "20240101"
    assert out.instruments[0].tick_size == 0.5
    found = [
        (row["ts"] // book_files.MS, row["lo_tick"], row["lo_size"], row["hi_tick"], row["hi_size"], row["side"])
        for row in np.asarray(out.events)
    ]
    assert found == _expected(market)
    assert len(found) > 200
    assert report[0]["dropped"].keys() <= {"trades_outside_span"}


@pytest.mark.slow  # 1200 files
@pytest.mark.parametrize("layout", list(book_files.LAYOUTS))
def test_mutated_files_end_in_a_true_store_or_in_an_error_that_names_them(tmp_path, layout):
    """200 of each layout: cut, with bytes changed, with a stretch that is gone or comes twice."""
    kept = 0
    for seed in range(200):
        random = np.random.default_rng(seed)
        files = book_files.LAYOUTS[layout](book_files.Market(seed % 5, 60))
        name = list(files)[int(random.integers(0, len(files)))]
        files[name] = _mutated(files[name], random)
        raw = _write(tmp_path / f"raw{seed}", files)
        try:
            out, _ = prepare.prepare(raw, tmp_path / f"store{seed}", vendor_files.request(limit=0.2))
        except errors.DataError as error:
            assert str(raw) in str(error), error
            assert not (tmp_path / f"store{seed}").exists()
            continue
        kept += 1
        out.verify()
        events = np.asarray(out.events)
        both = (events["kind"] == schema.QUOTE) & (events["lo_size"] > 0) & (events["hi_size"] > 0)
        assert (events["lo_tick"] <= events["hi_tick"])[both].all()
        assert (np.diff(events["ts"]) >= 0).all()
    assert kept > 0 or layout == "hftbacktest"  # a zip has check sums


def _mutated(data, random):
    begin, end = np.sort(random.integers(0, len(data), 2))
    how = random.integers(0, 4)
    if how == 0:
        return data[:end]
    if how == 1:
        return data[:begin] + data[end:]
    if how == 2:
        return data[:end] + data[begin:]
    out = bytearray(data)
    for _ in range(random.integers(1, 20)):
        out[random.integers(0, len(out))] = random.integers(0, 256)
    return bytes(out)


def test_after_a_lost_change_there_is_no_market_until_the_next_snapshot(tmp_path):
    """Bybit: change 100 is missing, which change 101 shows by its number; message 200 is a snapshot of the book."""
    market = book_files.Market()
    files = book_files.bybit(market)
    name = next(iter(files))
    lines = files[name].splitlines()
    book = {}
    for _, changes in market.messages[:201]:
        for side, tick, size in changes:
            book[side, tick] = size
    levels = [(*key, size) for key, size in book.items() if size]
    whole = book_files.bybit(_Only([(market.messages[200][0], levels)]))[name]
    files[name] = b"\n".join([*lines[:100], *lines[101:200], whole.strip().replace(b'"u":70', b'"u":1'), b""])
    raw = _write(tmp_path / "raw", files)
    out, report = prepare.prepare(raw, tmp_path / "store", vendor_files.request())
    events = np.asarray(out.events)
    market_events = events[events["kind"] != schema.TRADE]
    lost, known = market.messages[101][0] * book_files.MS, market.messages[200][0] * book_files.MS
    (unknown,) = np.flatnonzero(market_events["kind"] == schema.NO_MARKET)
    assert market_events["ts"][unknown] == lost
    assert market_events["ts"][unknown + 1] == known
    assert any("1 lost" in note and "the market is unknown there" in note for note in report[0]["notes"])


class _Only:
    """A market of these messages without trades."""

    def __init__(self, messages):
        self.messages, self.trades = messages, []
