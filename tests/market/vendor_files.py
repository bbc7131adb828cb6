"""Binance files of a small market, for tests of prepare."""

import numpy as np

from tfmm.market.ingest import prepare

MS = 10**6
DAY = 86_400_000
START = 1_704_067_200_000  # 2024-01-01, ms
QUIET = {"plots": False, "jobs": 1}


def request(**changes):
    return prepare.Request(**{**QUIET, **changes})


def book(day=0, rows=400, seed=0, symbol="BTCUSDT", start_ms=None):
    """(name, text) of a Binance bookTicker file."""
    random = np.random.default_rng([seed, day])
    ts = (START + day * DAY if start_ms is None else start_ms) + 1000 + np.cumsum(random.integers(1, 400, rows))
    bid = 420_000 + np.cumsum(random.integers(-3, 4, rows))
    ask = bid + random.integers(1, 4, rows)
    sizes = random.integers(1, 9000, (rows, 2)) / 1000
    lines = [
        f"{k + 1},{bid[k] / 10:.2f},{sizes[k, 0]:.3f},{ask[k] / 10:.2f},{sizes[k, 1]:.3f},{ts[k]},{ts[k] + 3}"
        for k in range(rows)
    ]
    header = "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty,transaction_time,event_time"
    date = (np.datetime64("2024-01-01") + day).astype(str)
    return f"{symbol}-bookTicker-{date}.csv", "\n".join([header, *lines]) + "\n", (ts, bid, ask)


def prints(day=0, rows=60, seed=0, symbol="BTCUSDT"):
    """(name, text) of a Binance trades file that fits `book`: each trade at the touch."""
    _, _, (ts, bid, ask) = book(day, 400, seed)
    random = np.random.default_rng([seed, day, 1])
    place = np.sort(random.choice(np.arange(5, 395), rows, replace=False))
    maker = random.integers(0, 2, rows).astype(bool)
    lines = []
    for k, (row, sold) in enumerate(zip(place, maker, strict=True)):
        px, size = (bid if sold else ask)[row] / 10, random.integers(1, 500) / 1000
        lines.append(f"{k + 1},{px:.2f},{size:.3f},{px * size:.4f},{ts[row]},{str(bool(sold)).lower()}")
    date = (np.datetime64("2024-01-01") + day).astype(str)
    return f"{symbol}-trades-{date}.csv", "\n".join(["id,price,qty,quote_qty,time,is_buyer_maker", *lines]) + "\n"
