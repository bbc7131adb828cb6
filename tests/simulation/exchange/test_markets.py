"""Unknown markets and markets of one side: what rests, what fills, worked by hand."""

import numpy as np
import pandas as pd
import pytest

from tfmm import simulation
from tfmm.market import schema, tape
from tfmm.simulation.exchange import replay as replay_lib

NAN = float("nan")
ONE = schema.Instrument(symbol="X", tick_size=1.0)


def trades(*rows):
    frame = pd.DataFrame([(ts, px, 1.0, side) for ts, px, side in rows], columns=list(tape.TRADE_COLUMNS))
    return frame.astype({"ts": np.int64, "price": float, "size": float, "side": np.int8})


def schedule(*rows):
    out = np.zeros(len(rows), replay_lib.SCHEDULE)
    for entry, (ts, bid, ask) in zip(out, rows, strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"] = ts, bid, ask
        entry["bid_qty"] = entry["ask_qty"] = 2.0
    return out


def found(q, t, s, instrument=ONE, **rules):
    result = simulation.replay(tape.Tape.from_frames(q, t, instrument), s, simulation.FillRules(**rules))
    return [tuple(fill)[:7] for fill in result.fills.tolist()]


def tops(*rows):
    """Quotes of size 5 a side."""
    return sized(*((ts, float(bid), 5.0, float(ask), 5.0) for ts, bid, ask in rows))


def sized(*rows):
    return pd.DataFrame(rows, columns=list(tape.QUOTE_COLUMNS)).astype({"ts": np.int64})


def test_a_quote_that_cannot_be_true_cancels_ours_and_nothing_is_quoted_until_the_next():
    # (100, 102), then crossed at 3, true again at 6; the ask of 102 is sent at 1, at 4 and at 6
    q = tops((0, 100, 102), (3, 105, 104), (6, 100, 102), (8, 102, 103))
    s = schedule((1, NAN, 102.0), (4, NAN, 102.0), (6, NAN, 102.0))
    result = simulation.replay(tape.Tape.from_frames(q, trades((2, 101, 1), (5, 110, 1)), ONE), s)
    # the print of 110 at 5 finds no quote of ours; the bid of 102 at 8 fills the third quote
    assert [(fill["ts_ns"], fill["px"], str(fill["rule"])) for fill in result.fills] == [(8, 102.0, "MARKET")]
    assert [simulation.state.OUTCOME_NAMES[k] for k in result.outcomes[:, 1]] == [
        "quoted", "market unknown", "quoted",
    ]  # fmt: skip
    assert "cancelled as the market was unknown from 1970-01-01T00:00:00.000000003" in result.explain_quote(0)
    assert "ask: market unknown" in result.explain_quote(1)


def test_a_crossed_quote_that_is_put_right_at_the_same_time_changes_no_fill():
    s = schedule((1, NAN, 102.0))
    q = tops((0, 100, 102), (3, 105, 104), (3, 100, 102), (8, 102, 103))
    assert [fill[0] for fill in found(q, trades(), s)] == [8]


@pytest.mark.parametrize("touch", ["never", "always", "queue"])
def test_a_market_locked_at_its_upper_limit_fills_the_ask_that_rests_there(touch):
    # 10.97 / 10.98, then 90 000 bid at 11.00 and nobody offers
    cent = schema.Instrument(symbol="X", tick_size=0.01)
    q = sized((0, 10.97, 500.0, 10.98, 500.0), (5, 11.00, 90_000.0, NAN, NAN), (9, 10.97, 500.0, 10.98, 500.0))
    s = schedule((1, NAN, 11.00))
    got = found(q, trades(), s, cent, touch=touch)
    assert [(fill[0], fill[1], fill[2], fill[5]) for fill in got] == [(5, -1, 11.00, "MARKET")]


def test_where_nobody_offers_a_bid_rests_at_any_price_and_an_ask_stays_behind_the_bid():
    cent = schema.Instrument(symbol="X", tick_size=0.01)
    q = sized((0, 10.97, 5.0, 10.98, 5.0), (2, 11.00, 9.0, NAN, NAN), (9, 11.00, 9.0, NAN, NAN))
    t = trades((5, 11.02, -1), (6, 11.03, 1))
    # our bid of 11.05 meets no ask; our ask of 10.99 would trade with the bid: clamped to 11.01
    got = found(q, t, schedule((3, 11.05, 10.99)), cent)
    assert [(fill[0], fill[1], fill[2], fill[5]) for fill in got] == [
        (5, -1, 11.01, "TRADE"), (5, 1, 11.05, "TRADE"),
    ]  # fmt: skip
    # no bid: the mirror image
    q = sized((0, 10.97, 5.0, 10.98, 5.0), (2, NAN, NAN, 11.00, 9.0), (9, NAN, NAN, 11.00, 9.0))
    got = found(q, trades((5, 10.98, 1)), schedule((3, 11.05, 10.95)), cent)
    assert [(fill[0], fill[1], fill[2], fill[5]) for fill in got] == [
        (5, -1, 10.95, "TRADE"), (5, 1, 10.99, "TRADE"),
    ]  # fmt: skip
