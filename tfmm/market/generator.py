"""The embedded market, first version: level-1 quotes and trades around a wandering fair value.

Assumes: a fair value that follows a Gaussian random walk; clustered arrivals (a self-exciting
intensity, Hawkes 1971, exponential kernel); market orders that lean towards the fair value and
towards the thinner side, whose size is geometric and which walk through deeper, invisible levels
one tick apart, printing every level they take; after a sweep the book refills towards the fair
value, so most of the impact of a sweep is transient.
Ignores: the queue dynamics behind a price change, hidden orders, news, the time of day.
"""

import math

import numpy as np
import pandas as pd

from tfmm import jit

TICK_SIZE, LOT_SIZE = 0.01, 1.0
START_PX = 100.0
SESSION_HOURS = 1.5
FIRST_DAY = np.datetime64("2024-01-02T09:00:00", "ns")

_BASE_RATE = 2.0  # events per second without excitement
_EXCITEMENT = 0.7  # share of events caused by earlier ones
_DECAY = 2.0  # per second
_SIGMA = 0.6  # fair value, ticks per square root of a second
_TRADE_SHARE = 0.25  # of events
_SWEEP = 0.35  # probability that a trade goes on to the next level
_REFILL = 0.45  # probability that an update moves a displaced quote one tick back


@jit.kernel
def _session(random, seconds, capacity, quotes, trades):
    """Fills quotes (capacity, 5) and trades (capacity, 4) int64 (ns, ticks, lots); returns their counts."""
    fair = START_PX / TICK_SIZE
    bid, ask = math.floor(fair) - 1, math.floor(fair) + 1
    bid_size, ask_size = 500, 500
    clock, excess = 0.0, 0.0
    n_quotes = n_trades = 0
    while True:
        # Ogata's thinning: the intensity only falls between events
        bound = _BASE_RATE + excess
        wait = random.exponential(1.0 / bound)
        clock += wait
        excess *= math.exp(-_DECAY * wait)
        fair += _SIGMA * math.sqrt(wait) * random.standard_normal()
        if clock >= seconds or n_quotes >= capacity or n_trades >= capacity - 20:
            break
        if random.random() * bound > _BASE_RATE + excess:
            continue
        excess += _EXCITEMENT * _DECAY
        ns = np.int64(clock * 1e9)
        if random.random() < _TRADE_SHARE:
            lean = (fair - 0.5 * (bid + ask)) * 0.5 + 0.8 * (bid_size - ask_size) / (bid_size + ask_size)
            side = 1 if random.random() < 1.0 / (1.0 + math.exp(-lean)) else -1
            price = ask if side > 0 else bid
            lots = ask_size if side > 0 else bid_size
            while True:
                walks_on = random.random() < _SWEEP
                lots = lots if walks_on else random.integers(1, max(2, lots // 2 + 1))
                trades[n_trades, 0], trades[n_trades, 1] = ns, price
                trades[n_trades, 2], trades[n_trades, 3] = lots, side
                n_trades += 1
                if not walks_on or n_trades >= capacity - 1:
                    break
                price += side
                lots = 100 * random.geometric(0.3)
            if side > 0:
                ask_size = max(1, ask_size - lots) if price == ask else 100 * random.geometric(0.3)
                ask = price
            else:
                bid_size = max(1, bid_size - lots) if price == bid else 100 * random.geometric(0.3)
                bid = price
            fair += 0.15 * side
        else:
            # quotes creep towards one tick around the fair value
            want_bid, want_ask = math.floor(fair - 0.4), math.ceil(fair + 0.4)
            if random.random() < 0.5:
                if bid != want_bid and (random.random() < _REFILL or bid > want_bid + 1):
                    bid += 1 if want_bid > bid else -1
                    bid = min(bid, ask - 1)
                    bid_size = 100 * random.geometric(0.25)
                else:
                    bid_size = max(1, bid_size + 100 * random.integers(-2, 3))
            elif ask != want_ask and (random.random() < _REFILL or ask < want_ask - 1):
                ask += 1 if want_ask > ask else -1
                ask = max(ask, bid + 1)
                ask_size = 100 * random.geometric(0.25)
            else:
                ask_size = max(1, ask_size + 100 * random.integers(-2, 3))
        quotes[n_quotes, 0], quotes[n_quotes, 1], quotes[n_quotes, 2] = ns, bid, bid_size
        quotes[n_quotes, 3], quotes[n_quotes, 4] = ask, ask_size
        n_quotes += 1
    return n_quotes, n_trades


def session(day, seed, hours=SESSION_HOURS):
    """One session.

    Args:
        day: 0, 1, ...: the date it falls on. seed: of the whole market. hours: its length.

    Returns:
        (date text, quotes, trades): data frames of the `tfmm` layout.
    """
    random = np.random.default_rng([seed, day])
    capacity = int(hours * 3600 * 4 * _BASE_RATE / (1 - _EXCITEMENT)) + 1000
    quotes, trades = np.empty((capacity, 5), np.int64), np.empty((capacity, 4), np.int64)
    n_quotes, n_trades = _session(random, hours * 3600.0, capacity, quotes, trades)
    start = (FIRST_DAY + np.timedelta64(day, "D")).astype(np.int64)
    q, t = quotes[:n_quotes], trades[:n_trades]
    quote_frame = pd.DataFrame(
        {
            "ts": q[:, 0] + start,
            "bid": np.round(q[:, 1] * TICK_SIZE, 2),
            "bid_size": q[:, 2].astype(np.float64),
            "ask": np.round(q[:, 3] * TICK_SIZE, 2),
            "ask_size": q[:, 4].astype(np.float64),
        }
    )
    trade_frame = pd.DataFrame(
        {
            "ts": t[:, 0] + start,
            "price": np.round(t[:, 1] * TICK_SIZE, 2),
            "size": t[:, 2].astype(np.float64),
            "side": t[:, 3].astype(np.int8),
        }
    )
    return (
        str((FIRST_DAY + np.timedelta64(day, "D")).astype("datetime64[D]")).replace("-", ""),
        quote_frame,
        trade_frame,
    )
