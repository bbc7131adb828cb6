"""Damaged binary files, DBN, hftbacktest's npz and parquet: a true store or one error that names them, no traceback.

What is flipped lies in a file with a checksum of its own, or in records that have none; what is swapped or of another
type is a sound file that means something else.
"""

import io

import databento_dbn as dbn
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from numpy.lib import recfunctions
from pyarrow import parquet

from tests.market.ingest import test_mutated_layouts
from tests.market.readers import dbn_files, test_hftbacktest

FILES = 100  # of each kind
ROWS = 60
NOON = 1_719_835_200_000_000_000  # 2024-07-01 12:00
PX = 10**9


def _market(random):
    """(ROWS,) ns, bid and ask in ticks, and which rows are trades."""
    ns = NOON + np.cumsum(random.integers(1, 10**9, ROWS))
    bid = 4000 + np.cumsum(random.integers(-2, 3, ROWS))
    return ns, bid, bid + random.integers(1, 3, ROWS), random.random(ROWS) < 0.3


def _dbn(random, kind=dbn.MBP1Msg, schema="mbp-1"):
    parts = [dbn_files.metadata(schema, ("ESU4", 1, 3, 118))]
    for k, (ns, bid, ask, traded) in enumerate(zip(*(one.tolist() for one in _market(random)), strict=True)):
        book = (bid * PX, int(random.integers(1, 50)), ask * PX, int(random.integers(1, 50)))
        side, px = (("B", ask), ("A", bid))[random.integers(2)]
        action, size = ("T" if traded else "A"), int(random.integers(1, 9))
        parts.append(dbn_files.event(ns, action, side, px * PX, size, book, k + 1, kind=kind))
    return b"".join(parts)


def _mbo(random):
    """Orders that come and go on both sides."""
    parts, resting = [dbn_files.metadata("mbo", ("ESU4", 1, 3, 118))], []
    parts.append(dbn_files.order(NOON, "R", "N", dbn.UNDEF_PRICE, 0, 0))
    for k in range(ROWS):
        ns, side = NOON + (k + 1) * 10**8, ("A", "B")[k % 2]
        resting.append((side, (4000 + (k % 2 == 0) + k % 3 * (1 - 2 * (k % 2))) * PX, 100 + k))
        parts.append(dbn_files.order(ns, "A", *resting[-1][:2], 5, resting[-1][2]))
        if k > 10 and random.random() < 0.5:
            side, px, number = resting.pop(int(random.integers(len(resting))))
            parts.append(dbn_files.order(ns + 1, "C", side, px, 5, number))
    return b"".join(parts)


def _events(random):
    rows = np.zeros(2 * ROWS, test_hftbacktest.EVENT)
    both, buy, sell = test_hftbacktest.BOTH, *(test_hftbacktest.SIDE[one] for one in (1, -1))
    for k, (ns, bid, ask, traded) in enumerate(zip(*_market(random), strict=True)):
        kind = test_hftbacktest.TRADE if traded else test_hftbacktest.BEST
        rows[2 * k] = (kind | both | buy, ns, ns + 5, ask if traded else bid, random.integers(1, 9), 0, 0, 0)
        rows[2 * k + 1] = (test_hftbacktest.BEST | both | sell, ns, ns + 5, ask, random.integers(1, 9), 0, 0, 0)
    rows[0]["ev"] = test_hftbacktest.SNAPSHOT | both | buy
    rows[1]["ev"] = test_hftbacktest.SNAPSHOT | both | sell
    return rows


def _npz(rows, random):
    out = io.BytesIO()
    (np.savez_compressed if random.random() < 0.5 else np.savez)(out, data=rows)
    return out.getvalue()


def _frame(random):
    ns, bid, ask, _ = _market(random)
    sizes = random.integers(1, 9, (2, ROWS)).astype(float)
    return pd.DataFrame({"ts": ns, "bid": bid / 4, "bid_size": sizes[0], "ask": ask / 4, "ask_size": sizes[1]})


def _parquet(frame, random):
    codec = str(random.choice(["none", "snappy", "zstd"]))
    out = io.BytesIO()
    parquet.write_table(pa.Table.from_pandas(frame, preserve_index=False), out, compression=codec)
    return out.getvalue()


def _damaged(data, random):
    """Bytes with some flipped, or cut short, or with a stretch that is gone or comes twice."""
    out = bytearray(data)
    match random.integers(4):
        case 0 | 1:
            for _ in range(random.integers(1, 12)):
                out[random.integers(len(out))] = random.integers(256)
        case 2:
            del out[random.integers(len(out)) :]
        case _:
            start, stop = sorted(random.integers(0, len(out), 2).tolist())
            out[start:stop] = bytes(out[start:stop]) * int(random.integers(0, 3))
    return bytes(out)


def _other_columns(frame, random):
    """Two columns swapped, one missing, or one of another type."""
    names = list(frame)
    one, two = random.choice(names, 2, replace=False)
    match random.integers(4):
        case 0:
            return frame.rename(columns={one: two, two: one})
        case 1:
            return frame.drop(columns=one)
        case 2:
            types = ["float32", "str", "bool", "int8", "complex", "datetime64[s]", "category"]
            values = frame[one].astype("int64") % 100 if one != "ts" else frame[one]
            return frame.assign(**{one: _cast(values, str(random.choice(types)))})
        case _:
            values = [
                np.nan,
                np.inf,
                -1.0,
                0.0,
                1e300,
                None,
                "x",
                b"\xff",
                [1.0],
                {"a": 1},
                2**63,
                pd.Timestamp("2024"),
            ]
            return frame.assign(**{one: [values[random.integers(len(values))]] * ROWS})


def _cast(values, name):
    return values.astype(str) if name == "complex" else values.astype(name)


def _other_dtype(rows, random):
    """Fields swapped, narrower, of big-endian numbers or of text."""
    fields = rows.dtype.descr
    k = int(random.integers(len(fields)))
    match random.integers(4):
        case 0:
            order = random.permutation(len(fields))
            return recfunctions.repack_fields(rows[[fields[one][0] for one in order]])
        case 1:
            fields[k] = fields[k][0], str(random.choice(["<f4", ">f8", "<i4", "|S8", "<M8[ns]", "?"]))
            return rows.astype(fields)
        case 2:
            return recfunctions.repack_fields(rows[[name for name, _ in fields if name != fields[k][0]]])
        case _:
            return np.stack([rows["px"], rows["qty"]])[:k]  # no records


def _file(how, random):
    """(name, bytes) of a damaged file."""
    match how:
        case "dbn":
            kind, schema = ((dbn.MBP1Msg, "mbp-1"), (dbn.MBP10Msg, "mbp-10"))[random.integers(2)]
            return "ES.dbn", _damaged(_dbn(random, kind, schema), random)
        case "mbo":
            return "ES.mbo.dbn", _damaged(_mbo(random), random)
        case "dbn.zst":
            sound = pa.compress(_dbn(random), "zstd", asbytes=True)
            inside = pa.compress(_damaged(_dbn(random), random), "zstd", asbytes=True)
            return "ES.dbn.zst", _damaged(sound, random) if random.random() < 0.5 else inside
        case "npz":
            return "btcusdt_20240701.npz", _damaged(_npz(_events(random), random), random)
        case "npz of another dtype":
            return "btcusdt_20240701.npz", _npz(_other_dtype(_events(random), random), random)
        case "parquet":
            return "tob_X_20240701.parquet", _damaged(_parquet(_frame(random), random), random)
        case _:
            return "tob_X_20240701.parquet", _parquet(_other_columns(_frame(random), random), random)


@pytest.mark.slow  # 700 files
@pytest.mark.parametrize(
    "how", ["dbn", "mbo", "dbn.zst", "npz", "npz of another dtype", "parquet", "parquet of other columns"]
)
def test_damaged_binary_files(tmp_path, how):
    stores = 0
    for seed in range(FILES):
        random = np.random.default_rng(seed)
        name, data = _file(how, random)
        try:
            raw, target = tmp_path / f"raw{seed}", tmp_path / f"store{seed}"
            stores += test_mutated_layouts.became_a_store(raw, target, name, data, random)
        except Exception as error:
            error.add_note(f"{how}, seed {seed}")
            raise
    assert 0 < stores < FILES


@pytest.mark.parametrize("name", ["ES.dbn", "ES.mbo.dbn", "btcusdt_20240701.npz", "tob_X_20240701.parquet"])
def test_the_same_files_undamaged_are_stores(tmp_path, name):
    random = np.random.default_rng(0)
    data = {
        "ES.dbn": lambda: _dbn(random), "ES.mbo.dbn": lambda: _mbo(random),
        "btcusdt_20240701.npz": lambda: _npz(_events(random), random),
        "tob_X_20240701.parquet": lambda: _parquet(_frame(random), random),
    }[name]()  # fmt: skip
    assert test_mutated_layouts.became_a_store(tmp_path / "raw", tmp_path / "store", name, data, random)
