"""What lies in compressed files and zips is what it was, or refused by name."""

import bz2
import gzip
import lzma
import os
import zipfile

import pandas as pd
import pyarrow as pa
import pytest

from tfmm import errors
from tfmm.market import readers
from tfmm.market.readers import containers

QUOTES = "ts,bid,bid_size,ask,ask_size\n1577836800000000001,1.5,2,1.6,3\n"
TRADES = "ts,price,size,side\n1577836800000000001,1.5,2,-1\n"
TOB, PRINTS = "tob_X_20200101.csv", "trade_X_20200101.csv"


def zip_of(path, files):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)


def zstd(data):
    return pa.compress(data, codec="zstd", asbytes=True)


def _lz4(data):
    out = pa.BufferOutputStream()
    with pa.CompressedOutputStream(out, "lz4") as stream:
        stream.write(data)
    return out.getvalue().to_pybytes()


@pytest.mark.parametrize(
    ("suffix", "pack"),
    [
        ("gz", gzip.compress), ("bz2", bz2.compress), ("xz", lzma.compress), ("zst", zstd), ("lz4", _lz4),
        ("lzma", lambda data: lzma.compress(data, lzma.FORMAT_ALONE)),
        ("gz", lambda data: gzip.compress(data[:40]) + gzip.compress(data[40:])),
        ("bz2", lambda data: bz2.compress(data[:40]) + bz2.compress(data[40:])),
        ("zst", lambda data: zstd(data[:40]) + zstd(data[40:])),
        ("gz", lambda data: gzip.compress(gzip.compress(data))),
    ],
)  # fmt: skip
def test_compressed_text_is_what_it_was(tmp_path, suffix, pack):
    path = tmp_path / f"{TOB}.{suffix}"
    path.write_bytes(pack(QUOTES.encode()))
    assert b"".join(containers.blocks(path)).decode() == QUOTES
    assert list(containers.lines(path)) == QUOTES.encode().splitlines(keepends=True)
    (tmp_path / TOB).write_text(QUOTES)
    assert containers.sha256(path) == containers.sha256(tmp_path / TOB)
    (source,) = readers.find(path).sources
    assert (source.symbol, source.session) == ("X", "20200101")


@pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, zstd])
def test_a_compressed_file_that_ends_too_early_is_refused(tmp_path, pack):
    packed = pack(os.urandom(1 << 16))
    (tmp_path / "x.csv").write_bytes(packed[: len(packed) // 2])
    with pytest.raises(errors.DataError, match=r"x\.csv: cannot be read"):
        containers.sha256(tmp_path / "x.csv")


def test_a_zip_of_several_files_with_folders_and_what_programs_add(tmp_path):
    frame = pd.DataFrame({"ts": [1577836800000000001], "price": 1.5, "size": 2.0, "side": 1})
    zip_of(
        tmp_path / "day.zip",
        {
            f"deep/er\\{TOB}": QUOTES, f"/abs/../{PRINTS}.gz": gzip.compress(TRADES.encode()), "empty/": "",
            f"__MACOSX/._{TOB}": b"\0\5\26\7", "deep/.DS_Store": b"\0\0\0\1Bud1", "ReadMe.txt": "Hello.",
            "trade_Y_20200101.parquet": frame.to_parquet(), "LICENSE": "Free.",
        },
    )  # fmt: skip
    found = readers.find(tmp_path)
    assert [source.parts for source in found.sources] == [
        ("day.zip", "abs", f"{PRINTS}.gz"),
        ("day.zip", "deep", "er", TOB),
        ("day.zip", "trade_Y_20200101.parquet"),
    ]
    assert [source.symbol for source in found.sources] == ["X", "X", "Y"]
    assert b"".join(containers.blocks(found.sources[1].path)).decode() == QUOTES
    assert next(containers.tables(found.sources[2].path, ["price"]))["price"].to_pylist() == [1.5]
    assert {one.name for one in found.passed} == {
        "day.zip/__MACOSX/._" + TOB, "day.zip/deep/.DS_Store", "day.zip/ReadMe.txt", "day.zip/LICENSE",
    }  # fmt: skip
    # a file in a zip can be named
    (source,) = readers.find(tmp_path / "day.zip" / "deep" / "er" / TOB).sources
    assert source.symbol == "X"


def test_zips_that_cannot_be_read_are_refused(tmp_path):
    inner, path = tmp_path / "inner.zip", tmp_path / "x.zip"
    zip_of(inner, {TOB: QUOTES})
    zip_of(path, {"inner.zip": inner.read_bytes()})
    inner.unlink()
    with pytest.raises(errors.DataError, match=r"x\.zip/inner\.zip: is a zip inside another file.*unpack it first"):
        readers.find(tmp_path)
    path.write_bytes(gzip.compress(path.read_bytes()))
    with pytest.raises(errors.DataError, match="is a zip inside another file"):
        readers.find(tmp_path)
    zip_of(path, {})
    with pytest.raises(errors.DataError, match="the zip holds no file"):
        readers.find(tmp_path)
    with zipfile.ZipFile(path, "w") as archive, pytest.warns(UserWarning, match="Duplicate name"):
        archive.writestr(TOB, QUOTES)
        archive.writestr(TOB, QUOTES + "1577836800000000002,1.5,2,1.6,3\n")
    with pytest.raises(errors.DataError, match=f"the zip holds {TOB} twice with different content"):
        readers.find(tmp_path)
    # what marks an entry as encrypted: bit 0 of the flags, in the local and in the central header
    zip_of(path, {TOB: QUOTES})
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(errors.DataError, match=r"x\.zip: the zip is encrypted"):
        readers.find(tmp_path)
