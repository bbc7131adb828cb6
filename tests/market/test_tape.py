"""Tape.from_frames and merge: order, drops, ticks, refusals."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tfmm import errors
from tfmm.market import schema, tape

CENT = schema.Instrument(symbol="X", tick_size=0.01)


def quotes(*rows):
    return pd.DataFrame(rows, columns=list(tape.QUOTE_COLUMNS))


def trades(*rows):
    return pd.DataFrame(rows, columns=list(tape.TRADE_COLUMNS))


def test_trades_come_before_quotes_of_the_same_time_and_order_is_kept():
    one = tape.Tape.from_frames(
        quotes((1, 1.00, 5.0, 1.02, 6.0), (2, 1.01, 7.0, 1.02, 6.0), (2, 1.00, 8.0, 1.03, 6.0)),
        trades((2, 1.02, 3.0, 1), (2, 1.01, 4.0, -1)),
        CENT,
    )
    assert one.events["kind"].tolist() == [schema.QUOTE, schema.TRADE, schema.TRADE, schema.QUOTE, schema.QUOTE]
    assert one.events["lo_tick"].tolist() == [100, 102, 101, 101, 100]
    assert one.events["hi_tick"].tolist() == [102, 102, 101, 102, 103]
    assert one.events["lo_size"].tolist() == [5, 3, 4, 7, 8]
    assert one.events["side"].tolist() == [0, 1, -1, 0, 0]


def test_a_print_between_two_ticks_keeps_both_neighbours():
    one = tape.Tape.from_frames(quotes((1, 1.0, 1.0, 1.1, 1.0)), trades((2, 1.005, 1.0, 0)), CENT)
    assert (one.events["lo_tick"][1], one.events["hi_tick"][1]) == (100, 101)


def test_rows_that_cannot_be_true_are_dropped_and_counted_and_locked_rows_stay():
    nan = float("nan")
    one = tape.Tape.from_frames(
        quotes((1, nan, 1.0, 1.0, 1.0), (2, 1.0, 0.0, 1.1, 1.0), (3, 1.2, 1.0, 1.1, 1.0), (4, 1.1, 1.0, 1.1, 1.0)),
        trades((5, 1.0, nan, 1), (6, -1.0, 1.0, 1), (7, 1.0, 2.0, -1)),
        CENT,
    )
    assert one.events["ts"].tolist() == [4, 7]
    assert one.dropped == {
        "quotes_one_sided": 1,
        "quotes_not_positive": 1,
        "quotes_crossed": 1,
        "trades_no_size": 1,
        "trades_not_positive": 1,
    }


def test_a_price_beyond_all_ticks_is_dropped_and_repeated_rows_stay():
    row = (1, 1.0, 1.0, 1.1, 1.0)
    one = tape.Tape.from_frames(quotes(row, row, (2, 1.0, 1.0, 1e300, 1.0)), trades(), CENT)
    assert one.events["kind"].tolist() == [schema.QUOTE, schema.QUOTE, schema.NO_MARKET]
    assert one.dropped == {"quotes_outlier": 1}


def test_datetimes_are_nanoseconds_utc():
    frame = quotes((0, 1.0, 1.0, 1.1, 1.0))
    frame["ts"] = pd.to_datetime(["2020-01-01T00:00:01Z"])
    assert tape.Tape.from_frames(frame, trades(), CENT).events["ts"].tolist() == [1577836801 * 10**9]


@pytest.mark.parametrize(
    ("quote", "trade", "message"),
    [
        (
            quotes((2, 1.0, 1.0, 1.1, 1.0), (1, 1.0, 1.0, 1.1, 1.0)),
            trades(),
            "quotes: time goes back at row 1, got 1 after 2",
        ),
        (quotes((1, 1.0, 1.0, 1.1, 1.0)).drop(columns="ask"), trades(), "no column ask"),
        (quotes((1, "x", 1.0, 1.1, 1.0)), trades(), "column bid has type"),
        (quotes((1.5, 1.0, 1.0, 1.1, 1.0)), trades(), "column ts has type float64"),
        (
            quotes((1, 1.005, 1.0, 1.1, 1.0)),
            trades(),
            "price 1.005 is not a multiple of the tick size 0.01",
        ),
        (quotes((1, 1.0, 1.0, 1.1, 1.0)), trades((1, 1.0, 1.0, 2)), "column side has 2"),
    ],
)
def test_wrong_frames_are_refused_by_name(quote, trade, message):
    with pytest.raises(errors.DataError, match=message):
        tape.Tape.from_frames(quote, trade, CENT)


def test_merge_numbers_the_instruments_and_keeps_time_order():
    one = tape.Tape.from_frames(quotes((1, 1.0, 1.0, 1.1, 1.0), (3, 1.0, 1.0, 1.1, 1.0)), trades(), CENT)
    two = tape.Tape.from_frames(quotes((2, 5.0, 1.0, 5.1, 1.0)), trades((3, 5.0, 1.0, 1)), CENT)
    both = tape.Tape.merge([one, two])
    assert both.events["instrument"].tolist() == [0, 1, 1, 0]
    assert both.events["ts"].tolist() == [1, 2, 3, 3]
    assert len(both.instruments) == 2
    assert one.events["instrument"].tolist() == [0, 0]


PX = st.one_of(st.integers(-2, 50).map(lambda cents: cents / 100), st.just(float("nan")))
SIZE = st.sampled_from([float("nan"), -1.0, 0.0, 1.0, 2.5])
TIME = st.integers(0, 20)


@settings(max_examples=200, deadline=None)
@given(
    st.lists(st.tuples(TIME, PX, SIZE, PX, SIZE), max_size=20),
    st.lists(st.tuples(TIME, PX, SIZE, st.sampled_from([-1, 0, 1])), max_size=20),
)
def test_any_frames_give_a_sorted_tape_of_true_rows(q, t):
    q, t = sorted(q, key=lambda row: row[0]), sorted(t, key=lambda row: row[0])
    one = tape.Tape.from_frames(quotes(*q), trades(*t), CENT)
    events = one.events
    key = events["ts"] * 2 + (events["kind"] != schema.TRADE)
    assert (np.diff(key) >= 0).all()
    true = events[events["kind"] != schema.NO_MARKET]
    assert (true["lo_tick"] <= true["hi_tick"]).all()
    whole = true[true["kind"] != schema.ONE_SIDED]
    assert (whole["lo_tick"] > 0).all() and (whole["lo_size"] > 0).all()
    assert ((true["lo_size"] > 0) | (true["hi_size"] > 0)).all()
    assert len(true) + sum(one.dropped.values()) == len(q) + len(t)
    # the market becomes unknown once for quotes that are dropped one after another
    of_quotes = events["kind"][events["kind"] != schema.TRADE]
    assert not (of_quotes[:1] == schema.NO_MARKET).any()
    assert not ((of_quotes[1:] == schema.NO_MARKET) & (of_quotes[:-1] == schema.NO_MARKET)).any()
