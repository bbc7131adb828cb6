"""Times that a spreadsheet has rounded, and times that only look like it."""

import numpy as np
import pytest

from tfmm.market import raw
from tfmm.market.ingest import rounded

SECOND = 10**9


def fault(times_s, quotes=True):
    ts = np.rint(np.asarray(times_s) * SECOND).astype(np.int64)
    state = np.zeros(3, np.int64)
    for block in np.array_split(ts, 3):
        rounded.note(raw.quotes(block, 1.0, 1.0, 1.0, 1.0), state)
    return rounded.fault(len(ts), state, int(ts.max() - ts.min()), quotes)


RANDOM = np.random.default_rng(0)
DAY = np.sort(RANDOM.uniform(0, 86_400, 4000))


@pytest.mark.parametrize(
    ("times_s", "words"),
    [
        (DAY // 1e4 * 1e4, "4000 rows have 9 distinct ones"),  # 1.70420E+12 ms: five digits after the point
        (DAY // 60 * 60, "rounded to 60 s"),  # minutes of a spreadsheet that shows no seconds
        (np.sort(RANDOM.choice(DAY, 400)) // 60 * 60, "rounded to 60 s"),  # 350 minutes of a day have them
        (DAY // 30 * 30, "rounded to 30 s"),
        (np.full(50, 7.0), "all 50 rows have the same time"),
        ([*(DAY // 1e4 * 1e4), 86_400.001], "times are rounded: 4001 rows have 10 distinct ones"),  # but for one
    ],
)
def test_rounded_times(times_s, words):
    assert words in fault(times_s)


@pytest.mark.parametrize(
    ("times_s", "quotes"),
    [
        (DAY, True),
        (DAY // 1, True),  # whole seconds, as old feeds have them
        (np.sort(RANDOM.uniform(0, 60, 9000)) // 1, True),  # 150 quotes a second, in whole seconds
        (np.arange(1440) * 60, True),  # one quote a minute
        (np.arange(4000) * 3, True),  # snapshots every 3 s
        (np.repeat(np.arange(300), 1 + (np.arange(300) % 3 == 0)) * 3, True),  # some of them twice
        (np.sort(RANDOM.integers(0, 80_000, 8)) * 2, True),  # few rows
        (np.repeat([5.123, 900.456, 4000.789], 12), False),  # three bursts of trades on a quiet day
        (np.full(12, 7.0), False),  # one burst
    ],
)
def test_times_that_may_be_true(times_s, quotes):
    assert fault(times_s, quotes) == ""
