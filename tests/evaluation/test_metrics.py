"""Metrics against worked numbers, and the accounting identity on random fills."""

import msgspec
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tfmm import config as config_lib
from tfmm.evaluation import assess, metrics
from tfmm.market import schema, tape
from tfmm.simulation import schedule as schedule_lib

S = 1_000_000_000
ONE = schema.Instrument(symbol="X", tick_size=0.5, lot_size=1.0, multiplier=2.0)


def make_tape(*quotes):
    """Quotes (second, bid, ask), one print a second later than all of them to lengthen the tape."""
    frame = pd.DataFrame([(t * S, b, 1.0, a, 1.0) for t, b, a in quotes], columns=list(tape.QUOTE_COLUMNS))
    trades = pd.DataFrame([], columns=list(tape.TRADE_COLUMNS))
    return tape.Tape.from_frames(frame, trades, ONE)


def make_fills(*rows):
    """Fills (second, side, px, qty, fee, event)."""
    out = np.zeros(len(rows), schedule_lib.FILLS)
    for entry, (t, side, px, qty, fee, event) in zip(out, rows, strict=True):
        entry["ts_ns"], entry["side"], entry["px"], entry["qty"] = t * S, side, px, qty
        entry["fee"], entry["event"], entry["rule"] = fee, event, "TRADE"
    return out


TAPE = make_tape((0, 99, 101), (2, 101, 103), (4, 97, 99), (10, 99, 101))
# mids 100, 102, 98, 100. We sell 3 at 101 when the quote at 2 s comes (event 1, mid before it 100),
# buy 1 at 99 when the quote at 4 s comes (event 2, mid before it 102). Multiplier 2.
FILLS = make_fills((2, -1, 101.0, 3.0, 0.25, 1), (4, 1, 99.0, 1.0, -0.125, 2))
SPAN = (0, 10 * S)


def test_path_of_the_worked_example():
    path = metrics.path(TAPE, FILLS, SPAN)
    # capture: -3 (100 - 101) 2 = 6, then 1 (102 - 99) 2 = 6
    assert path.capture[-1] == 12.0
    # drift: -3 (102 - 100) 2 = -12; at 4 s bought first: -2 (98 - 102) 2 = 16; at 10 s -2 (100 - 98) 2 = -8
    assert path.gross[-1] == 12.0 - 12.0 + 16.0 - 8.0
    # the same from cash and position: 2 (3 101 - 99 - 2 100) = 8
    assert path.gross[-1] == 2 * (3 * 101 - 99 - 2 * 100)
    assert path.fees[-1] == 0.125
    assert path.inventory[-1] == -2.0
    np.testing.assert_array_equal(path.at(np.array([0, 2, 3, 4, 10]) * S, path.inventory), [0, -3, -3, -2, -2])


def test_markouts_by_horizon_and_beyond_the_tape():
    out = metrics.markouts(TAPE, FILLS)
    # sold at 101 at 2 s: mids 102, 102, 98 (7 s), none after 10 s; bought at 99 at 4 s: 98, 98, 98 (9 s)
    np.testing.assert_allclose(out[0], [-1 / 101 * 1e4, -1 / 99 * 1e4])
    np.testing.assert_allclose(out[1], [-1 / 101 * 1e4, -1 / 99 * 1e4])
    np.testing.assert_allclose(out[5], [3 / 101 * 1e4, -1 / 99 * 1e4])
    assert np.isnan(out[30]).all()
    assert np.isnan(out[60]).all()


def test_objective_charges_risk_for_every_second_held():
    path = metrics.path(TAPE, FILLS, SPAN)
    # |Q| is 3 for 2 s and 2 for 6 s: 18; net 8 - 0.125; r = 0.1
    got = metrics.objective_path(path, 0.1, np.array([1, 3, 10]) * S)
    # at 3 s: net = 6 - 12 - 0.25 = -6.25, held 3
    np.testing.assert_allclose(got, [0.0, -6.25 - 0.3, 7.875 - 1.8])


def test_drawdown_depth_and_length():
    # peak 5 at 1 s, back above at 4 s: 3 deep, 2 s from the peak to the last moment below it
    assert metrics.drawdown(np.arange(5) * S, np.array([0.0, 5.0, 2.0, 4.0, 6.0])) == (3.0, 2.0)


def test_sharpe_and_sortino():
    # (3, -1, 1): mean 1, deviations 2, -2, 0, so the sample deviation is sqrt(8 / 2) = 2;
    # downside sqrt(1 / 3); a year of one day with one-day samples has factor 1
    sharpe, sortino = metrics.sharpe_sortino(np.array([3.0, -1.0, 1.0]), 86400.0, 1.0)
    assert sharpe == pytest.approx(0.5)
    assert sortino == pytest.approx(np.sqrt(3.0))
    assert np.isnan(metrics.sharpe_sortino(np.array([1.0]), 60.0, 365.0)).all()


def backtest(the_tape, fills, span):
    sent = np.zeros(2, schedule_lib.SCHEDULE)
    sent["bid_px"], sent["ask_px"] = [99.0, np.nan], [101.0, 101.0]
    sent["bid_qty"], sent["ask_qty"] = [4.0, 0.0], [4.0, 4.0]
    return assess.Backtest("day", the_tape, span, sent, fills)


def evaluation(**changes):
    return msgspec.structs.replace(config_lib.Evaluation(), **changes)


def test_assess_of_the_worked_example():
    out = assess.assess([backtest(TAPE, FILLS, SPAN)], np.array([0.1]), np.array([3.0]), evaluation(sampling_s=5.0))
    assert out["net_pnl"] == 7.875
    assert out["objective"] == pytest.approx(6.075)
    assert (out["spread_capture"], out["inventory_pnl"], out["fees"]) == (12.0, -4.0, 0.125)
    assert (out["n_fills"], out["n_buys"], out["n_sells"], out["filled_qty"]) == (2, 1, 1, 4.0)
    assert out["traded_notional"] == 2 * (303 + 99)
    assert out["fill_ratio"] == 4 / 12
    assert out["mean_abs_inventory"] == pytest.approx(18 / 10)
    assert out["max_abs_inventory"] == 3.0
    assert out["time_at_limit"] == pytest.approx(0.2)  # |Q| = 3 from 2 to 4 s of 10
    assert out["pnl_to_map"] == pytest.approx(7.875 / 1.8)
    assert out["return_per_notional_bps"] == pytest.approx(7.875 / 804 * 1e4)
    assert out["markout_bps"]["0"] == pytest.approx((-1 / 101 - 1 / 99) / 2 * 1e4)
    assert np.isnan(out["markout_bps"]["60"])


def test_assess_adds_segments_and_knows_nothing_without_fills():
    empty = backtest(TAPE, FILLS[:0], SPAN)
    settings_ = evaluation(sampling_s=5.0)
    alone = assess.assess([empty], np.array([0.1]), np.array([3.0]), settings_)
    assert (alone["net_pnl"], alone["n_fills"], alone["fill_ratio"], alone["max_drawdown"]) == (0.0, 0, 0.0, 0.0)
    assert np.isnan([alone["sharpe"], alone["return_per_notional_bps"], alone["markout_bps"]["1"]]).all()
    both = assess.assess([backtest(TAPE, FILLS, SPAN), empty], np.array([0.1]), np.array([3.0]), settings_)
    assert both["net_pnl"] == 7.875
    assert both["mean_abs_inventory"] == pytest.approx(18 / 20)


def test_blocks_add_up_to_the_objective():
    one = backtest(TAPE, FILLS, SPAN)
    blocks = assess.block_objectives([one, one], np.array([0.1]), 2.5)
    assert len(blocks) == 8
    assert blocks.sum() == pytest.approx(2 * 6.075)


QUOTES = st.lists(st.tuples(st.integers(1, 3), st.integers(180, 220), st.integers(0, 6)), min_size=2, max_size=30)
TRADED = st.lists(
    st.tuples(st.integers(0, 28), st.sampled_from([-1, 1]), st.integers(180, 220), st.integers(1, 9), st.integers(-3, 3)), max_size=20
)


@settings(max_examples=200, deadline=None)
@given(QUOTES, TRADED)
def test_identity_and_wealth_on_random_fills(quotes, traded):
    """net = capture + inventory - fees, and gross = cash + inventory x last mid, and the mirror image."""
    clock, rows = 0, []
    for wait, bid, width in quotes:
        clock += wait
        rows.append((clock, bid / 2, (bid + width) / 2))
    the_tape = make_tape(*rows)
    events = sorted((min(event, len(rows) - 1), side, px / 2, float(qty), fee / 4) for event, side, px, qty, fee in traded)
    fills = make_fills(*[(rows[event][0], side, px, qty, fee, event) for event, side, px, qty, fee in events])
    span = (rows[0][0] * S, rows[-1][0] * S)
    out = assess.assess([backtest(the_tape, fills, span)], np.array([0.0]), np.array([5.0]), evaluation())
    scale = 1 + abs(out["spread_capture"]) + abs(out["inventory_pnl"])
    assert abs(out["net_pnl"] - (out["spread_capture"] + out["inventory_pnl"] - out["fees"])) <= 1e-9 * scale
    cash = -2.0 * float((fills["side"] * fills["px"] * fills["qty"]).sum())
    held = float((fills["side"] * fills["qty"]).sum())
    assert out["gross_pnl"] == pytest.approx(cash + 2.0 * held * (rows[-1][1] + rows[-1][2]) / 2, abs=1e-9 * scale)
    # mirrored prices (200 - p) with sides swapped earn the same
    mirrored = make_tape(*[(t, 200 - a, 200 - b) for t, b, a in rows])
    swapped = fills.copy()
    swapped["side"], swapped["px"] = -fills["side"], 200 - fills["px"]
    other = assess.assess([backtest(mirrored, swapped, span)], np.array([0.0]), np.array([5.0]), evaluation())
    assert other["net_pnl"] == pytest.approx(out["net_pnl"], abs=1e-9 * scale)
    assert (other["n_buys"], other["n_sells"]) == (out["n_sells"], out["n_buys"])
