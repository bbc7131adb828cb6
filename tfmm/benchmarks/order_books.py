"""Speed of building a book from changes, against dictionaries in Python, and of Databento's DBN, against its CSV."""

import datetime
import pathlib
import types

import databento_dbn
import numpy as np
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfmm import arrays
from tfmm.benchmarks import timing
from tfmm.market import schema
from tfmm.market.ingest import prepare
from tfmm.market.readers import order_book

_UPDATES, _COMPARED = 2_000_000, 50_000
_LEVELS, _MESSAGE = 1000, 8  # levels a side, changes a message
_ROWS = 500_000
_START_NS = 1_704_067_200_000_000_000


def run(folder: pathlib.Path, repeats: int) -> dict[str, float]:
    """{"book_updates_per_s", "book_vs_dictionaries", "dbn_rows_per_s", "dbn_vs_csv"}.

    Args:
        folder: for the files of Databento. repeats: of which the fastest counts.
    """
    changes = _changes()
    head = changes[: _COMPARED + 2 * _LEVELS]
    seconds = timing.best(lambda: order_book.Builder().apply(changes), repeats)
    reference = timing.best(lambda: dictionaries(head), repeats)
    rate = len(changes) / seconds
    dbn, csv = (_prepared(folder / kind, write, repeats) for kind, write in (("dbn", _dbn), ("csv", _csv)))
    return {
        "book_updates_per_s": rate,
        "book_vs_dictionaries": rate * reference / len(head),
        "dbn_rows_per_s": _ROWS / dbn,
        "dbn_vs_csv": csv / dbn,
    }


def dictionaries(changes: arrays.Records) -> list[tuple[float, float, float, float]]:
    """The best bid, its size, ask, its size, after each message that changed them; a dictionary for each side."""
    sides: dict[int, dict[float, float]] = {schema.BUY: {}, schema.SELL: {}}
    rows, last, known = [], (np.nan,) * 4, False
    for k, (_, _, message, px, size, what, side) in enumerate(changes.tolist()):
        if what == order_book.SNAPSHOT and not known:
            known = True
            sides = {schema.BUY: {}, schema.SELL: {}}
        if size > 0.0:
            sides[side][px] = size
        else:
            sides[side].pop(px, None)
        if k + 1 == len(changes) or changes["message"][k + 1] != message:
            bid, ask = max(sides[schema.BUY], default=np.nan), min(sides[schema.SELL], default=np.nan)
            now = (bid, sides[schema.BUY].get(bid, np.nan), ask, sides[schema.SELL].get(ask, np.nan))
            if now != last:
                rows.append(now)
            last = now
    return rows


def _changes():
    """Changes of a book whose mid goes up and down, half of them within 30 ticks of it; a third delete."""
    random = np.random.default_rng(0)
    count = np.arange(_UPDATES)
    mid = 600_000 + np.rint(200 * np.sin(count / 50_000)).astype(np.int64)
    side = random.choice([schema.BUY, schema.SELL], _UPDATES)
    away = 1 + np.minimum(random.geometric(1 / 40, _UPDATES), _LEVELS)
    size = np.where(random.random(_UPDATES) < 1 / 3, 0.0, random.integers(1, 9000, _UPDATES) / 1000)
    ts = _START_NS + count // _MESSAGE * 10**6
    # what the mid has passed is deleted
    passed = np.flatnonzero(np.diff(mid))
    side[passed], away[passed], size[passed] = np.where(np.diff(mid)[passed] > 0, schema.SELL, schema.BUY), 0, 0.0
    out = order_book.updates(ts, ts, (mid - side * away) / 10, size, order_book.LEVEL, side)
    levels = np.arange(1, _LEVELS + 1)
    sides = np.repeat([schema.BUY, schema.SELL], _LEVELS)
    px = (mid[0] - sides * np.tile(levels, 2)) / 10
    ts = np.full(2 * _LEVELS, _START_NS - 1)
    snapshot = order_book.updates(ts, ts, px, np.ones(2 * _LEVELS), order_book.SNAPSHOT, sides)
    return np.concatenate([snapshot, out])


def _prepared(folder, write, repeats):
    raw = folder / "raw"
    raw.mkdir(parents=True)
    write(raw, _records())
    request = prepare.Request(allow=True, overwrite=True, plots=False)
    return timing.best(lambda: prepare.prepare(raw, folder / "store", request), repeats)


def _records():
    random = np.random.default_rng(1)
    out = np.zeros(_ROWS, np.dtype(databento_dbn.MBP1Msg._dtypes))
    bid = 20_000 + np.cumsum(random.integers(-1, 2, _ROWS))
    traded = random.random(_ROWS) < 0.05
    side = np.where(random.random(_ROWS) < 0.5, b"A", b"B")
    out["length"], out["rtype"], out["publisher_id"], out["instrument_id"] = out.itemsize // 4, 1, 1, 118
    out["ts_event"] = out["ts_recv"] = _START_NS + np.cumsum(random.integers(1, 10**8, _ROWS))
    out["sequence"], out["flags"] = np.arange(_ROWS), 128
    out["bid_px_00"], out["ask_px_00"] = bid * 250_000_000, (bid + 1) * 250_000_000
    out["price"] = np.where(side == b"A", out["bid_px_00"], out["ask_px_00"])
    out["action"], out["side"] = np.where(traded, b"T", b"A"), side
    for name in ("size", "bid_sz_00", "ask_sz_00", "bid_ct_00", "ask_ct_00"):
        out[name] = random.integers(1, 99, _ROWS)
    return out


def _dbn(folder, records):
    interval = types.SimpleNamespace(
        start_date=datetime.date(2024, 1, 1), end_date=datetime.date(2025, 1, 1), symbol="118"
    )
    metadata = databento_dbn.Metadata(
        dataset="GLBX.MDP3", start=_START_NS, schema=databento_dbn.Schema.MBP_1,
        stype_in=databento_dbn.SType.RAW_SYMBOL, stype_out=databento_dbn.SType.INSTRUMENT_ID,
        mappings=[types.SimpleNamespace(raw_symbol="ESU4", intervals=[interval])],
    )  # fmt: skip
    (folder / "x.dbn").write_bytes(bytes(metadata) + records.tobytes())


def _csv(folder, records):
    columns = {
        name: records[name].astype(str) if records[name].dtype.kind == "S" else records[name]
        for name in records.dtype.names
        if name != "length"
    }
    table = pa.table({**columns, "symbol": np.full(len(records), "ESU4")})
    arrow_csv.write_csv(table, folder / "x.csv", arrow_csv.WriteOptions(quoting_style="none"))
