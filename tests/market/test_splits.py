"""The chronological split: whole sessions, cuts inside, named sessions."""

import itertools

import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.config import market as market_config
from tfmm.market import schema, splits, tape
from tfmm.market.ingest import store_writer

ONE = schema.Instrument(symbol="X", tick_size=0.01)
S = 1_000_000_000


def make(tmp_path, count, seconds=100):
    def sessions():
        for number in range(count):
            ts = (np.arange(seconds + 1) + 1000 * number) * S
            frame = pd.DataFrame({"ts": ts, "bid": 1.0, "bid_size": 1.0, "ask": 1.1, "ask_size": 2.0})
            trades = pd.DataFrame([], columns=list(tape.TRADE_COLUMNS))
            yield f"day{number}", tape.Tape.from_frames(frame, trades, ONE), {}

    return store_writer.create(tmp_path / "store", [ONE], sessions())


def names(parts):
    return [[one.session for one in parts[part]] for part in splits.PARTS]


def test_five_sessions_are_three_one_one(tmp_path):
    parts = splits.split(make(tmp_path, 5), market_config.Data())
    assert names(parts) == [["day0", "day1", "day2"], ["day3"], ["day4"]]
    assert parts["test"][0] == ("day4", 404, 505, 4000 * S, 4100 * S)


def test_a_fold_brings_every_session_to_be_tested(tmp_path):
    store = make(tmp_path, 5)
    parts = [names(splits.split(store, market_config.Data(fold=k))) for k in range(6)]
    assert parts[1] == [["day1", "day2", "day3"], ["day4"], ["day0"]]
    assert [test for _, _, (test,) in parts] == ["day4", "day0", "day1", "day2", "day3", "day4"]


def test_one_session_is_cut_by_time_with_a_gap(tmp_path):
    parts = splits.split(make(tmp_path, 1), market_config.Data(gap_s=5.0))
    # 100 s: train to 60, validation 65 to 80, test 85 to 100; rows are seconds
    assert parts["train"] == (("day0", 0, 60, 0, 60 * S),)
    assert parts["validation"] == (("day0", 65, 80, 65 * S, 80 * S),)
    assert parts["test"] == (("day0", 85, 101, 85 * S, 100 * S),)


def test_two_sessions_are_cut_where_the_joined_time_says(tmp_path):
    parts = splits.split(make(tmp_path, 2), market_config.Data(gap_s=0.0, fractions=(0.6, 0.2, 0.2)))
    # 200 s: train is all of day0 and 20 s of day1
    assert [(one.session, one.start_ns // S, one.stop_ns // S) for one in parts["train"]] == [
        ("day0", 0, 100),
        ("day1", 1000, 1020),
    ]
    assert [(one.start_ns // S, one.stop_ns // S) for one in parts["test"]] == [(1060, 1100)]


@pytest.mark.parametrize("count", [1, 2, 3, 4, 7])
@pytest.mark.parametrize(
    "fractions", [(0.6, 0.2, 0.2), (0.5, 0.3, 0.2), (0.8, 0.1, 0.1), (0.4, 0.1, 0.5), (0.1, 0.8, 0.1)]
)
def test_parts_never_overlap_and_follow_each_other(tmp_path, count, fractions):
    parts = splits.split(make(tmp_path, count), market_config.Data(fractions=fractions, gap_s=2.0))
    rows = [one for part in splits.PARTS for one in parts[part]]
    for before, after in itertools.pairwise(rows):
        assert before.stop_row <= after.start_row
        assert before.stop_ns < after.start_ns


def test_named_sessions_win(tmp_path):
    data = market_config.Data(train=("day0",), validation=("day2",), test=("day3", "day4"))
    assert names(splits.split(make(tmp_path, 5), data)) == [["day0"], ["day2"], ["day3", "day4"]]


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (market_config.Data(train=("day0",), validation=("day1",), test=("day9",)), "no session day9"),
        (market_config.Data(train=("day1",), validation=("day0",), test=("day2",)), "wanted time order"),
        (market_config.Data(train=("day0",), validation=("day0",), test=("day2",)), "wanted time order"),
        (market_config.Data(train=("day0",), validation=("day1",)), "test is empty"),
        (
            market_config.Data(train=("day0",), validation=("day1",), test=("day2",), fold=1),
            "fold is 1, wanted 0",
        ),
    ],
)
def test_wrong_parts_are_config_errors(tmp_path, data, message):
    with pytest.raises(errors.ConfigError, match=message):
        splits.split(make(tmp_path, 3), data)


def test_a_gap_that_swallows_a_part_is_a_config_error(tmp_path):
    with pytest.raises(errors.ConfigError, match="validation is empty"):
        splits.split(make(tmp_path, 1), market_config.Data(gap_s=30.0))
