"""The order of the rows of a file: what is sorted, turned round, dropped, refused."""

import numpy as np
import pytest

from tfmm.market import raw
from tfmm.market.ingest import file_order

SECOND, MINUTE, HOUR, DAY = 10**9, 60 * 10**9, 3600 * 10**9, 86_400 * 10**9
START = 1_700_000_000 * SECOND


def rows(times_ns, numbers=raw.NO_SEQUENCE):
    ts = np.asarray(times_ns, np.int64)
    return raw.quotes(START + ts, np.arange(len(ts)), 1.0, np.arange(len(ts)), 1.0, numbers)


def ordered(times_ns, numbers=raw.NO_SEQUENCE, blocks=1, sequenced=False):
    """(Order, [rows of each block that can be written])."""
    order = file_order.Order(sequenced)
    out = [order.add(block) for block in np.array_split(rows(times_ns, numbers), blocks)]
    return order, [block for block in [*out, order.rest()] if len(block)]


def seconds(*ranges):
    return np.concatenate([np.arange(*one) * SECOND for one in ranges])


@pytest.mark.parametrize("blocks", [1, 3, 50])
@pytest.mark.parametrize("numbered", [False, True])
def test_rows_some_seconds_late_are_left_as_they_are(blocks, numbered):
    times = seconds((0, 100)) - 5 * SECOND * (np.arange(100) % 7 == 0)
    order, out = ordered(times, np.arange(100) if numbered else raw.NO_SEQUENCE, blocks)
    assert (order.jump, order.damaged, order.descending) == (None, 0, False)
    np.testing.assert_array_equal(np.concatenate(out)["ts"], START + times)
    # row 7 k is 5 s earlier than it should be: 4 s earlier than the row before it
    assert order.notes("quotes") == ["its quotes come up to 4.0 s late and were sorted"]


@pytest.mark.parametrize("blocks", [1, 3, 50])
@pytest.mark.parametrize("numbered", [False, True])
def test_an_hour_that_comes_twice_is_a_clock_change(blocks, numbered):
    # a row a minute from 00:00 to 01:59, then again from 01:00; the venue's numbers go on
    times = MINUTE * np.concatenate([np.arange(120), np.arange(60, 180)])
    order, _ = ordered(times, np.arange(240) if numbered else raw.NO_SEQUENCE, blocks)
    assert order.jump == (START + 119 * MINUTE, START + 60 * MINUTE, 120)
    fault = order.fault("quotes")
    # START is 2023-11-14 22:13:20
    assert "after 120 quotes time jumps back from 2023-11-15 00:12:20.000 to 2023-11-14 23:13:20.000" in fault
    assert "give times in UTC or with their offset" in fault


def test_two_files_in_one_are_a_fault_of_another_name():
    order, _ = ordered(MINUTE * np.concatenate([np.arange(300), np.arange(300)]))
    assert order.jump[2] == 300
    assert "two files in one, or rows in another order" in order.fault("quotes")


@pytest.mark.parametrize("blocks", [1, 40])
def test_numbers_that_go_back_too_say_that_only_the_order_of_the_file_is_another(blocks):
    # two ranges interleaved, as in dumps of Binance: row 500 + k comes before row k
    number = np.arange(1000).reshape(2, 500)[::-1].T.ravel()
    order, out = ordered(number * MINUTE, number, blocks)
    assert (order.jump, order.damaged) == (None, 0)
    assert sum(map(len, out)) == 1000
    # without numbers it cannot be told from a clock change
    order, _ = ordered(number * MINUTE, blocks=blocks)
    assert order.jump is not None or order.damaged > 400


def test_whole_days_in_another_order_lie_apart():
    day = MINUTE * np.arange(0, 1200, 10)
    order, out = ordered(np.concatenate([2 * DAY + day, day, DAY + day]), blocks=4)
    assert (order.jump, order.damaged) == (None, 0)
    assert sum(map(len, out)) == 360
    # the same day again does not
    order, _ = ordered(np.concatenate([2 * DAY + day, day, 2 * DAY + day]), blocks=4)
    assert order.jump is not None
    # a stretch that begins before another one and goes on into it
    order, _ = ordered(np.concatenate([2 * DAY + day, DAY + day, DAY + 20 * HOUR + day]), blocks=4)
    assert order.jump is not None


@pytest.mark.parametrize(("place", "wrong"), [(50, 50 - 300), (50, 50 + 5000), (0, 9000), (20, -50_000)])
def test_a_row_whose_time_stands_alone_is_dropped_and_counted(place, wrong):
    times = np.arange(100)
    times[place] = wrong
    order, (out,) = ordered(times * SECOND)
    assert (order.jump, order.damaged) == (None, 1)
    np.testing.assert_array_equal(out["ts"], START + SECOND * np.delete(np.arange(100), place))
    assert "1 quotes were dropped, their times lie far from those around them" in order.notes("quotes")[0]


def test_late_prints_in_a_busy_market_are_dropped_but_not_a_thin_hour_that_comes_twice():
    busy = np.array([*range(50), -600, -500, *range(50, 100)]) * SECOND
    order, _ = ordered(busy)
    assert (order.jump, order.damaged) == (None, 2)
    thin = np.array([*range(0, 120, 10), *range(60, 180, 20), *range(180, 400, 10)]) * MINUTE
    order, _ = ordered(thin)
    assert order.jump[2] == 12


def test_a_file_from_new_to_old_is_turned_round_also_between_rows_of_one_time():
    # times 9 9 8 8 ... 0 0, newest first: row 19 is the oldest
    times = np.repeat(np.arange(30)[::-1], 2) * SECOND
    order, blocks = ordered(times, blocks=4)
    assert order.turned
    assert order.jump is None
    np.testing.assert_array_equal(np.concatenate(blocks[::-1])["lo"], np.arange(60)[::-1])
    assert order.notes("trades") == ["its trades stand from new to old and were turned round"]


def test_a_clock_change_is_found_in_a_file_from_new_to_old():
    times = MINUTE * np.concatenate([np.arange(120), np.arange(60, 180)])[::-1]
    order, _ = ordered(times, blocks=3)
    assert order.descending
    assert order.jump == (START + 60 * MINUTE, START + 119 * MINUTE, 120)


def test_rows_that_share_a_sequence_are_not_turned_round():
    order, _ = ordered(seconds((0, 60))[::-1], np.arange(60)[::-1], sequenced=True)
    assert not order.turned
    assert "from new to old" in order.fault("rows")
