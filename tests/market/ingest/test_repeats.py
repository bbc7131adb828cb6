"""The same rows in several files: read once, told, never doubled; also against a store that is added to."""

import gzip
import json
import pathlib
import shutil
import zipfile

import pandas as pd
import pytest

from tests.market import vendor_files
from tfmm import errors
from tfmm.market.ingest import prepare

request = vendor_files.request


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "raw"
    out.mkdir()
    for name, text in (vendor_files.book(0)[:2], vendor_files.prints(0)):
        (out / name).write_text(text)
    return out


def _counts(store):
    return [(one.name, one.n_quotes, one.n_trades) for one in store.sessions]


def _packed(folder):
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))


def _copied(folder):
    shutil.copytree(folder, folder.with_name("copy"))
    folder.with_name("copy").rename(folder / "copy")


def _downloaded_again(folder):
    for path in list(folder.iterdir()):
        shutil.copy(path, folder / f"{path.stem} (1).csv")
        shutil.copy(path, folder / f"{path.stem} - Copy.csv")


def _zipped(folder):
    with zipfile.ZipFile(folder / "day.zip", "w") as archive:
        for path in folder.glob("*.csv"):
            archive.write(path, f"day/{path.name}")


def _as_tables(folder):
    """The same rows in another format: no byte is equal."""
    for path in list(folder.glob("*.csv")):
        pd.read_csv(path).to_parquet(folder / f"{path.stem}.parquet")


def _ended_otherwise(folder):
    (folder / "windows").mkdir()
    for path in folder.glob("*.csv"):
        (folder / "windows" / path.name).write_text(path.read_text().replace("\n", "\r\n"))


def _month(folder):
    """A file of the month beside the files of its days, as Binance has both."""
    for make, kind in ((vendor_files.book, "bookTicker"), (vendor_files.prints, "trades")):
        days = [make(day)[1] for day in (0, 1)]
        text = days[0] + days[1].split("\n", 1)[1]
        (folder / f"BTCUSDT-{kind}-2024-01.csv").write_text(text)


@pytest.mark.parametrize("repeat", [_packed, _copied, _downloaded_again, _zipped, _as_tables, _ended_otherwise])
def test_a_day_that_is_there_twice_is_read_once_with_a_line(folder, tmp_path, caplog, repeat):
    once, _ = prepare.prepare(folder, tmp_path / "once", request())
    repeat(folder)
    caplog.clear()
    store, _ = prepare.prepare(folder, tmp_path / "store", request())
    assert store.data_hash == once.data_hash
    assert [record.message for record in caplog.records if record.message.startswith("read once")] != []
    told = json.loads((tmp_path / "store" / prepare.QUALITY).read_text())["repeated"]
    assert len(told) == (4 if repeat is _downloaded_again else 2)
    assert {pathlib.PurePath(one["name"]).name.split("-2024")[0] for one in told} == {
        "BTCUSDT-bookTicker", "BTCUSDT-trades",
    }  # fmt: skip


def test_a_month_beside_one_of_its_days_gives_every_day_once(folder, tmp_path):
    _month(folder)
    store, _ = prepare.prepare(folder, tmp_path / "store", request())
    assert _counts(store) == [("20240101", 400, 60), ("20240102", 400, 60)]


def test_the_same_content_under_two_names_is_refused_with_both(folder, tmp_path):
    name = vendor_files.book(0)[0]
    shutil.copy(folder / name, folder / name.replace("BTCUSDT", "ETHUSDT"))
    with pytest.raises(
        errors.DataError, match=r"ETHUSDT-bookTicker-2024-01-01\.csv: has the same content as .*BTCUSDT-bookTicker"
    ):
        prepare.prepare(folder, tmp_path / "store", request())
    assert not (tmp_path / "store").exists()
    # with only one of the two there is nothing to confuse
    store, _ = prepare.prepare(folder, tmp_path / "store", request(symbols=("BTCUSDT",)))
    assert _counts(store) == [("20240101", 400, 60)]


def test_a_copy_under_a_venue_is_the_same_and_one_under_two_venues_is_refused(folder, tmp_path):
    once, _ = prepare.prepare(folder, tmp_path / "once", request())
    _copied(folder)
    (folder / "copy").rename(folder / "binance")
    store, _ = prepare.prepare(folder, tmp_path / "store", request())
    assert store.data_hash == once.data_hash
    for path in list(folder.glob("*.csv")):
        (folder / "bybit").mkdir(exist_ok=True)
        path.rename(folder / "bybit" / path.name)
    with pytest.raises(errors.DataError, match="named BTCUSDT@BYBIT 20240101 and BTCUSDT@BINANCE-FUTURES 20240101"):
        prepare.prepare(folder, tmp_path / "other", request())


def test_a_day_of_the_store_is_not_added_again_however_it_is_packed(folder, tmp_path, caplog):
    prepare.prepare(folder, tmp_path / "store", request())
    for path in list(folder.iterdir()):
        (folder / f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    with pytest.raises(errors.DataError, match="holds all 2 files already"):
        prepare.prepare(folder, tmp_path / "store", request(add=True))
    for name, text in (vendor_files.book(1)[:2], vendor_files.prints(1)):
        (folder / name).write_text(text)
    caplog.clear()
    store, _ = prepare.prepare(folder, tmp_path / "store", request(add=True))
    assert _counts(store) == [("20240101", 400, 60), ("20240102", 400, 60)]
    assert "BTCUSDT-trades-2024-01-01.csv.gz repeats session 20240101 of the store" in caplog.text


def test_files_of_equal_name_in_folders_are_both_known_to_the_store(tmp_path):
    """A digest for each: with one under the name of the other, the day would be added again."""
    for folder, symbol, seed in (("a", "BTCUSDT", 0), ("b", "ETHUSDT", 1)):
        (tmp_path / "raw" / folder).mkdir(parents=True)
        for make, what in ((vendor_files.book, "bookTicker"), (vendor_files.prints, "trades")):
            name, text = make(0, seed=seed, symbol=symbol)[:2]
            path = tmp_path / "raw" / folder / f"{what}.zip"
            with zipfile.ZipFile(path, "w") as archive:
                archive.writestr(name, text)
    store, report = prepare.prepare(tmp_path / "raw", tmp_path / "store", request())
    assert len(store.sessions[0].sources) == 4
    assert report[0]["files"] == [
        "a/bookTicker.zip/BTCUSDT-bookTicker-2024-01-01.csv", "a/trades.zip/BTCUSDT-trades-2024-01-01.csv",
    ]  # fmt: skip
    with pytest.raises(errors.DataError, match="holds all 4 files already"):
        prepare.prepare(tmp_path / "raw", tmp_path / "store", request(add=True))


def test_a_file_without_rows_is_passed_over_with_a_line_and_refused_alone(folder, tmp_path, caplog):
    name, text = vendor_files.prints(1)
    (folder / name).write_text(text.split("\n", 1)[0] + "\n")
    store, _ = prepare.prepare(folder, tmp_path / "store", request())
    assert _counts(store) == [("20240101", 400, 60)]
    assert f"passed over 1 file: 1 file with no rows ({name})" in caplog.text
    with pytest.raises(errors.DataError, match=f"{name}: no rows, wanted at least one"):
        prepare.prepare(folder / name, tmp_path / "other", request())
