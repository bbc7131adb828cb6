"""Numbers that were stored with 24 bits become the decimals that they were."""

import decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from tfmm.market import schema, single_precision, tape
from tfmm.market.readers import columns


@pytest.mark.parametrize(("level", "places"), [(184, 2), (61801, 2), (1.2, 5), (0.0007, 7), (1e-6, 10)])
def test_float32_prices_are_the_decimals_that_were_stored(level, places):
    prices = np.round(level + np.arange(200) / 10**places, places)
    stored = prices.astype(np.float32)
    assert (stored.astype(np.float64) != prices).any()
    assert single_precision.restored(stored.astype(np.float64), True).tolist() == prices.tolist()
    # the same numbers in a column of float64
    assert single_precision.restored(stored.astype(np.float64)).tolist() == prices.tolist()


def test_values_that_24_bits_hold_exactly_stay():
    # 110 and 1/128 to 127/128: the shortest decimal of 24 bits would be 110.00781
    treasuries = 110.0 + np.arange(128) / 128
    assert single_precision.restored(treasuries, True).tolist() == treasuries.tolist()
    assert single_precision.restored(treasuries).tolist() == treasuries.tolist()


def test_other_doubles_and_missing_values_stay():
    for values in (np.round(61801 + np.arange(100) * 0.01, 2), np.random.default_rng(0).random(100), np.zeros(0)):
        assert single_precision.restored(values).tolist() == values.tolist()
    out = single_precision.restored(np.array([np.nan, np.float32(0.1), np.inf]), True)
    np.testing.assert_array_equal(out, [np.nan, 0.1, np.inf])


def test_nine_digits_of_24_bits_as_text_are_restored():
    prices = np.round(184.36 + np.arange(200) / 100, 2)
    texts = np.array([float(f"{value:.9g}") for value in prices.astype(np.float32)])
    assert (texts != prices).any()
    assert single_precision.restored(texts).tolist() == prices.tolist()


def test_decimals_are_the_nearest_floats():
    numbers = [decimal.Decimal(6180112345678 + 7919 * k).scaleb(-8) for k in range(2000)]
    got, _ = columns.number(pa.array([*numbers, None], pa.decimal128(30, 8)))
    assert got[:-1].tolist() == [float(str(number)) for number in numbers] and np.isnan(got[-1])


def test_frames_of_float32():
    one = tape.Tape.from_frames(
        pd.DataFrame({"ts": [1], "bid": [1000.01], "bid_size": [1.0], "ask": [1000.02], "ask_size": [1.0]}).astype(
            dict.fromkeys(("bid", "bid_size", "ask", "ask_size"), np.float32)
        ),
        pd.DataFrame({"ts": [2], "price": [1000.01], "size": [1.0], "side": [1]}),
        schema.Instrument(symbol="X", tick_size=0.01),
    )
    assert one.events["lo_tick"].tolist() == [100001, 100001]
