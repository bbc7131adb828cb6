"""Files of our own layout of a small market, for tests of what users' files are like."""

import pathlib

import numpy as np
import pandas as pd

from tests.market import vendor_files

HOUR = 3600 * 10**9
START = 1_704_204_000 * 10**9  # 2024-01-02 14:00 UTC
request = vendor_files.request


def market(rows=4000, hours=1.0, trades=400, band=None, seed=0):
    """(quotes, trades) as data frames: a mid that walks in ticks of 0.05, trades at the touch 1 us after a quote.

    band: the mid jumps between so many ticks and the lowest; None: it walks anywhere.
    """
    random = np.random.default_rng(seed)
    ts = START + (np.arange(rows) * hours * HOUR / rows).astype(np.int64)
    bid = 24_680 + (np.cumsum(random.integers(-1, 2, rows)) if band is None else random.integers(0, band + 1, rows))
    quotes = pd.DataFrame(
        {
            "ts": ts,
            "bid": (bid / 20).round(2),
            "bid_size": random.integers(1, 9, rows) * 1000,
            "ask": ((bid + 1) / 20).round(2),
            "ask_size": random.integers(1, 9, rows) * 1000,
        }
    )
    place = np.sort(random.choice(np.arange(1, rows - 1), trades, replace=False))
    side = random.choice([-1, 1], trades)
    prints = pd.DataFrame(
        {
            "ts": ts[place] + 1000,
            "price": np.where(side > 0, quotes["ask"].to_numpy()[place], quotes["bid"].to_numpy()[place]),
            "size": 1000,
            "side": side,
        }
    )
    return quotes, prints


def write(folder: pathlib.Path, quotes, trades, **options):
    """Writes tob_X_20240102.csv and trade_X_20240102.csv; options: of pandas' to_csv. Returns the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, frame in (("tob", quotes), ("trade", trades)):
        frame.to_csv(folder / f"{name}_X_20240102.csv", **{"index": False, **options})
    return folder
