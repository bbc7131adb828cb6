"""Trades that are missing, by hand: numbers, and what the report says of them."""

import numpy as np
import pytest

from tfmm.market import raw
from tfmm.market.ingest import trade_ids

SECOND = 10**9
NOTHING = {"missing_trades": None, "trade_id_holes": None, "first_hole": None}


def holes(numbers, dense=True, blocks=3, instruments=1):
    counted = trade_ids.Holes(np.full(instruments, dense))
    numbers = np.asarray(numbers)
    trades = raw.trades(np.arange(len(numbers)) * SECOND, 1.0, 1.0, 1, numbers)
    trades["instrument"] = np.arange(len(numbers)) % instruments
    quotes = raw.quotes(trades["ts"], 1.0, 1.0, 1.0, 1.0, numbers * 7)
    for block in np.array_split(np.stack([trades, quotes], 1).ravel(), blocks):
        assert counted.add(block) is block
    return [counted.report(k) for k in range(instruments)]


@pytest.mark.parametrize("blocks", [1, 7])
def test_holes_are_counted_by_the_trades_that_lie_in_them(blocks):
    # 1 .. 200 without 50 .. 59 and 120: 11 trades in 2 holes; trade 60 is the 50th row, 49 s after the first
    numbers = [k for k in range(1, 201) if not 50 <= k < 60 and k != 120]
    (one,) = holes(numbers, blocks=blocks)
    assert one == {
        "missing_trades": 11, "trade_id_holes": 2,
        "first_hole": {"first_id": 50, "last_id": 59, "before_ns": 49 * SECOND},
    }  # fmt: skip


def test_repeated_late_and_damaged_numbers_are_no_holes():
    whole = list(range(1, 201))
    assert holes([*whole[:100], 100, 100, *whole[100:]])[0]["missing_trades"] == 0
    swapped = [*whole[:100], 102, 101, *whole[102:]]
    assert holes(swapped)[0]["missing_trades"] == 0
    # a damaged number in the place of 101, which is the one that is missing; and one besides
    damaged = [*whole[:100], 9_000_101, *whole[101:]]
    assert holes(damaged)[0]["missing_trades"] == 1
    assert holes(damaged)[0]["first_hole"]["last_id"] == 101
    assert holes([*whole[:100], 9_000_101, *whole[100:]])[0]["missing_trades"] == 0


def test_numbers_that_a_venue_shares_among_instruments_say_nothing():
    random = np.random.default_rng(0)
    sparse = np.cumsum(random.integers(1, 6, 500))
    assert holes(sparse, dense=False) == [NOTHING]
    # what is not known to be dense counts as such where all but some steps are of one
    stretches = [k for k in range(10_000) if k % 1000 < 600]
    assert holes(stretches, dense=False)[0]["missing_trades"] == 9 * 400
    # two instruments, each with every second number
    assert holes(np.arange(1000), dense=False, instruments=2) == [NOTHING, NOTHING]
    assert holes(np.full(300, raw.NO_SEQUENCE)) == [NOTHING]
