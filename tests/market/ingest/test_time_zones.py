"""Clocks of quotes and trades that are hours apart: seen by where the trades fit, in a market that moves."""

import numpy as np
import pytest

from tests.market import tob_files
from tfmm.market.ingest import prepare

HOUR = tob_files.HOUR


def refusal(tmp_path, quotes, trades):
    raw_dir = tob_files.write(tmp_path / "raw", quotes, trades)
    try:
        prepare.prepare(raw_dir, tmp_path / "store", tob_files.request())
    except prepare.Refused as refused:
        assert not (tmp_path / "store").exists()
        return str(refused)
    return ""


@pytest.mark.parametrize(
    ("hours", "words"),
    [
        (0, ""),
        (-4, "of 4 hours later"),  # New York's summer beside UTC
        (-5, "of 5 hours later"),
        (8, "of 8 hours earlier"),  # Shanghai
        (5.5, "of 5.5 hours earlier"),  # Mumbai
        (-12, "of 12 hours later"),  # the spans do not overlap
    ],
)
def test_trades_that_fit_the_quotes_of_other_hours_are_refused(tmp_path, hours, words):
    # 6.5 hours of a market: with an offset of 4 hours most of the trades lie beside quotes all the same
    quotes, trades = tob_files.market(hours=6.5)
    trades["ts"] += round(hours * HOUR)
    message = refusal(tmp_path, quotes, trades)
    assert ("different time zones" in message) == bool(words)
    assert words in message


def test_a_market_that_moves_by_one_tick_is_told_by_its_sides(tmp_path):
    quotes, trades = tob_files.market(hours=8, band=1)
    assert refusal(tmp_path / "same", quotes, trades) == ""
    trades["ts"] += 3 * HOUR
    assert "on the side of the mid that they say of 3 hours earlier" in refusal(tmp_path / "other", quotes, trades)


def test_what_fits_nowhere_or_everywhere_is_no_question_of_time_zones(tmp_path):
    quotes, trades = tob_files.market(hours=8)
    flipped = trades.assign(side=-trades["side"])
    assert "time zones" not in refusal(tmp_path / "flipped", quotes, flipped)
    random = np.random.default_rng(0)
    trades["price"] = trades["price"] * random.uniform(0.8, 1.2, len(trades)).round(2)
    assert "time zones" not in refusal(tmp_path / "random", quotes, trades)
    still, trades = tob_files.market(hours=8, band=0)
    trades["ts"] += HOUR
    assert "time zones" not in refusal(tmp_path / "still", still, trades)


def test_trades_of_a_longer_time_than_the_quotes(tmp_path):
    quotes, trades = tob_files.market(hours=8)
    short = quotes[(quotes["ts"] >= quotes["ts"][0] + HOUR) & (quotes["ts"] < quotes["ts"][0] + 1.1 * HOUR)]
    assert "time zones" not in refusal(tmp_path, short, trades)
