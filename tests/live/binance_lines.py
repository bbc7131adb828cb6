"""Messages of Binance's USD-M streams, as its servers send them, and a small recording."""

import gzip
import json
import re

import numpy as np


def quote(ms, number, bid="100.0", ask="100.1", sizes=("2.000", "3.000"), symbol="BTCUSDT"):
    """A bookTicker in the envelope of combined streams; ms: transaction time."""
    data = {"e": "bookTicker", "u": number, "s": symbol, "b": bid, "B": sizes[0], "a": ask, "A": sizes[1], "T": ms,
            "E": ms + 1}  # fmt: skip
    return envelope(data)


def trade(ms, number, price="100.1", size="0.500", maker_buys=False, kind="trade", **changes):
    """A trade or an aggTrade, without envelope."""
    data = {"e": kind, "E": ms + 1, "T": ms, "s": "BTCUSDT", "a" if kind == "aggTrade" else "t": number, "p": price,
            "q": size, "m": maker_buys}  # fmt: skip
    return json.dumps(data | ({"X": "MARKET"} if kind == "trade" else {}) | changes, separators=(",", ":")).encode()


def envelope(data):
    stream = f"{data['s'].lower()}@{data['e']}"
    return json.dumps({"stream": stream, "data": data}, separators=(",", ":")).encode()


def recording(count=4000, seed=0, start_ms=1_723_161_256_000):
    """`count` messages of a market that moves, some 50 ms apart, with trades that reach through the best prices.

    In the order in which they are sent: times go back by up to 50 ms, the venue's numbers never do.
    """
    random = np.random.default_rng(seed)
    tick, update, number, out = 1_000, 5 * 10**12, 7 * 10**9, []
    for k in range(count):
        ms = start_ms + 50 * k - int(random.integers(0, 101))
        if random.random() < 0.3:
            number += 1
            up = random.random() < 0.5
            px = tick + (1 + random.integers(0, 3) if up else -random.integers(0, 3))
            out.append(trade(ms, number, f"{px / 10:.1f}", f"{random.integers(1, 2000) / 1000:.3f}", not up))
        else:
            tick += int(random.integers(-1, 2))
            update += int(random.integers(1, 2000))
            sizes = tuple(f"{one / 1000:.3f}" for one in random.integers(1, 9000, 2))
            out.append(quote(ms, update, f"{tick / 10:.1f}", f"{(tick + 1) / 10:.1f}", sizes))
    return out


def moved(messages, ms):
    """The same messages at other times."""
    return [re.sub(rb'("[TE]":)(\d+)', lambda found: b"%s%d" % (found[1], int(found[2]) + ms), one) for one in messages]


def write(path, messages):
    """Writes messages as a recorder does: `<ns of receipt> <json>`, gzipped."""
    with gzip.open(path, "wb") as file:
        for k, message in enumerate(messages):
            file.write(b"%d %s\n" % (1_723_161_256_000_000_000 + 50_000_000 * k, message))
    return path


def read(path):
    """The messages of such a file; what a recorder asked for beside the stream is left out."""
    with gzip.open(path, "rb") as file:
        lines = [line.split(b" ", 1)[1].strip() for line in file]
    return [line for line in lines if b'"e":"' in line]
