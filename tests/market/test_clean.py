"""Raw rows to events: which quotes make the market unknown, which are a one-sided market, which prices are a crash."""

import numpy as np
import pytest

from tfmm.market import clean, raw, schema, tape
from tfmm.simulation import stream

NAN = float("nan")
QUOTE, TRADE, ONE_SIDED, NO_MARKET = range(4)


def quotes(*rows):
    """raw.RAW of (ts, bid, bid_size, ask, ask_size)."""
    return raw.quotes(*(np.array(column) for column in zip(*rows, strict=True)))


def cleaned(*rows, typical=NAN, tick=0.01):
    cleaner = clean.Cleaner([tick], [typical])
    return cleaner.clean(quotes(*rows)), cleaner


def good(ts, bid=1.00):
    return ts, bid, 5.0, round(bid + 0.02, 2), 5.0


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        ((2, 1.03, 5.0, 1.02, 5.0), "quotes_crossed"),
        ((2, 1.005, 5.0, 1.02, 5.0), "quotes_off_grid"),
        ((2, NAN, 5.0, 1.02, 5.0), "quotes_one_sided"),  # a size without its price is no empty side
        ((2, NAN, NAN, NAN, NAN), "quotes_not_finite"),
        ((2, 1.0, 0.0, 1.02, 5.0), "quotes_not_positive"),
        ((2, 1.0, NAN, 1.02, 5.0), "quotes_no_size"),
        ((2, 1.0, 5.0, 99.0, 5.0), "quotes_outlier"),
    ],
)
def test_a_dropped_quote_makes_the_market_unknown_until_the_next_one(bad, reason):
    events, cleaner = cleaned(good(1), bad, (3, *bad[1:]), good(4), typical=1.0)
    # the second bad row changes nothing: the market is unknown already
    assert events["kind"].tolist() == [QUOTE, NO_MARKET, QUOTE]
    assert events["ts"].tolist() == [1, 2, 4]
    assert (events["lo_tick"][1], events["hi_tick"][1]) == (schema.NO_ASK, schema.NO_BID)
    assert cleaner.dropped(0) == {reason: 2}
    assert cleaner.noted["unknown"].tolist() == [1]


def test_before_the_first_true_quote_nothing_becomes_unknown():
    events, _ = cleaned((1, 1.1, 5.0, 1.0, 5.0), good(2))
    assert events["kind"].tolist() == [QUOTE]


def test_a_crossed_flash_with_a_true_quote_at_the_same_time_changes_nothing():
    flash = (2, 1.05, 5.0, 1.02, 5.0)
    events, cleaner = cleaned(good(1), flash, good(2, 1.01), good(3))
    assert events["kind"].tolist() == [QUOTE] * 3 and events["lo_tick"].tolist() == [100, 101, 100]
    assert cleaner.dropped(0) == {"quotes_crossed": 1}
    # the other way round the time ends with a crossed market
    events, _ = cleaned(good(1), good(2, 1.01), flash, good(3))
    assert events["kind"].tolist() == [QUOTE, QUOTE, NO_MARKET, QUOTE]


def test_duplicates_and_trades_that_are_dropped_leave_the_market_alone():
    cleaner = clean.Cleaner([0.01], [1.0])
    rows = np.concatenate([quotes(good(1), good(1)), raw.trades([2], [-1.0], [1.0], [1]), quotes(good(3))])
    assert cleaner.clean(rows)["kind"].tolist() == [QUOTE, QUOTE]
    assert cleaner.dropped(0) == {"quotes_duplicate": 1, "trades_not_positive": 1}


@pytest.mark.parametrize("empty", [(NAN, NAN), (NAN, 0.0), (0.0, 0.0), (0.0, NAN)])
def test_an_empty_side_is_a_one_sided_market(empty):
    events, cleaner = cleaned(good(1), (2, 1.02, 900.0, *empty), (3, *empty, 1.0, 900.0), good(4))
    assert events["kind"].tolist() == [QUOTE, ONE_SIDED, ONE_SIDED, QUOTE]
    assert events["lo_tick"].tolist() == [100, 102, schema.NO_BID, 100]
    assert events["hi_tick"].tolist() == [102, schema.NO_ASK, 100, 102]
    assert events["lo_size"].tolist() == [5, 900, 0, 5]
    assert events["hi_size"].tolist() == [5, 0, 900, 5]
    assert cleaner.dropped(0) == {} and cleaner.noted["one_sided"].tolist() == [2]


def test_prices_that_the_market_reached_step_by_step_are_a_crash_and_one_that_stands_alone_is_an_outlier():
    down = [64.0, 40.0, 25.0, 15.0, 8.0, 5.0]  # the bound is 10: a tenth of the median
    events, cleaner = cleaned(*(good(k, bid) for k, bid in enumerate(down)), good(9, 64.0), typical=100.0)
    assert events["lo_tick"].tolist() == [6400, 4000, 2500, 1500, 800, 500, 6400]
    assert cleaner.noted["far"].tolist() == [2]
    assert (cleaner.noted["far_ns"][0], cleaner.noted["far_px"][0]) == (4, 8.0)
    events, cleaner = cleaned(good(1, 64.0), good(2, 4.0), good(3, 64.0), good(4, 4.0), good(5, 64.0), typical=100.0)
    assert events["kind"].tolist() == [QUOTE, NO_MARKET, QUOTE, NO_MARKET, QUOTE]
    assert cleaner.dropped(0) == {"quotes_outlier": 2} and cleaner.noted["far"].tolist() == [0]


def test_a_price_that_jumps_and_stays_is_kept_from_its_third_quote_on():
    events, cleaner = cleaned(good(1, 64.0), *(good(k, 4.0) for k in range(2, 7)), typical=100.0)
    assert events["kind"].tolist() == [QUOTE, NO_MARKET, QUOTE, QUOTE, QUOTE]
    assert events["ts"].tolist() == [1, 2, 4, 5, 6]
    assert cleaner.dropped(0) == {"quotes_outlier": 2} and cleaner.noted["far"].tolist() == [3]


def test_a_dip_below_zero_is_noted_and_a_stray_negative_price_is_not():
    events, cleaner = cleaned(good(1, 0.01), (2, -0.01, 5.0, 0.01, 5.0), (3, -0.02, 5.0, 0.0, 5.0), good(4, 0.01))
    assert events["kind"].tolist() == [QUOTE, NO_MARKET, QUOTE]
    noted = cleaner.noted[0]
    assert (noted["not_positive"], noted["not_positive_ns"], noted["not_positive_px"]) == (2, 2, -0.01)
    _, cleaner = cleaned(good(1, 64.0), (2, -1.0, 5.0, 64.02, 5.0), good(3, 64.0))
    assert cleaner.noted["not_positive"].tolist() == [0]
    assert cleaner.dropped(0) == {"quotes_not_positive": 1}


def test_whole_ticks_of_1e_8_at_61801_are_on_the_grid():
    # neighbouring floats near 6.18e12 ticks are 1e-3 apart
    ticks = np.arange(6180112345678, 6180112345678 + 5000)
    px = ticks / 1e8
    events, cleaner = cleaned(*((k, one, 1.0, one, 1.0) for k, one in enumerate(px)), tick=1e-8)
    assert events["lo_tick"].tolist() == ticks.tolist() and cleaner.dropped(0) == {}


def test_in_a_stream_a_true_quote_of_the_same_time_takes_back_the_unknown_market():
    import tfmm.simulation.state as state

    parameters = np.zeros(1, state.PARAMETERS)
    parameters["limit_lot"] = parameters["order_lot"] = parameters["sigma_tick"] = parameters["half_spread_tick"] = 1
    one = stream.Stream(parameters, 1.0, 1.0)
    cleaner = clean.Cleaner([0.01], [NAN])
    for row in (good(1), (2, 1.05, 5.0, 1.02, 5.0), good(2), (3, 1.05, 5.0, 1.02, 5.0)):
        for event in cleaner.clean(quotes(row)):
            one.add(event)
    waiting = one._buffer[: one._count]
    assert waiting["kind"].tolist() == [QUOTE, QUOTE, NO_MARKET] and waiting["ts"].tolist() == [1, 2, 3]


def test_tape_sorts_unknown_markets_with_the_quotes():
    one = tape._sorted(np.array([(1, 0, 0, 0, 0, 0, kind, 0) for kind in (NO_MARKET, TRADE)], schema.EVENT))
    assert one["kind"].tolist() == [TRADE, NO_MARKET]
