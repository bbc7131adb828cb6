"""replay() against the plain-Python reference, and worked examples of every rule."""

import dataclasses
import importlib.util
import pathlib

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tfmm import errors, simulation
from tfmm.market import schema, tape
from tfmm.simulation.exchange import replay as replay_lib

_spec = importlib.util.spec_from_file_location("reference", pathlib.Path(__file__).with_name("reference.py"))
reference = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(reference)

NAN = float("nan")
ONE = schema.Instrument(symbol="X", tick_size=1.0)


def quotes(*rows):
    return pd.DataFrame([(ts, b, 5.0, a, 5.0) for ts, b, a in rows], columns=list(tape.QUOTE_COLUMNS)).astype(
        {"ts": np.int64}
    )


def trades(*rows):
    frame = pd.DataFrame([(ts, px, 1.0, side) for ts, px, side in rows], columns=list(tape.TRADE_COLUMNS))
    return frame.astype({"ts": np.int64, "price": float, "size": float, "side": np.int8})


def schedule(*rows):
    out = np.zeros(len(rows), replay_lib.SCHEDULE)
    for entry, (ts, bid, ask) in zip(out, rows, strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"] = ts, bid, ask
        entry["bid_qty"] = entry["ask_qty"] = 2.0
    return out


def found(q, t, s, instrument=ONE, step=1, **rules):
    one = dataclasses.replace(tape.Tape.from_frames(q, t, instrument), price_steps=(step,) if step > 1 else ())
    result = simulation.replay(one, s, simulation.FillRules(**rules))
    return [tuple(fill)[:7] for fill in result.fills.tolist()]


def check_equal(q, t, s, instrument, **rules):
    got = found(q, t, s, instrument, **rules)
    want = reference.replay(q, t, s, instrument.tick_size, instrument.lot_size, **rules)
    assert [one[:2] + one[5:] for one in got] == [one[:2] + one[5:] for one in want]
    for column in (2, 3, 4):
        np.testing.assert_allclose([one[column] for one in got], [one[column] for one in want], rtol=1e-12, atol=1e-9)
    return got


TIMES = st.integers(0, 12)
SIZES = st.sampled_from([0.5, 1.0, 2.0, 3.0, 7.0])
EMPTY = st.sampled_from([""] * 8 + ["bid", "ask", "bid price"])
# a spread of -1 is crossed
QUOTE_ROWS = st.lists(
    st.tuples(TIMES, st.integers(95, 105), st.sampled_from([0, 1, 2, 3, 1, 2, -1]), SIZES, SIZES, EMPTY), max_size=14
)
TRADE_ROWS = st.lists(st.tuples(TIMES, st.integers(186, 214), st.sampled_from([-1, 0, 1]), SIZES), max_size=14)
SIDE = st.one_of(st.just(NAN), st.integers(376, 424).map(lambda quarter: quarter / 4))
SCHEDULE_ROWS = st.lists(st.tuples(st.integers(-3, 12), SIDE, SIDE, SIZES, SIZES), max_size=10)
RULES = st.fixed_dictionaries(
    {
        "touch": st.sampled_from(["never", "always", "queue"]),
        "marketable": st.sampled_from(["clamp", "reject", "take"]),
        "partial": st.booleans(),
        "latency_ns": st.sampled_from([0, 1, 5, 40]),
        "inventory_limit": st.sampled_from([None, 0.0, 2.0, 5.0]),
        "cash_limit": st.sampled_from([None, 0.0, 300.0]),
        "gap_ns": st.sampled_from([None, None, 2, 4]),
        "step": st.sampled_from([1, 1, 2, 5]),
    }
)
HALF = schema.Instrument(symbol="X", tick_size=1.0, lot_size=0.5)


def quote_row(ts, bid, spread, bid_size, ask_size, empty):
    """A row of quotes; `empty`: the side that nobody quotes, or whose price alone is missing."""
    bid, ask = float(bid), float(bid + spread)
    if empty == "ask":
        return ts, bid, bid_size, NAN, NAN
    return ts, NAN if empty else bid, NAN if empty == "bid" else bid_size, ask, ask_size


@pytest.mark.slow
@settings(max_examples=1500, deadline=None)
@given(QUOTE_ROWS, TRADE_ROWS, SCHEDULE_ROWS, RULES)
def test_equals_the_reference_on_random_tapes(q, t, s, rules):
    """Half-tick prints, locked books, equal times, crossed own quotes, several quotes in flight, every rule; crossed
    markets, empty sides, prices that are missing."""
    by_time = {"key": lambda row: row[0]}
    q = pd.DataFrame([quote_row(*row) for row in sorted(q, **by_time)], columns=list(tape.QUOTE_COLUMNS)).astype(
        {"ts": np.int64} | dict.fromkeys(tape.QUOTE_COLUMNS[1:], float)
    )
    t = pd.DataFrame(
        [(ts, half / 2, size, side) for ts, half, side, size in sorted(t, **by_time)], columns=list(tape.TRADE_COLUMNS)
    ).astype({"ts": np.int64, "side": np.int8})
    one = np.zeros(len(s), replay_lib.SCHEDULE)
    for entry, row in zip(one, sorted(s, **by_time), strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"], entry["bid_qty"], entry["ask_qty"] = row
    check_equal(q, t, one, HALF, maker_fee_bps=-0.5, taker_fee_bps=2.0, **rules)


def _random_schedule(q, interval_ns, tick_size, qty, seed):
    rng = np.random.default_rng(seed)
    times = np.arange(q.ts.iloc[0] - interval_ns, q.ts.iloc[-1], interval_ns)
    last = np.maximum(np.searchsorted(q.ts, times, side="right") - 1, 0)
    out = np.zeros(len(times), replay_lib.SCHEDULE)
    out["ts_ns"] = times
    for side, sign in (("bid", -1), ("ask", 1)):
        ticks = np.rint(q[side].to_numpy()[last] / tick_size) + sign * rng.integers(-2, 11, len(times))
        px = np.round(ticks * tick_size, 6)
        out[f"{side}_px"] = np.where(rng.random(len(times)) < 0.1, NAN, px)
        out[f"{side}_qty"] = qty
    return out


SESSIONS = {
    "binance_usdm": ("BTCUSDT_20240808", 0.1, 0.001, 0.01, 500_000_000, 12_000),
    "us_equity": ("IBM_20131007", 0.01, 1.0, 100.0, 5_000_000_000, 12_000),
    "bitmex": ("ETHUSD_20200310", 0.05, 1.0, 5000.0, 1_000_000_000, 12_000),
}


@pytest.mark.parametrize("touch", ["never", "always", "queue"])
@pytest.mark.parametrize("marketable", ["clamp", "reject", "take"])
@pytest.mark.parametrize("partial", [False, True])
@pytest.mark.parametrize("folder", list(SESSIONS))
def test_equals_the_reference_on_real_sessions(shared_data, folder, touch, marketable, partial):
    """Every combination of the rules; latencies of none, 1 ms, 250 ms and more than the time between quotes."""
    name, tick_size, lot_size, qty, interval_ns, rows = SESSIONS[folder]
    q = pd.read_parquet(shared_data / folder / f"tob_{name}.parquet").iloc[:rows]
    t = pd.read_parquet(shared_data / folder / f"trade_{name}.parquet")
    t = t[t.ts <= q.ts.iloc[-1]].reset_index(drop=True)
    instrument = schema.Instrument(symbol="X", tick_size=tick_size, lot_size=lot_size)
    rules, count = set(), 0
    for seed, latency_ns in enumerate((0, 1_000_000, 250_000_000, round(1.7 * interval_ns))):
        got = check_equal(
            q, t, _random_schedule(q, interval_ns, tick_size, qty, seed), instrument,
            touch=touch, marketable=marketable, partial=partial, latency_ns=latency_ns, maker_fee_bps=0.2,
            taker_fee_bps=0.5, inventory_limit=20 * qty, gap_ns=20 * 10**9,
        )  # fmt: skip
        count += len(got)
        rules |= {one[5] for one in got}
    assert count > 15
    known = {"never": set(), "always": {"TOUCH"}, "queue": {"QUEUE"}}[touch]
    assert {"MARKET", "TRADE"} | known | ({"TAKER"} if marketable == "take" else set()) >= rules
    assert rules >= {"MARKET"} | ({"TAKER"} if marketable == "take" else set())


BOOK = (0, 99, 101)  # bid 99, ask 101 at time 0


def test_an_event_exactly_at_activation_meets_the_old_quote():
    # sent at 5 with latency 2: the print at 7 sees nothing, the same print at 8 sells at 102
    q, s = quotes(BOOK), schedule((5, NAN, 102.0))
    assert found(q, trades((7, 103, 1)), s, latency_ns=2) == []
    assert found(q, trades((8, 103, 1)), s, latency_ns=2) == [(8, -1, 102.0, 2.0, 0.0, "TRADE", 1)]


def test_a_new_quote_replaces_both_sides():
    s = schedule((1, 98.0, 102.0), (3, 97.0, NAN))
    assert found(quotes(BOOK), trades((4, 103, 1), (5, 97.5, -1)), s) == []
    assert [one[1] for one in found(quotes(BOOK), trades((2, 103, 1), (3, 97.5, -1)), s)] == [-1, 1]


def test_bids_round_down_and_asks_up():
    # bid 98.6 -> 98, ask 101.4 -> 102: prints at 98 and 102 touch only, 97 and 103 go through
    fills = found(quotes(BOOK), trades((2, 98, -1), (3, 102, 1), (4, 97, -1), (5, 103, 1)), schedule((1, 98.6, 101.4)))
    assert [(one[0], one[1], one[2]) for one in fills] == [(4, 1, 98.0), (5, -1, 102.0)]


def test_a_marketable_quote_is_clamped_one_tick_behind_the_far_touch():
    # bid 105 meets the ask 101: becomes 100; ask 90 meets the bid 99: becomes 100
    fills = found(quotes(BOOK, (3, 99, 100)), trades(), schedule((1, 105.0, NAN)))
    assert fills == [(3, 1, 100.0, 2.0, 0.0, "MARKET", 1)]
    fills = found(quotes(BOOK, (3, 100, 101)), trades(), schedule((1, NAN, 90.0)))
    assert fills == [(3, -1, 100.0, 2.0, 0.0, "MARKET", 1)]


def test_before_the_first_quote_nothing_fills():
    assert found(quotes((9, 99, 101)), trades((2, 200, 1), (3, 1, -1)), schedule((1, 98.0, 102.0))) == []


def test_touch_needs_the_other_side_or_an_unknown_aggressor():
    for side, filled in ((1, True), (0, True), (-1, False)):
        fills = found(quotes(BOOK), trades((2, 101, side)), schedule((1, NAN, 101.0)), touch="always")
        assert bool(fills) == filled
        assert found(quotes(BOOK), trades((2, 101, side)), schedule((1, NAN, 101.0)), touch="never") == []


def test_a_half_tick_print_is_through_both_neighbours_and_touches_none():
    fills = found(quotes(BOOK), trades((2, 100.5, 0)), schedule((1, NAN, 100.0)), touch="always")
    assert [one[5] for one in fills] == ["TRADE"]
    assert found(quotes(BOOK), trades((2, 100.5, 0)), schedule((1, NAN, 101.0)), touch="always") == []


def test_maker_fee_and_rebate_are_basis_points_of_notional():
    # 102 x 2 = 204; 1 bp = 0.0204
    for bps, fee in ((1.0, 0.0204), (-0.5, -0.0102)):
        ((*_, got, _, _),) = found(quotes(BOOK), trades((2, 103, 1)), schedule((1, NAN, 102.0)), maker_fee_bps=bps)
        assert got == pytest.approx(fee, rel=1e-12)


def test_a_side_that_could_breach_the_limit_is_not_quoted():
    # limit 3, orders of 2: after one buy (2) the next bid could reach 4, so only the ask is live
    s = schedule((1, 98.0, NAN), (3, 98.0, 102.0))
    fills = found(quotes(BOOK), trades((2, 97, -1), (4, 97, -1), (5, 103, 1)), s, inventory_limit=3.0)
    assert [(one[0], one[1]) for one in fills] == [(2, 1), (5, -1)]


def test_totals_follow_from_the_fills():
    s = schedule((1, 98.0, 102.0))
    result = simulation.replay(
        tape.Tape.from_frames(quotes(BOOK), trades((2, 97, -1), (3, 103, 1)), ONE),
        s,
        simulation.FillRules(maker_fee_bps=1.0),
    )
    # buys 2 at 98, sells 2 at 102: cash 2 x 4 = 8; fees 1 bp of 196 + 204 = 0.04
    assert (result.inventory[0], result.cash[0]) == (0.0, 8.0)
    assert result.fees[0] == pytest.approx(0.04, rel=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"ts_ns": [5, 4]}, "time goes back at row 1"),
        ({"bid_qty": [2.0, 0.0]}, "bid_qty of X is 0.0"),
        ({"ask_px": [np.inf, 1.0]}, "ask_px of X is inf"),
        ({"instrument": [0, 1]}, "instrument 1, wanted 0 to 0"),
    ],
)
def test_wrong_schedules_are_refused(change, message):
    s = schedule((1, 98.0, 102.0), (2, 98.0, 102.0))
    for name, values in change.items():
        s[name] = values
    with pytest.raises(errors.DataError, match=message):
        simulation.replay(tape.Tape.from_frames(quotes(BOOK), trades(), ONE), s)


def test_a_schedule_without_a_field_is_refused():
    with pytest.raises(errors.DataError, match="no field ask_qty"):
        simulation.replay(
            tape.Tape.from_frames(quotes(BOOK), trades(), ONE),
            schedule((1, 1.0, 2.0))[["ts_ns", "bid_px", "bid_qty", "ask_px"]],
        )


@pytest.mark.parametrize(
    "wrong",
    [
        {"touch": "sometimes"},
        {"marketable": "ignore"},
        {"latency_ns": -1},
        {"maker_fee_bps": NAN},
        {"inventory_limit": -1.0},
        {"cash_limit": -1.0},
        {"gap_ns": -1},
        {"taker_fee_bps": np.inf},
        {"partial": "half"},
    ],
)
def test_wrong_rules_are_refused(wrong):
    with pytest.raises(errors.ConfigError):
        simulation.FillRules(**wrong)


def test_the_first_quote_of_a_session_can_fill_what_was_sent_before_it():
    # no market when the ask of 98 becomes active, so it is not clamped; the first quote's bid 99 is through it
    assert found(quotes((9, 99, 101)), trades(), schedule((1, NAN, 98.0))) == [(9, -1, 98.0, 2.0, 0.0, "MARKET", 0)]


def test_prices_and_sizes_come_out_as_the_decimal_numbers():
    # 618011 x 0.1 is 61801.100000000006 in floats
    fine = schema.Instrument(symbol="X", tick_size=0.1, lot_size=0.001)
    q = pd.DataFrame([(0, 61801.0, 1.0, 61801.2, 1.0)], columns=list(tape.QUOTE_COLUMNS))
    s = schedule((1, NAN, 61801.1))
    s["ask_qty"] = 0.007
    ((_, _, px, qty, *_),) = found(q, trades((2, 61801.2, 1)), s, fine)
    assert (px, qty) == (61801.1, 0.007)
