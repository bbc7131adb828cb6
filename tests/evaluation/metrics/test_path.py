"""Metrics on tapes small enough to work out on paper, and identities on random ones."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tfmm import errors
from tfmm.backtest import record
from tfmm.config import evaluation
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.market import schema, tape as tape_lib
from tfmm.simulation.exchange import replay as replay_lib

S = 10**9
DOUBLE = schema.Instrument(symbol="X", tick_size=1.0, multiplier=2.0)
SETTINGS = evaluation.Evaluation(sampling_s=10.0, trading_days_per_year=1.0, block_s=10.0)


def make_tape(quotes, trades=(), instrument=DOUBLE):
    """quotes: (s, bid, ask); trades: (s, price, side)."""
    quote_rows = [(round(s * S), bid, 1.0, ask, 1.0) for s, bid, ask in quotes]
    trade_rows = [(round(s * S), float(price), 1.0, side) for s, price, side in trades]
    columns, sizes = {"ts": np.int64}, dict.fromkeys(("bid", "bid_size", "ask", "ask_size"), float)
    return tape_lib.Tape.from_frames(
        pd.DataFrame(quote_rows, columns=list(tape_lib.QUOTE_COLUMNS)).astype(columns | sizes),
        pd.DataFrame(trade_rows, columns=list(tape_lib.TRADE_COLUMNS)).astype(
            columns | {"price": float, "size": float, "side": np.int8}
        ),
        instrument,
    )


def make_fills(tape, *rows):
    """rows: (event, side, px, qty, fee)."""
    out = np.zeros(len(rows), replay_lib.FILLS)
    for entry, (event, side, px, qty, fee) in zip(out, rows, strict=True):
        entry["ts_ns"], entry["event"], entry["side"] = tape.events["ts"][event], event, side
        entry["px"], entry["qty"], entry["fee"], entry["rule"] = px, qty, fee, "TRADE"
        entry["instrument"] = tape.events["instrument"][event]
    return out


def worked():
    """Buys 3 at 99 (5 s, mid 100), sells 1 at 103 (15 s, mid 102); mids 100, 102, 100, 104 at 0, 10, 20, 40 s."""
    tape = make_tape([(0, 99, 101), (10, 101, 103), (20, 99, 101), (40, 103, 105)], [(5, 98, -1), (15, 104, 1)])
    sent = np.zeros(2, replay_lib.SCHEDULE)
    sent["bid_px"], sent["bid_qty"] = [99.0, np.nan], 3.0
    sent["ask_px"], sent["ask_qty"] = [103.0, 103.0], [1.0, 4.0]
    fills = make_fills(tape, (1, 1, 99.0, 3.0, 0.6), (3, -1, 103.0, 1.0, 0.2))
    return record.Backtest("one", tape, (0, 50 * S), sent, fills)


def assessed(*backtests, risk=0.05, limit=3.0):
    return summary.assess(list(backtests), np.array([risk]), np.array([limit]), SETTINGS)


def test_the_worked_example():
    got = assessed(worked())
    expected = {
        # (100 - 99) x 3 x 2 + (103 - 102) x 1 x 2
        "spread_capture": 8.0,
        # (2 x 3 at 10 s - 2 x 2 at 20 s + 4 x 2 at 40 s) x 2
        "inventory_pnl": 20.0,
        # cash (-297 + 103) x 2 = -388, position 2 x 104 x 2 = 416
        "gross_pnl": 28.0,
        "fees": 0.8,
        "net_pnl": 27.2,
        # integral of |Q|: 3 x 10 s + 2 x 35 s = 100; 27.2 - 0.05 x 100
        "objective": 22.2,
        "n_fills": 2,
        "n_buys": 1,
        "n_sells": 1,
        "filled_qty": 4.0,
        # (3 x 99 + 103) x 2
        "traded_notional": 800.0,
        # sent 3 + 1 + 4; the bid of the second row is no quote
        "fill_ratio": 0.5,
        "mean_abs_inventory": 2.0,
        "max_abs_inventory": 3.0,
        # 5 s to 15 s of 50 s
        "time_at_limit": 0.2,
        # wealth 0, 5.4, 17.4, 19.2, 11.2, 27.2 at 0, 5, 10, 15, 20, 40 s
        "max_drawdown": 8.0,
        # 20 s to 40 s
        "max_drawdown_duration_s": 20.0,
        # 27.2 / 800
        "return_per_notional_bps": 340.0,
        "pnl_to_map": 13.6,
        # changes in 10 s: 17.4, -6.2, 0, 16, 0; mean 5.44, squared deviations sum to 449.232
        "sharpe": 5.44 / np.sqrt(449.232 / 4) * np.sqrt(8640),
        "sortino": 5.44 / np.sqrt(6.2**2 / 5) * np.sqrt(8640),
    }
    for name, value in expected.items():
        assert got[name] == pytest.approx(value, rel=1e-12), name
    # at 35 s the mid is 100; 45 s lies behind the last event; nothing has an hour left
    markouts = {"0": (1 / 99 + 1 / 103) / 2, "1": (1 / 99 + 1 / 103) / 2, "5": (3 / 99 + 3 / 103) / 2, "30": 1 / 99}
    assert {key: got["markout_bps"][key] for key in markouts} == pytest.approx(
        {key: 1e4 * value for key, value in markouts.items()}, rel=1e-12
    )
    assert np.isnan(got["markout_bps"]["60"])


def test_results_have_the_names_of_the_contract():
    names = """net_pnl gross_pnl fees spread_capture inventory_pnl objective n_fills n_buys n_sells filled_qty
    traded_notional fill_ratio mean_abs_inventory max_abs_inventory time_at_limit sharpe sortino max_drawdown
    max_drawdown_duration_s return_per_notional_bps pnl_to_map markout_bps"""
    assert " ".join(assessed(worked())) == " ".join(names.split())
    assert list(assessed(worked())["markout_bps"]) == ["0", "1", "5", "30", "60"]


@pytest.mark.parametrize(
    ("seconds", "wealth", "fall", "lasting"),
    [
        ((0, 1, 100, 101), (0, -1, 0, 1), 1.0, 99.0),  # below from 1 s until it is back at 100 s
        ((0, 50, 51, 100), (0, 0, -1, -1), 1.0, 49.0),  # never back: until the end
        ((0, 10, 20, 30, 90), (0, 5, 2, 6, 1), 5.0, 10.0),  # 20 to 30 s; the second fall has no time to last
        ((0, 10, 20), (0, 1, 2), 0.0, 0.0),
    ],
)
def test_a_drawdown_lasts_until_the_old_peak_is_back(seconds, wealth, fall, lasting):
    got = path_lib.drawdown(np.array(seconds) * S, np.array(wealth, float))
    assert got == (fall, lasting)


def test_the_mid_of_a_fill_is_the_one_before_its_event():
    # the quote of 10 s lifts our ask of 101 (mid 100 before, 102 after): captured 101 - 100, then 2 ticks against us
    tape = make_tape([(0, 99, 101), (10, 101, 103)])
    got = assessed(record.Backtest("one", tape, (0, 20 * S), worked().schedule, make_fills(tape, (1, -1, 101, 1, 0.0))))
    assert (got["spread_capture"], got["inventory_pnl"]) == (2.0, -4.0)


def test_a_markout_counts_up_to_the_last_event_and_not_behind_it():
    # sold at 101 at 10 s; the last event, at 40 s, has the mid 104: (101 - 104) / 101
    one = worked()
    for second, known in ((10, True), (20, False)):
        event = int(np.flatnonzero(one.tape.events["ts"] == second * S)[0])
        got = path_lib.markouts(one.tape, make_fills(one.tape, (event, -1, 101, 1, 0.0)))[30]
        assert np.isfinite(got).tolist() == [known]
        assert not known or got[0] == pytest.approx(-3 / 101 * 1e4)


def test_a_segment_twice_doubles_sums_and_keeps_means():
    one, two = assessed(worked()), assessed(worked(), worked())
    for name in ("net_pnl", "fees", "spread_capture", "inventory_pnl", "objective", "n_fills", "traded_notional"):
        assert two[name] == pytest.approx(2 * one[name], rel=1e-12), name
    for name in ("mean_abs_inventory", "max_abs_inventory", "time_at_limit", "fill_ratio", "max_drawdown", "sortino"):
        assert two[name] == pytest.approx(one[name], rel=1e-12), name
    # the same ten changes' squared deviations over 9 instead of 4: sqrt(449.232 / 4) -> sqrt(898.464 / 9)
    assert two["sharpe"] == pytest.approx(one["sharpe"] * np.sqrt((449.232 / 4) / (898.464 / 9)), rel=1e-12)


def test_two_instruments_add_up():
    one = worked()
    both = tape_lib.Tape.merge([one.tape, one.tape])
    rows = [np.flatnonzero(both.events["instrument"] == n) for n in range(2)]
    fills = np.concatenate([one.fills, one.fills])
    fills["instrument"] = [0, 0, 1, 1]
    fills["event"] = np.concatenate([index[one.fills["event"]] for index in rows])
    fills = fills[np.argsort(fills["event"])]
    sent = np.concatenate([one.schedule, one.schedule])
    joint = record.Backtest("both", both, one.span, sent, fills)
    got = summary.assess([joint], np.array([0.05, 0.0]), np.array([3.0, 6.0]), SETTINGS)
    single = assessed(one)
    assert got["net_pnl"] == pytest.approx(2 * single["net_pnl"], rel=1e-12)
    assert got["objective"] == pytest.approx(single["objective"] + single["net_pnl"], rel=1e-12)
    assert got["max_drawdown"] == pytest.approx(16.0, rel=1e-12)
    assert got["time_at_limit"] == pytest.approx(0.1, rel=1e-12)  # one of two instruments
    assert got["markout_bps"]["5"] == pytest.approx(single["markout_bps"]["5"], rel=1e-12)


def test_no_fills_is_no_data_and_not_zero():
    one = worked()
    got = assessed(record.Backtest("one", one.tape, one.span, one.schedule[:0], one.fills[:0]))
    assert (got["net_pnl"], got["max_abs_inventory"], got["n_fills"]) == (0.0, 0.0, 0)
    for name in ("fill_ratio", "sharpe", "sortino", "return_per_notional_bps", "pnl_to_map"):
        assert np.isnan(got[name]), name
    assert np.isnan(list(got["markout_bps"].values())).all()


def test_blocks_add_up_to_the_objective():
    blocks = summary.block_objectives([worked(), worked()], np.array([0.05]), 10.0)
    # wealth 17.4, -6.2, 0, 16, 0; |Q| integral 15, 25, 20, 20, 20 times 0.05
    np.testing.assert_allclose(blocks, [16.65, -7.45, -1.0, 15.0, -1.0] * 2, rtol=1e-12)
    assert blocks.sum() == pytest.approx(assessed(worked(), worked())["objective"], rel=1e-12)


def test_between_events_the_last_values_hold():
    one = worked()
    path = path_lib.path(one.tape, one.fills, one.span)
    times = np.array([0, 4, 5, 12, 15, 30, 50]) * S
    np.testing.assert_array_equal(path.at(times, path.inventory), [0, 0, 3, 3, 2, 2, 2])
    # at 12 s: wealth 17.4, held 3 for 7 s; at 30 s: 11.2, held 3 for 10 s and 2 for 15 s
    got = path_lib.objective_path(path, 0.05, np.array([4, 12, 30]) * S)
    np.testing.assert_allclose(got, [0.0, 17.4 - 0.05 * 21, 11.2 - 0.05 * 60], rtol=1e-12)


def test_quotes_that_never_fill_have_a_fill_ratio_of_zero_and_dilute_the_mean():
    one = worked()
    idle = record.Backtest("two", one.tape, one.span, one.schedule, one.fills[:0])
    assert assessed(idle)["fill_ratio"] == 0.0
    both = assessed(one, idle)
    # 4 of 2 x 8 sent; the integral of |Q| is 100 over 2 x 50 s
    assert (both["fill_ratio"], both["mean_abs_inventory"]) == pytest.approx((0.25, 1.0), rel=1e-12)


def test_a_cut_off_block_is_left_out():
    assert len(summary.block_objectives([worked()], np.array([0.05]), 15.0)) == 3


def test_an_inverse_contract_earns_in_its_base_currency_counted_at_the_first_mid():
    inverse = schema.Instrument(symbol="X", tick_size=1.0, inverse=True, multiplier=100.0)
    tape = make_tape([(0, 99, 101), (10, 199, 201)], instrument=inverse)
    path = path_lib.path(tape, make_fills(tape, (0, 1, 80.0, 2.0, 0.5)), (0, 10 * S))
    # 2 contracts of 100 USD from 80 to 200: 200 (1/80 - 1/200) = 1.5 of the base currency, at 100: 150 USD
    # captured at the mid of 100: 200 (1/80 - 1/100) = .5, at 100: 50
    assert (path.gross[-1], path.capture[-1], path.net[-1]) == pytest.approx((150.0, 50.0, 149.5), rel=1e-12)


def test_empty_markets_are_refused():
    tape = make_tape([(5, 99, 101)])
    with pytest.raises(errors.DataError, match="X has no quote before the end"):
        path_lib.path(tape, make_fills(tape), (0, S))


MIDS = st.lists(st.tuples(st.integers(0, 9), st.integers(90, 110), st.integers(0, 4)), min_size=2, max_size=15)
DEALS = st.lists(
    st.tuples(st.integers(1, 14), st.sampled_from([-1, 1]), st.integers(85, 115), st.integers(1, 5)), max_size=12
)


def random_case(mids, deals, mirror=None):
    """A backtest over random quotes with fills on random events; equal times are frequent."""
    sign, shift = (1, 0) if mirror is None else (-1, mirror)
    rows = sorted(mids, key=lambda row: row[0])
    quotes = [(s, *sorted((shift + sign * bid, shift + sign * (bid + width)))) for s, bid, width in rows]
    tape = make_tape(quotes)
    fills = [
        (event, sign * side, float(shift + sign * px), float(qty), 0.01 * qty)
        for event, side, px, qty in sorted(deals)
        if event < len(tape)
    ]
    span = (int(tape.events["ts"][0]) - 1, 12 * S)
    return record.Backtest("one", tape, span, worked().schedule, make_fills(tape, *fills))


@settings(deadline=None, max_examples=200)
@given(MIDS, DEALS)
def test_profit_is_cash_plus_position_and_capture_plus_drift(mids, deals):
    one = random_case(mids, deals)
    got = assessed(one)
    cash, held, fees = 0.0, 0.0, 0.0
    for fill in one.fills:
        cash -= fill["side"] * fill["px"] * fill["qty"] * 2.0
        held += fill["side"] * fill["qty"]
        fees += fill["fee"]
    last = one.tape.events[-1]
    wealth = cash + held * 0.5 * (last["lo_tick"] + last["hi_tick"]) * 2.0
    assert got["gross_pnl"] == pytest.approx(wealth, abs=1e-9)
    assert got["net_pnl"] == pytest.approx(wealth - fees, abs=1e-9)
    assert got["net_pnl"] == pytest.approx(got["spread_capture"] + got["inventory_pnl"] - got["fees"], abs=1e-9)
    # the drift summed by hand: position before each quote times the move of the mid
    drift, mid = 0.0, None
    for row, event in enumerate(one.tape.events):
        before = one.fills[one.fills["event"] <= row]
        new = 0.5 * (event["lo_tick"] + event["hi_tick"])
        drift += 0.0 if mid is None else (before["side"] * before["qty"]).sum() * (new - mid) * 2.0
        mid = new
    assert got["inventory_pnl"] == pytest.approx(drift, abs=1e-9)


@settings(deadline=None, max_examples=100)
@given(MIDS, DEALS)
def test_buying_and_selling_are_mirror_images(mids, deals):
    one, other = assessed(random_case(mids, deals)), assessed(random_case(mids, deals, mirror=200))
    for name in ("net_pnl", "spread_capture", "inventory_pnl", "objective", "max_drawdown", "mean_abs_inventory"):
        assert one[name] == pytest.approx(other[name], abs=1e-9), name
    assert (one["n_buys"], one["n_sells"]) == (other["n_sells"], other["n_buys"])


@settings(deadline=None, max_examples=100)
@given(MIDS, DEALS, st.integers(0, 9))
def test_the_past_does_not_depend_on_the_future(mids, deals, now_s):
    one = random_case(mids, deals)
    events = one.tape.events.copy()
    later = events["ts"] > now_s * S
    events["lo_tick"][later] += 50
    events["hi_tick"][later] += 50
    changed = tape_lib.Tape(events, one.tape.instruments)
    before, after = (path_lib.path(tape, one.fills, one.span) for tape in (one.tape, changed))
    past = before.ts <= now_s * S
    np.testing.assert_array_equal(before.net[past], after.net[past])


def test_a_path_has_no_value_before_its_span():
    path = path_lib.path(worked().tape, worked().fills, (10 * S, 50 * S))
    with pytest.raises(AssertionError):
        path.at(np.array([10 * S - 1]), path.net)
