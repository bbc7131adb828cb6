"""Mutated files end in a true store or in one error that names them: never a traceback, a hang, a wrong store."""

import bz2
import gzip
import io
import lzma
import zipfile

import numpy as np
import pyarrow as pa
import pytest

from tests.market import vendor_files
from tfmm import errors
from tfmm.market import schema
from tfmm.market.ingest import prepare, spool


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

    def packed(data, random):
        """Some of these have no checksum of their own."""
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.writestr("BTCUSDT-bookTicker-2024-01-01.csv", data)
        zstd = pa.compress(data, codec="zstd", asbytes=True)
        one = [bz2.compress(data), lzma.compress(data), zstd, out.getvalue()][random.integers(4)]
        return one[: random.integers(1, len(one) + 1)] if random.random() < 0.3 else flip(one, random)

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
        "packed": packed,
    }  # fmt: skip


def check_store(out, sequenced=False):
    """What holds of every store. sequenced: rows of one time are in the order of the venue."""
    out.verify()
    events = np.asarray(out.events)
    # a market of one side has no price on the other, an unknown one has none at all
    known = events[np.isin(events["kind"], (schema.QUOTE, schema.TRADE))]
    assert (known["lo_tick"] > 0).all()
    assert (known["lo_tick"] <= known["hi_tick"]).all()
    for name in ("lo_size", "hi_size"):
        assert (np.isfinite(known[name]) & (known[name] > 0)).all()
    assert np.isin(events["side"], (-1, 0, 1)).all()
    for session in out.sessions:
        own = events[session.start_row : session.stop_row]
        key = own["ts"] if sequenced else own["ts"] * 2 + (own["kind"] != schema.TRADE)
        assert (np.diff(key) >= 0).all()
        assert own["kind"][0] != schema.TRADE or (own["ts"] == own["ts"][0]).any()
        assert spool.DAY_NS * 10_000 < own["ts"][0] <= own["ts"][-1] < spool.DAY_NS * 47_500
        px = own["lo_tick"][np.isin(own["kind"], (schema.QUOTE, schema.TRADE))] * out.instruments[0].tick_size
        assert (px > np.median(px) / 100).all()
        assert (px < np.median(px) * 100).all()


@pytest.mark.slow  # 2200 files
@pytest.mark.parametrize("how", list(_mutations()))
def test_mutated_files_end_in_a_true_store_or_in_an_error_that_names_them(tmp_path, how):
    """200 mutated files of every kind: eleven kinds, 2200 files."""
    mutate = _mutations()[how]
    files = [vendor_files.book(0)[:2], vendor_files.prints(0)]
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
            out, _ = prepare.prepare(folder, tmp_path / f"store{seed}", vendor_files.request(limit=0.2))
        except errors.DataError as error:
            assert str(folder) in str(error), error
            assert not (tmp_path / f"store{seed}").exists()
            continue
        kept += 1
        check_store(out)
    # most damage to single cells, or to the order of numbered rows, leaves the rest usable
    assert how == "packed" or (kept > 0) == (how not in ("encoded", "units", "zipped"))
