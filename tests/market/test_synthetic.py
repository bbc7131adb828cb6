"""Synthetic quotes: worked numbers, consistency with the legs, real data."""

import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.market import schema, synthetic, tape

LEGS = (schema.Instrument(symbol="ETHUSDT", tick_size=0.5), schema.Instrument(symbol="BTCUSDT", tick_size=1.0))


def events():
    eth = pd.DataFrame(
        {"ts": [1, 3], "bid": [2500.0, 2501.0], "bid_size": 4.0, "ask": [2501.0, 2502.0], "ask_size": 6.0}
    )
    btc = pd.DataFrame(
        {"ts": [2, 4], "bid": [50000.0, 50010.0], "bid_size": 0.1, "ask": [50020.0, 50030.0], "ask_size": 1.0}
    )
    trade = pd.DataFrame({"ts": [2], "price": [50000.0], "size": [1.0], "side": [1]})
    none = trade.iloc[:0]
    return tape.Tape.merge(
        [tape.Tape.from_frames(eth, none, LEGS[0]), tape.Tape.from_frames(btc, trade, LEGS[1])]
    ).events


def test_division_by_hand():
    triangle = synthetic.parse("ETHBTC=ETHUSDT/BTCUSDT@0.00001")
    made = synthetic.Maker(triangle, (0, 1), 2, (*LEGS, schema.Instrument(symbol="ETHBTC", tick_size=1e-5))).add(
        events()
    )
    new = made[made["instrument"] == 2]
    np.testing.assert_array_equal(made[made["instrument"] < 2], events())
    assert new["ts"].tolist() == [2, 3, 4]
    # bid 2500 / 50020 = .0499800, down to 4998; ask 2501 / 50000 = .05002, 5002
    assert (new["lo_tick"][0], new["hi_tick"][0]) == (4998, 5002)
    # bid size: 4 ETH or 1 BTC x 50020 / 2500 = 20.008 ETH; ask size: 6 ETH or .1 x 50000 / 2501 = 1.9992 ETH
    assert new["lo_size"][0] == 4.0
    assert new["hi_size"][0] == pytest.approx(0.1 * 50000 / 2501)
    # after 3: bid 2501 / 50020 = .0500000 exactly below: .049999..; ask 2502 / 50000 = .05004
    assert (new["lo_tick"][1], new["hi_tick"][1]) == (int(np.floor(2501 / 50020 / 1e-5)), 5004)


def test_product_of_bids_and_asks_and_their_sizes():
    bid, ask, bid_size, ask_size = synthetic.implied(
        np.array([2.0, 2.1, 10.0, 8.0]), np.array([50.0, 51.0, 3.0, 100.0]), False
    )
    # selling X gives 2 Y each: 3 Y can be sold on, 1.5 X; buying X needs 2.1 Y each: 100 Y buy 47.6 X, 8 are offered
    assert (bid, ask, bid_size, ask_size) == (100.0, pytest.approx(107.1), 1.5, 8.0)


@pytest.mark.parametrize("text", ["ETHBTC", "A=B", "A=/C", "=B/C", "A=B/C@1.2.3"])
def test_texts_that_are_no_triangle(text):
    with pytest.raises(errors.ConfigError, match="--synthetic"):
        synthetic.parse(text)


def test_tick_size_of_six_digits():
    assert synthetic.tick_size(synthetic.parse("A=B/C"), 2500.0, 50000.0) == 1e-7
    assert synthetic.tick_size(synthetic.parse("A=B*C"), 2500.0, 2.0) == 1e-2
    assert synthetic.tick_size(synthetic.parse("A=B*C@0.5"), 2500.0, 2.0) == 0.5
