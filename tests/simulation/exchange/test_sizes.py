"""Queues in exact sizes, and displayed size that is taken once: against the plain-Python reference, and by hand."""

import importlib.util
import pathlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tfmm import simulation
from tfmm.market import schema, tape
from tfmm.simulation import sizes, state
from tfmm.simulation.exchange import replay as replay_lib, rules as rules_lib

_spec = importlib.util.spec_from_file_location("reference", pathlib.Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

NAN = float("nan")
TENTHS = schema.Instrument(symbol="X", tick_size=1.0, lot_size=0.1)
TIMES = st.integers(0, 12)
SIZES = st.sampled_from([0.1, 0.2, 0.3, 0.6, 0.7, 1.1, 0.05, 0.15, 0.32, 0.033])
QUOTE_ROWS = st.lists(st.tuples(TIMES, st.integers(99, 101), st.integers(0, 2), SIZES, SIZES), min_size=1, max_size=25)
TRADE_ROWS = st.lists(st.tuples(TIMES, st.integers(98, 103), st.sampled_from([-1, 0, 1]), SIZES), max_size=25)
SIDE = st.one_of(st.just(NAN), st.integers(98, 103).map(float))
RULES = st.fixed_dictionaries(
    {
        "touch": st.sampled_from(rules_lib.TOUCHES),
        "marketable": st.sampled_from(rules_lib.MARKETABLES),
        "partial": st.booleans(),
        "latency_ns": st.sampled_from([0, 3]),
        "gap_ns": st.sampled_from([None, 3]),
        "maker_fee_bps": st.sampled_from([0.0, -0.5]),
        "taker_fee_bps": st.sampled_from([0.0, 2.0]),
        "maker_fee_per_unit": st.sampled_from([0.0, 0.35, -0.2]),
        "taker_fee_per_unit": st.sampled_from([0.0, 0.3]),
        "minimum_fee": st.sampled_from([0.0, 0.1]),
    }
)
SENT_ROWS = st.lists(st.tuples(st.integers(-1, 12), SIDE, SIDE, st.integers(1, 12), st.integers(1, 12)), max_size=6)


def frames(quotes, trades):
    """Frames of rows (ts, bid, bid size, ask, ask size) and (ts, price, size, side)."""
    q = pd.DataFrame(sorted(quotes, key=lambda row: row[0]), columns=list(tape.QUOTE_COLUMNS))
    t = pd.DataFrame(sorted(trades, key=lambda row: row[0]), columns=list(tape.TRADE_COLUMNS))
    return q.astype({"ts": np.int64}), t.astype({"ts": np.int64, "price": float, "size": float, "side": np.int8})


def sent(*rows):
    """A schedule of rows (ts, bid, ask, bid size, ask size)."""
    out = np.zeros(len(rows), replay_lib.SCHEDULE)
    for entry, row in zip(out, sorted(rows, key=lambda row: row[0]), strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"], entry["bid_qty"], entry["ask_qty"] = row
    return out


def replayed(quotes, trades, s, instrument=TENTHS, **rules):
    q, t = frames(quotes, trades)
    return simulation.replay(tape.Tape.from_frames(q, t, instrument), s, simulation.FillRules(**rules))


def filled(*args, **rules):
    """Fills as (ts, side, size, rule)."""
    fills = replayed(*args, **rules).fills
    return list(zip(*(fills[name].tolist() for name in ("ts_ns", "side", "qty", "rule")), strict=True))


@settings(max_examples=300, deadline=None)
@given(QUOTE_ROWS, TRADE_ROWS, SENT_ROWS, RULES)
def test_equals_the_reference_with_decimal_sizes(quotes, trades, rows, rules):
    """Sizes of tenths and of fractions of a lot, few prices, so that queues are used up and sizes taken again."""
    quotes = [(ts, float(bid), one, float(bid + width), two) for ts, bid, width, one, two in quotes]
    trades = [(ts, price, size, side) for ts, price, side, size in trades]
    s = sent(*[(ts, bid, ask, round(0.1 * one, 1), round(0.1 * two, 1)) for ts, bid, ask, one, two in rows])
    q, t = frames(quotes, trades)
    want = reference.replay(q, t, s, TENTHS.tick_size, TENTHS.lot_size, **rules)
    assert filled(quotes, trades, s, **rules) == [(ts, side, qty, rule) for ts, side, _, qty, _, rule, _ in want]
    charged = replayed(quotes, trades, s, **rules).fills["fee"]
    np.testing.assert_allclose(charged, [one[4] for one in want], rtol=1e-12, atol=1e-12)


BOOK = (0, 100.0, 0.3, 102.0, 0.5)


@pytest.mark.parametrize("partial", [False, True])
def test_a_queue_that_is_exactly_used_up_leaves_nothing(partial):
    # 0.3 displayed; 0.1 + 0.2 traded: in floats 2.8e-17 would be left
    s = sent((1, 100.0, NAN, 0.1, 0.1))
    trades = [(2, 100.0, 0.1, -1), (3, 100.0, 0.2, -1)]
    assert filled([BOOK], trades, s, touch="queue", partial=partial) == []
    assert filled([BOOK], [*trades, (4, 100.0, 0.1, -1)], s, touch="queue", partial=partial) == [(4, 1, 0.1, "QUEUE")]
    mirrored = [(0, 98.0, 0.5, 100.0, 0.3)]
    sales, ask = [(ts, px, size, 1) for ts, px, size, _ in trades], sent((1, NAN, 100.0, 0.1, 0.1))
    assert filled(mirrored, sales, ask, touch="queue", partial=partial) == []


def test_random_queues_of_tenths_are_used_up_as_whole_numbers_are():
    rng = np.random.default_rng(5)
    for _ in range(300):
        lots = rng.integers(1, 40, rng.integers(2, 6))
        shown = round(0.1 * int(lots.sum()), 1)
        trades = [(2 + k, 100.0, round(0.1 * int(one), 1), -1) for k, one in enumerate(lots)]
        s = sent((1, 100.0, NAN, 0.1, 0.1))
        assert filled([(0, 100.0, shown, 102.0, 0.5)], trades, s, touch="queue") == []
        one_more = [*trades, (99, 100.0, 0.1, -1)]
        assert filled([(0, 100.0, shown, 102.0, 0.5)], one_more, s, touch="queue") == [(99, 1, 0.1, "QUEUE")]


def test_a_queue_fill_wants_a_whole_lot():
    """Behind 0.3 of 0.6, of which a third is cancelled: 0.2 stays; a trade leaves 0.05 of a lot, then a lot."""
    s = sent((1, 100.0, NAN, 0.4, 0.1))
    quotes = [BOOK, (2, 100.0, 0.6, 102.0, 0.5), (3, 100.0, 0.4, 102.0, 0.5)]
    for size, whole, part in ((0.25, [], []), (0.29, [], []), (0.3, [0.4], [0.1]), (0.49, [0.4], [0.2])):
        for partial, wanted in ((False, whole), (True, part)):
            got = filled(quotes, [(4, 100.0, size, -1)], s, touch="queue", partial=partial)
            assert [qty for _, _, qty, _ in got] == wanted, (size, partial)


def test_what_is_cancelled_in_steps_ends_on_a_whole_lot():
    """Behind 3 of 9 lots; 8, then 6 are shown: 3 x 8/9 x 6/8 = 2 before us, so a trade of 3 leaves our lot."""
    s = sent((1, 100.0, NAN, 0.1, 0.1))
    quotes = [BOOK, *[(2 + k, 100.0, size, 102.0, 0.5) for k, size in enumerate((0.9, 0.8, 0.6))]]
    assert filled(quotes, [(9, 100.0, 0.3, -1)], s, touch="queue") == [(9, 1, 0.1, "QUEUE")]
    assert filled(quotes, [(9, 100.0, 0.2, -1)], s, touch="queue") == []


def test_sizes_in_millionths_of_a_lot():
    parameters = np.zeros(1, state.PARAMETERS)[0]
    for lot, size, wanted in (
        (0.1, 0.3, 3_000_000), (0.1, 0.1 + 0.2, 3_000_000), (1e-8, 1234.56789012, 123_456_789_012 * 10**6),
        (0.1, 0.25, 2_500_000), (100.0, 137.0, 1_370_000), (0.001, 3_000_000.001, 3_000_000_001 * 10**6),
        (1.0, 1e30, 10**18), (1.0, 0.0, 0),
    ):  # fmt: skip
        parameters["lot_size"] = lot
        assert sizes.millionths(size, parameters) == wanted, (lot, size)


def test_a_part_of_a_size_is_rounded_down():
    assert sizes.in_proportion(3_000_000, 8_000_000, 9_000_000) == 2_666_666  # 2 666 666.67
    assert sizes.in_proportion(2_666_666, 6_000_000, 8_000_000) == 1_999_999  # 1 999 999.5
    # products beyond 2^63: 4e12 x 3e12 / 6e12
    assert sizes.in_proportion(4 * 10**12, 3 * 10**12, 6 * 10**12) == 2 * 10**12


ONE = schema.Instrument(symbol="X", tick_size=1.0, lot_size=1.0)
STILL = [(k, 102.0, 9.0, 103.0, 40.0 + k) for k in range(2, 16)]


def test_a_bid_that_comes_to_our_ask_is_sold_to_once():
    """A bid of 9 at 102 meets our ask of 100, then only the ask's size changes: 9 are sold, and what the bid grows."""
    s = sent((1, NAN, 102.0, 1.0, 100.0))
    start = (0, 100.0, 50.0, 102.0, 50.0)
    assert filled([start, *STILL], [], s, ONE, partial=True) == [(2, -1, 9.0, "MARKET")]
    changes = [(20, 102.0, 12.0, 103.0, 9.0), (21, 102.0, 5.0, 103.0, 9.0), (22, 102.0, 9.0, 103.0, 9.0)]
    # 12 shown: 3 more; 5 shown: less than the 12 that we took, the rest went on the tape too; 9 shown: 4 are new
    assert [one[:3] for one in filled([start, *STILL, *changes], [], s, ONE, partial=True)] == [
        (2, -1, 9.0), (20, -1, 3.0), (22, -1, 4.0),
    ]  # fmt: skip
    # without partial the whole order is filled at once
    assert filled([start, *STILL], [], s, ONE) == [(2, -1, 100.0, "MARKET")]


def test_an_ask_that_we_take_is_bought_once():
    s = sent((1, 102.0, NAN, 100.0, 1.0))
    quotes = [(k, 100.0, 50.0 + k, 102.0, 9.0) for k in (0, *range(2, 16))]
    rules = {"partial": True, "marketable": "take"}
    assert filled(quotes, [], s, ONE, **rules) == [(1, 1, 9.0, "TAKER")]
    # a second order takes nothing of the same 9, and what is displayed beyond them
    s = sent((1, 102.0, NAN, 5.0, 1.0), (4, 102.0, NAN, 50.0, 1.0), (18, 102.0, NAN, 60.0, 1.0))
    grown = [*quotes, (19, 100.0, 5.0, 102.0, 11.0)]
    assert filled(grown, [], s, ONE, **rules) == [(1, 1, 5.0, "TAKER"), (4, 1, 4.0, "TAKER"), (19, 1, 2.0, "MARKET")]
    assert state.OUTCOME_NAMES[replayed(grown, [], s, ONE, **rules).outcomes[2, 0]] == "quoted"


def test_a_price_that_was_empty_displays_new_size_and_one_that_was_hidden_does_not():
    s = sent((1, NAN, 102.0, 1.0, 100.0))
    start, at = (0, 100.0, 50.0, 102.0, 50.0), (2, 102.0, 9.0, 103.0, 9.0)
    below, above, back = (3, 101.0, 7.0, 103.0, 9.0), (3, 103.0, 4.0, 104.0, 9.0), (4, 102.0, 9.0, 103.0, 9.0)
    sold = [one[2] for one in filled([start, at, below, back], [], s, ONE, partial=True)]
    assert sold == [9.0, 9.0]  # the bid fell: nobody was left at 102
    sold = [one[2] for one in filled([start, at, above, back], [], s, ONE, partial=True)]
    assert sold == [9.0, 4.0]  # the bid rose: the 9 at 102 were sold to before


def test_a_hole_in_the_data_ends_what_we_remember():
    s = sent((1, NAN, 102.0, 1.0, 100.0), (41, NAN, 102.0, 1.0, 100.0))
    quotes = [(0, 100.0, 50.0, 102.0, 50.0), (2, 102.0, 9.0, 103.0, 9.0), (40, 102.0, 9.0, 103.0, 8.0)]
    quotes.append((42, 102.0, 9.0, 103.0, 7.0))
    rules = {"partial": True, "marketable": "take"}
    assert [one[2] for one in filled(quotes, [], s, ONE, **rules)] == [9.0]
    assert [one[2] for one in filled(quotes, [], s, ONE, gap_ns=9, **rules)] == [9.0, 9.0]


def test_a_seller_who_hits_a_bid_that_we_sold_to_is_no_further_buyer():
    """We sold 9 to the bid of 9 above our ask; the tape's seller of 5 at 103 sold to the same bid, a buyer of 5 did
    not."""
    s = sent((1, NAN, 102.0, 1.0, 100.0))
    quotes = [(0, 100.0, 50.0, 102.0, 50.0), (2, 103.0, 9.0, 104.0, 9.0)]
    for side, sold in ((-1, [9.0]), (0, [9.0]), (1, [9.0, 5.0])):
        assert [one[2] for one in filled(quotes, [(3, 103.0, 5.0, side)], s, ONE, partial=True)] == sold, side


def test_the_explanation_says_the_rule_in_words():
    s = sent((1, 100.0, NAN, 0.4, 0.1))
    trades = [(4, 100.0, 0.5, -1)]
    plain = replayed([BOOK], trades, s, touch="queue").explain(0)
    assert "bought 0.4 X" in plain and "left at least a whole lot beyond the queue ahead of us" in plain
    part = replayed([BOOK], trades, s, touch="queue", partial=True).explain(0)
    assert "bought 0.2 X" in part and "partial: for at most the whole lots that the trade left" in part
    result = replayed([(0, 100.0, 50.0, 102.0, 50.0), *STILL], [], sent((1, NAN, 102.0, 1.0, 100.0)), ONE, partial=True)
    assert "the size displayed at the far price, less what we took of it before" in result.explain(0)
    short = replayed([BOOK], [(4, 100.0, 0.35, -1)], s, touch="queue")
    assert "less than a lot left" in short.explain_quote(0)
