"""Laws that hold for any tape, any quotes and every combination of the rules."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings, strategies as st

from tfmm import errors, simulation
from tfmm.evaluation.metrics import path as path_lib
from tfmm.market import schema, tape
from tfmm.simulation import state
from tfmm.simulation.exchange import ledger, replay, rules as rules_lib

NAN = float("nan")
LEVEL = 200
TIMES = st.integers(0, 15)
SIZES = st.sampled_from([1.0, 2.0, 3.0, 8.0])
QUOTES = st.lists(st.tuples(TIMES, st.integers(96, 104), st.integers(0, 3), SIZES, SIZES), min_size=1, max_size=14)
TRADES = st.lists(st.tuples(TIMES, st.integers(94, 106), st.sampled_from([-1, 0, 1]), SIZES), max_size=14)
SIDE = st.one_of(st.just(NAN), st.integers(94, 106).map(float))
SENT = st.lists(st.tuples(TIMES, SIDE, SIDE, SIZES, SIZES), max_size=10)
RULES = st.fixed_dictionaries(
    {
        "touch": st.sampled_from(["never", "always", "queue"]),
        "marketable": st.sampled_from(["clamp", "reject", "take"]),
        "partial": st.booleans(),
        "latency_ns": st.sampled_from([0, 1, 5]),
        "inventory_limit": st.sampled_from([None, 3.0]),
        "gap_ns": st.sampled_from([None, 3]),
    }
)
MANY = settings(max_examples=250, deadline=None)


def frames(quotes, trades):
    q = [(ts, float(b), one, float(b + w), two) for ts, b, w, one, two in sorted(quotes, key=lambda row: row[0])]
    t = [(ts, float(px), size, side) for ts, px, side, size in sorted(trades, key=lambda row: row[0])]
    return (
        pd.DataFrame(q, columns=list(tape.QUOTE_COLUMNS)).astype({"ts": np.int64}),
        pd.DataFrame(t, columns=list(tape.TRADE_COLUMNS)).astype({"ts": np.int64, "side": np.int8}),
    )


def sent(rows):
    out = np.zeros(len(rows), replay.SCHEDULE)
    for entry, row in zip(out, sorted(rows, key=lambda row: row[0]), strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"], entry["bid_qty"], entry["ask_qty"] = row
    return out


def play(q, t, s, lot_size=1.0, **rules):
    one = schema.Instrument(symbol="X", tick_size=1.0, lot_size=lot_size)
    return simulation.replay(tape.Tape.from_frames(q, t, one), s, simulation.FillRules(**rules))


def listed(fills):
    return [(one["ts_ns"], one["side"], one["px"], one["qty"], str(one["rule"]), one["event"]) for one in fills]


@MANY
@given(QUOTES, TRADES, SENT, RULES)
def test_buying_and_selling_are_mirror_images(quotes, trades, quoted, rules):
    plain = play(*frames(quotes, trades), sent(quoted), **rules)
    other = play(
        *frames(
            [(ts, LEVEL - b - w, w, two, one) for ts, b, w, one, two in quotes],
            [(ts, LEVEL - px, -side, size) for ts, px, side, size in trades],
        ),
        sent([(ts, LEVEL - a, LEVEL - b, two, one) for ts, b, a, one, two in quoted]),
        **rules,
    )
    mirrored = [(ts, -side, LEVEL - px, qty, rule, event) for ts, side, px, qty, rule, event in listed(other.fills)]
    assert sorted(listed(plain.fills)) == sorted(mirrored)


@MANY
@given(QUOTES, TRADES, SENT, RULES, st.integers(-50, 1000))
def test_shifted_prices_give_shifted_fills(quotes, trades, quoted, rules, by):
    plain = play(*frames(quotes, trades), sent(quoted), **rules)
    other = play(
        *frames([(ts, b + by, *rest) for ts, b, *rest in quotes], [(ts, px + by, *rest) for ts, px, *rest in trades]),
        sent([(ts, b + by, a + by, *rest) for ts, b, a, *rest in quoted]),
        **rules,
    )
    assert [(ts, side, px + by, *rest) for ts, side, px, *rest in listed(plain.fills)] == listed(other.fills)


@MANY
@given(QUOTES, TRADES, SENT, RULES, st.sampled_from([0.25, 4.0]))
def test_scaled_sizes_give_scaled_fills(quotes, trades, quoted, rules, by):
    plain = play(*frames(quotes, trades), sent(quoted), **rules)
    limit = rules["inventory_limit"]
    other = play(
        *frames(
            [(ts, b, w, one * by, two * by) for ts, b, w, one, two in quotes],
            [(ts, px, side, size * by) for ts, px, side, size in trades],
        ),
        sent([(ts, b, a, one * by, two * by) for ts, b, a, one, two in quoted]),
        lot_size=by,
        **{**rules, "inventory_limit": limit and limit * by},
    )
    assert [(ts, side, px, qty * by, *rest) for ts, side, px, qty, *rest in listed(plain.fills)] == listed(other.fills)


@MANY
@given(QUOTES, TRADES, SENT, RULES, TIMES, st.integers(-9, 9))
def test_what_happens_later_changes_nothing_before(quotes, trades, quoted, rules, cut, by):
    """Everything after `cut` is changed, and more follows, so that both tapes go on."""
    later = [*quotes, (20, 100, 2, 1.0, 1.0)]
    plain = play(*frames(later, trades), sent(quoted), **rules)
    other = play(
        *frames(
            [(ts, b + by * (ts > cut), w, one, two) for ts, b, w, one, two in later],
            [(ts, px - by * (ts > cut), -side if ts > cut else side, size) for ts, px, side, size in trades],
        ),
        sent([(ts, b + (ts > cut), a, one, two) for ts, b, a, one, two in quoted]),
        **rules,
    )
    assert [one for one in listed(plain.fills) if one[0] <= cut] == [
        one for one in listed(other.fills) if one[0] <= cut
    ]


@MANY
@given(QUOTES, TRADES, SENT, RULES, st.sampled_from([0.0, 1.5]))
def test_money_follows_from_the_fills_and_stays_inside_the_limits(quotes, trades, quoted, rules, bps):
    limits = {**rules, "cash_limit": 500.0}
    result = play(*frames(quotes, trades), sent(quoted), maker_fee_bps=bps, taker_fee_bps=2 * bps, **limits)
    fills = result.fills
    assert result.inventory[0] == (fills["side"] * fills["qty"]).sum()
    assert result.cash[0] == -(fills["side"] * fills["qty"] * fills["px"]).sum()
    assert result.fees[0] == pytest.approx(fills["fee"].sum(), abs=1e-9)
    held, cash = np.cumsum(fills["side"] * fills["qty"]), -np.cumsum(fills["side"] * fills["qty"] * fills["px"])
    if rules["inventory_limit"] is not None:
        assert (np.abs(held) <= rules["inventory_limit"]).all()
    assert ((cash - np.cumsum(fills["fee"]))[fills["side"] > 0] >= -500.0 - 1e-9).all()
    assert (np.diff(fills["ts_ns"]) >= 0).all()
    bought, asked = fills["side"] > 0, fills["side"] < 0
    events = result.tape.events
    resting = fills["rule"] != "TAKER"
    # what filled a resting quote reached its price
    assert (events["lo_tick"][fills["event"]][bought & resting] <= fills["px"][bought & resting]).all()
    assert (events["hi_tick"][fills["event"]][asked & resting] >= fills["px"][asked & resting]).all()


@settings(max_examples=60, deadline=None)
@given(QUOTES, TRADES, SENT, RULES, st.sampled_from([0.0, 1.5]))
def test_equity_is_cash_plus_inventory_at_the_mid_at_every_event(quotes, trades, quoted, rules, bps):
    """The tape cut after each event in turn: what was held and paid by then is the wealth that metrics walk through."""
    rules = {**rules, "marketable": "clamp", "maker_fee_bps": bps}
    whole = play(*frames(quotes, trades), sent(quoted), **rules)
    events = whole.tape.events
    first = int(np.argmax(events["kind"] == schema.QUOTE))
    path = path_lib.path(whole.tape, whole.fills, (-1, 20))
    last_of_its_time = np.append(np.diff(events["ts"]) > 0, True)
    for k in np.flatnonzero(last_of_its_time[first:]) + first:
        known = tape.Tape(events[: k + 1], whole.tape.instruments)
        then = simulation.replay(known, whole.schedule, whole.rules)
        market = events[: k + 1][events["kind"][: k + 1] == schema.QUOTE][-1]
        equity = then.cash[0] - then.fees[0] + then.inventory[0] * 0.5 * (market["lo_tick"] + market["hi_tick"])
        assert path.at(events["ts"][[k]], path.net)[0] == pytest.approx(equity, abs=1e-9)
    inventory_pnl = path.gross[-1] - path.capture[-1]
    assert path.net[-1] == pytest.approx(path.capture[-1] + inventory_pnl - path.fees[-1], rel=1e-9, abs=1e-9)


@MANY
@given(QUOTES, TRADES, RULES)
def test_no_quotes_give_exactly_nothing(quotes, trades, rules):
    result = play(*frames(quotes, trades), sent([(0, NAN, NAN, 1.0, 1.0)]), **rules)
    assert len(result.fills) == 0
    assert (result.inventory[0], result.cash[0], result.fees[0]) == (0.0, 0.0, 0.0)


BOOK = (0, 99, 2, 5.0, 5.0)


def test_the_queue_by_hand():
    """We join behind 5; a trade of 2 leaves 3 before us; 4 of 8 shown vanish: half of the 3; 1.5 and 1 trade: ours."""
    q, t = frames(
        [BOOK, (3, 99, 2, 5.0, 8.0), (4, 99, 2, 5.0, 4.0)], [(2, 101, 1, 2.0), (5, 101, 1, 1.5), (6, 101, 1, 1.0)]
    )
    s = sent([(1, NAN, 101.0, 1.0, 1.0)])
    result = play(q, t, s, touch="queue")
    assert listed(result.fills) == [(6, -1, 101.0, 1.0, "QUEUE", 5)]
    # without the last trade the queue is gone, but nobody came for us
    assert len(play(q, t[:2], s, touch="queue").fills) == 0


def test_the_same_quote_again_keeps_its_place_and_a_larger_one_loses_it():
    q, t = frames([BOOK], [(2, 101, 1, 4.0), (4, 101, 1, 2.0)])
    for size, filled in ((1.0, 1), (2.0, 0)):
        s = sent([(1, NAN, 101.0, 1.0, 1.0), (3, NAN, 101.0, 1.0, size)])
        assert len(play(q, t, s, touch="queue").fills) == filled


def test_partial_fills_leave_the_rest():
    q, t = frames([BOOK, (9, 102, 2, 3.0, 1.0)], [(2, 102, 1, 2.0)])
    result = play(q, t, sent([(1, NAN, 101.0, 1.0, 7.0)]), partial=True)
    assert listed(result.fills) == [(2, -1, 101.0, 2.0, "TRADE", 1), (9, -1, 101.0, 3.0, "MARKET", 2)]


def test_taking_happens_at_the_activation_with_the_takers_fee():
    q, t = frames([BOOK, (9, 99, 2, 5.0, 5.0)], [])
    result = play(q, t, sent([(1, 103.0, NAN, 2.0, 1.0)]), marketable="take", latency_ns=3, taker_fee_bps=10.0)
    assert listed(result.fills) == [(4, 1, 101.0, 2.0, "TAKER", 0)]
    assert result.fees[0] == pytest.approx(0.202)
    assert state.OUTCOME_NAMES[result.outcomes[0, 0]] == "taken"


def test_nothing_fills_across_a_hole():
    q, t = frames([BOOK, (20, 105, 2, 5.0, 5.0)], [(19, 110, 1, 9.0)])
    s = sent([(1, NAN, 101.0, 1.0, 1.0)])
    assert len(play(q, t, s).fills) == 1
    assert len(play(q, t, s, gap_ns=10).fills) == 0


def test_reasons_why_a_side_is_not_quoted():
    q, t = frames([BOOK, (9, 99, 2, 5.0, 5.0)], [])
    cases = [
        ({"inventory_limit": 1.0}, "inventory limit"), ({"cash_limit": 100.0}, "cash limit"),
        ({"marketable": "reject"}, "rejected"), ({"marketable": "clamp"}, "moved"), ({"latency_ns": 50}, "waiting"),
    ]  # fmt: skip
    for rules, reason in cases:
        result = play(q, t, sent([(1, 101.0, NAN, 2.0, 1.0)]), **rules)
        assert state.OUTCOME_NAMES[result.outcomes[0, 0]] == reason
        assert f"bid: {reason}" in result.explain_quote(0)
        assert "ask: waiting" in result.explain_quote(0) or "ask: not sent" in result.explain_quote(0)


def test_a_fill_is_explained():
    q, t = frames([BOOK, (9, 99, 2, 5.0, 5.0)], [(2, 102, 1, 2.0)])
    result = play(q, t, sent([(1, 98.0, 101.0, 1.0, 1.0)]), maker_fee_bps=1.0)
    text = result.explain(0)
    for words in ("sold 1 X at 101", "rule TRADE", "quote 0", "trade of 2 at 102, aggressor buyer", "99 / 101"):
        assert words in text, text
    assert "bid: quoted, not filled: the nearest price was 101, 3 ticks away" in result.explain_quote(0)
    assert "ask: quoted, filled 1 (TRADE)" in result.explain_quote(0)


def test_inverse_contracts_by_hand():
    """1 contract of 100 USD bought at 100 and sold at 125: 100 (1/100 - 1/125) = .2, at the first mid of 100: 20."""
    one = schema.Instrument(symbol="X", tick_size=1.0, inverse=True, multiplier=100.0)
    q, t = frames([BOOK, (5, 126, 2, 1.0, 1.0)], [(2, 99, -1, 1.0)])
    s = sent([(1, 100.0, 125.0, 1.0, 1.0)])
    result = simulation.replay(tape.Tape.from_frames(q, t, one), s, simulation.FillRules(maker_fee_bps=1.0))
    assert [fill[1:3] for fill in listed(result.fills)] == [(1, 100.0), (-1, 125.0)]
    assert result.cash[0] == pytest.approx(20.0, rel=1e-12)
    # fees: 1 bp of 100 USD each, in the base currency .0001 and .00008, at 100: .01 and .008
    assert result.fills["fee"] == pytest.approx([0.01, 0.008])
    with pytest.raises(errors.ConfigError, match="inverse contract costs no cash"):
        simulation.replay(tape.Tape.from_frames(q, t, one), s, simulation.FillRules(cash_limit=5.0))


def test_worth_touches_the_price_at_the_reference():
    assert ledger.contract_value(100.0, 100.0) == 100.0
    assert (ledger.contract_value(100.001, 100.0) - ledger.contract_value(99.999, 100.0)) / 0.002 == pytest.approx(
        1.0, rel=1e-6
    )
    assert ledger.contract_value(123.0, 0.0) == 123.0


def test_rules_for_each_instrument():
    two = [schema.Instrument(symbol=name, tick_size=1.0) for name in "XY"]
    out = rules_lib.parameters(two, simulation.FillRules(latency_ns=(1, 2), maker_fee_bps=(1.0, -1.0)))
    assert out["latency_ns"].tolist() == [1, 2]
    assert out["maker_rate"] == pytest.approx([1e-4, -1e-4])
    with pytest.raises(errors.ConfigError, match="latency_ns has 3 values, wanted 1 or 2"):
        rules_lib.parameters(two, simulation.FillRules(latency_ns=(1, 2, 3)))
