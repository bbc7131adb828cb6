"""The store on disk: round trip, refusals, damage, interruption."""

import json

import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.market import schema, store, tape
from tfmm.market.ingest import store_writer

ONE = schema.Instrument(symbol="X", tick_size=0.01)


def day(number, rows=5):
    ts = np.arange(rows) + 1000 * number
    frame = pd.DataFrame({"ts": ts, "bid": 1.0 + number, "bid_size": 1.0, "ask": 1.1 + number, "ask_size": 2.0})
    trades = pd.DataFrame({"ts": ts[:2], "price": 1.05, "size": 1.0, "side": 1})
    return f"day{number}", tape.Tape.from_frames(frame, trades, ONE), {"file": "hash"}


@pytest.fixture
def written(tmp_path):
    return store_writer.create(tmp_path / "store", [ONE], [day(1), day(2, 3)])


def test_round_trip(written):
    again = store.Store.open(written.path)
    assert again.instruments == (ONE,)
    assert [one.name for one in again.sessions] == ["day1", "day2"]
    first, second = again.sessions
    assert (first.start_row, first.stop_row, second.stop_row) == (0, 7, 12)
    assert (first.n_quotes, first.n_trades, first.first_ns, first.last_ns) == (5, 2, 1000, 1004)
    np.testing.assert_array_equal(again.tape("day2").events, day(2, 3)[1].events)
    again.verify()


def test_events_are_mapped_and_cannot_be_written(written):
    assert isinstance(written.events, np.memmap)
    with pytest.raises(ValueError, match="read-only"):
        written.events["ts"][0] = 5


def test_data_hash_is_of_the_content(written, tmp_path):
    same = store_writer.create(tmp_path / "same", [ONE], [day(1), day(2, 3)])
    other = store_writer.create(tmp_path / "other", [ONE], [day(1), day(2, 4)])
    assert written.data_hash == same.data_hash != other.data_hash


def test_a_flipped_byte_is_found_by_session(written):
    with open(written.path / store.EVENTS, "r+b") as file:
        file.seek(8 * schema.EVENT.itemsize)
        file.write(b"\xff")
    with pytest.raises(errors.DataError, match="session day2"):
        store.Store.open(written.path).verify()


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (lambda path: (path / store.EVENTS).write_bytes(b"short"), "events.bin has 5 bytes, wanted 576"),
        (lambda path: (path / store.EVENTS).unlink(), "events.bin has 0 bytes"),
        (lambda path: (path / store.MANIFEST).unlink(), "No such file"),
        (lambda path: (path / store.MANIFEST).write_text("{"), "manifest.json is damaged"),
        (lambda path: (path / store.MANIFEST).write_text('{"format": "x"}'), "manifest.json is damaged"),
    ],
)
def test_damage_is_refused_by_name(written, damage, message):
    damage(written.path)
    with pytest.raises(errors.DataError, match=message):
        store.Store.open(written.path)


def test_another_format_is_refused(written):
    manifest = json.loads((written.path / store.MANIFEST).read_text())
    (written.path / store.MANIFEST).write_text(json.dumps({**manifest, "format": 99}))
    with pytest.raises(errors.DataError, match="format 99, wanted 2"):
        store.Store.open(written.path)


def test_unknown_session(written):
    with pytest.raises(errors.DataError, match="no session day9, got day1, day2"):
        written.tape("day9")


def test_an_existing_store_needs_overwrite(written):
    with pytest.raises(errors.DataError, match="holds a store already"):
        store_writer.create(written.path, [ONE], [day(3)])
    assert [one.name for one in store_writer.create(written.path, [ONE], [day(3)], overwrite=True).sessions] == ["day3"]


def test_other_folders_and_files_are_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(errors.DataError, match="has other files"):
        store_writer.create(tmp_path, [ONE], [day(1)], overwrite=True)
    with pytest.raises(errors.DataError, match="is a file"):
        store_writer.create(tmp_path / "mine.txt", [ONE], [day(1)])


def test_a_failure_on_the_way_keeps_the_old_store_and_leaves_nothing(written):
    def broken():
        yield day(3)
        raise errors.DataError("broken file")

    with pytest.raises(errors.DataError, match="broken file"):
        store_writer.create(written.path, [ONE], broken(), overwrite=True)
    store.Store.open(written.path).verify()
    assert [one.name for one in written.path.parent.iterdir()] == ["store"]


def test_sessions_that_overlap_are_refused(tmp_path):
    with pytest.raises(errors.DataError, match="session day1 begins before session day2 ends"):
        store_writer.create(tmp_path / "store", [ONE], [day(2), day(1)])
    assert not (tmp_path / "store").exists()
