"""Speed of preparing raw files, against pandas, and of generating a market."""

import pathlib

import numpy as np
import pandas as pd
import pyarrow as pa
from pyarrow import csv as arrow_csv

from tfmm.benchmarks import timing
from tfmm.market import generator
from tfmm.market.ingest import prepare

_ROWS = 2_000_000
_COLUMNS = ("update_id", "best_bid_price", "best_bid_qty", "best_ask_price", "best_ask_qty", "transaction_time")
_START_MS = 1_704_067_200_000


def run(folder: pathlib.Path, repeats: int) -> dict[str, float]:
    """{"prepare_rows_per_s", "prepare_vs_pandas", "generate_events_per_s"}.

    The file is a Binance bookTicker CSV; the reference reads it with pandas, sorts by time and writes parquet.

    Args:
        folder: for the files. repeats: of which the fastest counts.
    """
    raw = folder / "raw"
    raw.mkdir()
    path = raw / "BTCUSDT-bookTicker-2024-01-01.csv"
    _write_book(path)

    def prepared():
        request = prepare.Request(allow=True, overwrite=True, plots=False)
        prepare.prepare(raw, folder / "made", request)

    def pandas():
        frame = pd.read_csv(path).sort_values(["transaction_time", "update_id"], kind="stable")
        frame.to_parquet(folder / "reference.parquet")

    seconds, reference = timing.best(prepared, repeats), timing.best(pandas, repeats)
    return {
        "prepare_rows_per_s": _ROWS / seconds,
        "prepare_vs_pandas": reference / seconds,
        "generate_events_per_s": _generated(repeats),
    }


def _generated(repeats):
    member = generator.Parameters(rate=100.0)
    counts = []

    def generate():
        counts.append(sum(len(rows) for rows in generator.events(0, 0, 4.0, member)))

    return 1.0 / timing.best(generate, repeats) * counts[0]


def _write_book(path):
    random = np.random.default_rng(0)
    bid = 420_000 + np.cumsum(random.integers(-1, 2, _ROWS))
    time_ms = _START_MS + np.cumsum(random.random(_ROWS) < 0.45)
    sizes = random.integers(1, 90_000, (2, _ROWS)) / 1000
    columns = (np.cumsum(random.integers(1, 20, _ROWS)), bid / 10, sizes[0], (bid + 1) / 10, sizes[1], time_ms)
    table = pa.table(dict(zip((*_COLUMNS, "event_time"), (*columns, time_ms + 3), strict=True)))
    arrow_csv.write_csv(table, path, arrow_csv.WriteOptions(quoting_style="none"))
