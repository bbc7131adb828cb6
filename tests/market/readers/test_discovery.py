"""Which files of a folder are read, passed over with a line, or refused; links, zips, compression."""

import gzip
import io
import os
import pickle
import sqlite3
import tarfile

import numpy as np
import pytest

from tests.market.readers.test_containers import PRINTS, QUOTES, TOB, TRADES, zip_of, zstd
from tfmm import errors
from tfmm.market import readers
from tfmm.market.readers import discovery, kinds, sidecars


@pytest.fixture
def folder(tmp_path):
    out = tmp_path / "raw"
    out.mkdir()
    (out / TOB).write_text(QUOTES)
    (out / PRINTS).write_text(TRADES)
    return out


def names(found):
    return [source.path.name for source in found.sources]


def test_linked_folders_and_files_are_read_once_under_their_own_name(folder, tmp_path):
    old = tmp_path / "disk" / "old"
    old.mkdir(parents=True)
    (old / "tob_X_20191231.csv").write_text(QUOTES)
    (folder / "archive").symlink_to(old)
    (folder / "again").symlink_to(old)
    (old / "loop").symlink_to(folder)
    (folder / "latest.csv").symlink_to(folder / TOB)
    (folder / "sub").mkdir()
    (folder / "sub" / "up").symlink_to(folder)
    assert names(readers.find(folder)) == ["tob_X_20191231.csv", TOB, PRINTS]
    (folder / "gone").symlink_to(tmp_path / "unmounted")
    with pytest.raises(errors.DataError, match=r"gone: is a link to .*unmounted, which is not there"):
        readers.find(folder)


SIDECARS = {
    "README": "Data of one day.", "LOBSTER_SampleFiles_ReadMe.txt": "====\nv1,2,3\n1,2,3\n", "metadata.json": "{}",
    "condition.json": "[{}]", "manifest.json": '{"price": 1}', "symbology.json": "{}", "LICENSE": "MIT", "_SUCCESS": "",
    f"{TOB}.sha256": "abc", f"{PRINTS}.CHECKSUM": "abc", "MD5SUMS": "1 2\n", "notes.pdf": "%PDF", "Thumbs.db": "\0",
    "load.py": "import pandas", "plot.png": "\x89PNG", "notes.md": "| 1 | 2 | 3 |",
}  # fmt: skip
OTHERS = {
    "deribit_liquidations_2020-01-01_X.csv": "exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    "deribit,X,1577836800000001,1577836800000009,8,buy,7001,30\n",
    "deribit_derivative_ticker_2020-01-01_X.csv.gz": "exchange,symbol\n",
    "BTCUSDT-1m-2020-01-01.csv": "1577836800000,1,2,1,2,5\n", "BTCUSDT-fundingRate-2020-01.csv": "calc_time\n",
    "xnas-itch-20200101.ohlcv-1m.csv": "ts_event,open\n", "x.definition.dbn.zst": "DBN",
    "bars.csv": "time,open,high,low,close\n1,2,3,1,2\n",
}  # fmt: skip


def test_sidecars_and_other_data_types_are_passed_over_with_one_line(folder):
    for name, text in {**SIDECARS, **OTHERS}.items():
        (folder / name).write_bytes(text.encode("latin-1"))
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("x")
    (folder / "half.csv.part").write_text("1,2,3\n4,5,6\n")
    (folder / "store").mkdir()
    for name in ("manifest.json", "events.bin"):
        (folder / "store" / name).write_bytes(b"\0\1\2")
    os.mkfifo(folder / "pipe")
    (folder / "picture").write_bytes(b"\x89PNG\r\n")
    (folder / "done").touch()
    (folder / "lost+found").mkdir()
    (folder / "~$notes.xlsx").write_bytes(bytes(range(256)))
    (folder / "remark.txt").write_text("The venue was closed at 12:30, 2 hours.\nNothing else.\n")
    (folder / "letter.txt").write_text("Dear all, this is prose, enjoy\nSincerely\n")
    (folder / "info.json").write_text('{"task": 1, "created": "2020-01-01"}\n')
    (folder / "rules.json").write_text('{"filters": [{"filterType": "PRICE_FILTER", "minPrice": "0.1"}]}')
    (folder / "holidays.csv").write_text("day,open,hours\n2020-01-01,0,0\n")
    found = readers.find(folder)
    assert names(found) == [TOB, PRINTS]
    passed = {one.name: one.what for one in found.passed}
    assert {name for name, what in passed.items() if what == sidecars.SIDECAR} == set(SIDECARS)
    assert {name for name, what in passed.items() if what == sidecars.OTHER} == set(OTHERS)
    assert {name: what for name, what in passed.items() if what not in (sidecars.SIDECAR, sidecars.OTHER)} == {
        ".git/*": sidecars.HIDDEN, "lost+found/*": sidecars.HIDDEN, "~$notes.xlsx": sidecars.HIDDEN,
        "picture": sidecars.DOCUMENT, "done": sidecars.EMPTY, "half.csv.part": sidecars.UNFINISHED,
        "store": sidecars.STORE,
        "pipe": sidecars.SPECIAL, "letter.txt": sidecars.DOCUMENT, "remark.txt": sidecars.DOCUMENT,
        "info.json": sidecars.DOCUMENT, "rules.json": sidecars.DOCUMENT, "holidays.csv": sidecars.DOCUMENT,
    }  # fmt: skip
    said = discovery.line(found.passed)
    assert said.startswith(
        f"passed over {len(passed)} files: 6 documents (holidays.csv, info.json, letter.txt, picture, and 2 more)"
    )
    assert f"{len(SIDECARS)} sidecars (LICENSE, LOBSTER_SampleFiles_ReadMe.txt, MD5SUMS, README, and " in said
    assert "\n" not in said


REFUSED = {
    "unknown.txt": ("8;1.5;9\n8;1.5;9\n", "no known layout has the first line"),
    "unknown.log": ("1577836800 1.5 3\n1577836801 1.6 3\n", "no known layout"),
    "numbers": ("when\tprice\n1577836800\t3\n", "no known layout"),
    "words.txt": ("BTC,buy,limit,2020-01-01T00:00:00.5Z,new,5\n" * 2, "no known layout"),
    "feed.jsonl": ('{"t": 1}\n{"t": 2}\n', "no known layout"),
    "feed.txt": ('{"t": 1, "bestBid": "2"}\n', "no known layout"),
    "fix.log": ("8=FIX.4.4|35=W|270=1.5\n", "no known layout"),
    "error.csv": ("<html>Not found</html>\n", "no known layout"),
    "day.dat": ("nothing\n", "no known layout"),
    "void.csv": ("", "the file is empty"),
    "columns.csv": ("symbol,date,level\n", "no known layout"),
    "koi8.csv": ("цена,время\n1,2\n".encode("koi8-r"), "is not UTF-8"),
    "wide.csv": ("ts,bid\n".encode("utf-16"), "is UTF-16"),
    "near.csv": ("ts,bid,Ask\n1,2,3\n", r"no column ask \(perhaps 'Ask'\); it resembles tfmm quotes, got ts, bid, Ask"),
    "incremental.csv": (
        "exchange,symbol,time,local_timestamp,is_snapshot,side,price,amount\n",
        r"no column timestamp \(perhaps '(local_timestamp|time)'\); it resembles tardis incremental_book_L2",
    ),
    "x_quotes.csv": (
        "exchange,symbol,timestamp,ask_amount,ask_price,bid_px,bid_amount\n",
        r"no column bid_price \(perhaps 'bid_px'\); it resembles tardis quotes, got exchange, symbol, timestamp",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_file_that_may_be_market_data_and_is_not_read_is_refused(folder, name):
    text, message = REFUSED[name]
    (folder / name).write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(errors.DataError, match=message) as refusal:
        readers.find(folder)
    assert str(folder / name) in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_name_that_is_no_text_is_refused(folder):
    (folder / os.fsdecode(b"tob_M\xfc_20200101.csv")).write_text(QUOTES)
    with pytest.raises(errors.DataError, match=r"M\\udcfc_20200101.csv': the name is not UTF-8"):
        readers.find(folder)


def test_a_file_that_was_named_is_read_or_refused(tmp_path):
    for name, text in {"remark.txt": "Nothing.\n", **OTHERS, "README": "Nothing.\n"}.items():
        (tmp_path / name).write_text(text)
        with pytest.raises(errors.DataError, match=name):
            readers.find(tmp_path / name)
    for one in tmp_path.iterdir():
        one.unlink()
    (tmp_path / "bars.csv").write_text(OTHERS["bars.csv"])
    (tmp_path / "remark.txt").write_text("Nothing.\n")
    with pytest.raises(errors.DataError, match=r"no files of a known layout \(passed over 2 files: 1 document"):
        readers.find(tmp_path)


def _binaries():
    npz, tar = io.BytesIO(), io.BytesIO()
    np.savez(npz, data=np.arange(3))
    with tarfile.open(fileobj=tar, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("x.csv"), io.BytesIO())
    database = sqlite3.connect(":memory:")
    database.execute("create table x (y)")
    sheet = io.BytesIO()
    zip_of(sheet, {"[Content_Types].xml": "", "xl/workbook.xml": ""})
    return {
        "dbn": b"DBN\x01\xb8\0\0\0GLBX.MDP3", "pcapng": b"\n\r\r\n\x1c\0\0\0", "pcap": b"\xd4\xc3\xb2\xa1\2\0\4\0",
        "npz": npz.getvalue(), "hdf5": b"\x89HDF\r\n\x1a\n\0", "pickle": pickle.dumps({"ts": [1, 2]}),
        "sqlite": database.serialize(), "xlsx": sheet.getvalue(), "tar": tar.getvalue(),
        kinds.UNKNOWN: bytes(range(256)), "7z": b"7z\xbc\xaf\x27\x1c",
    }  # fmt: skip


@pytest.mark.parametrize("pack", [bytes, gzip.compress, zstd], ids=["plain", "gz", "zst"])
@pytest.mark.parametrize("kind", [kind for kind in _binaries() if kind not in ("dbn", "npz")])
def test_binary_is_called_by_its_name_and_never_shown(folder, kind, pack):
    data = pack(_binaries()[kind])
    if pack is not bytes and kind == "xlsx":
        kind = kinds.INNER_ZIP
    (folder / "ticks.bin").write_bytes(data)
    for where in (folder, folder / "ticks.bin"):
        with pytest.raises(errors.DataError) as refusal:
            readers.find(where)
        name, advice = kinds.KINDS[kind]
        told = f"{folder / 'ticks.bin'}: is {name}, which is not read: {advice}"
        assert str(refusal.value) == told + "; a quoted pattern of the files to read leaves it out" * (where == folder)


def test_kinds_of_binary_that_a_layout_may_read():
    for kind in ("dbn", "pcap"):
        assert kinds.of(_binaries()[kind]) == kind


def test_best_quotes_are_read_rather_than_the_order_book_beside_them(tmp_path):
    quotes = (
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount\nx,B,1577836800000001,"
    )
    quotes += "1577836800000009,5,7001,7000,6\n"
    book = "exchange,symbol,timestamp,local_timestamp,is_snapshot,side,price,amount\nx,B,1577836800000001,"
    book += "1577836800000009,true,bid,7000,6\n"
    (tmp_path / "x_quotes_2020-01-01_B.csv").write_text(quotes)
    (tmp_path / "x_incremental_book_L2_2020-01-01_B.csv.gz").write_bytes(gzip.compress(book.encode()))
    found = readers.find(tmp_path)
    assert names(found) == ["x_quotes_2020-01-01_B.csv"]
    assert [one.what for one in found.passed] == [sidecars.OTHER]


LOBSTER = "AMZN_2012-06-21_34200000_57600000_{}_1.csv"
MESSAGES = "34200.1,1,11885113,21,2238200,1\n"
BOOK = "2239500,100,2238200,21\n"


def test_lobster_finds_its_order_book_beside_in_a_zip_or_when_one_of_the_two_is_named(tmp_path):
    message, book = (LOBSTER.format(what) for what in ("message", "orderbook"))
    (tmp_path / message).write_text(MESSAGES)
    (tmp_path / f"{book}.gz").write_bytes(gzip.compress(BOOK.encode()))
    (tmp_path / "LOBSTER_SampleFiles_ReadMe.txt").write_text("=====\nPrices x 10000.\n")
    for where in (tmp_path, tmp_path / message, tmp_path / f"{book}.gz", tmp_path / "*message*"):
        (source,) = readers.find(where).sources
        assert (source.symbol, source.path.name, source.partner.name) == ("AMZN", message, f"{book}.gz")
    zip_of(tmp_path / "sample.zip", {message: MESSAGES, book: BOOK, "ReadMe.txt": "====="})
    (source,) = readers.find(tmp_path / "sample.zip").sources
    rows = next(source.layout.stream(source))[1]
    assert (rows["lo"].tolist(), rows["hi"].tolist()) == ([223.82], [223.95])
    (tmp_path / message).unlink()
    with pytest.raises(errors.DataError, match=f"{message}.gz: no such file, wanted it beside its order book"):
        readers.find(tmp_path / f"{book}.gz")
