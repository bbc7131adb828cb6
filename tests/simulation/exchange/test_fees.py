"""Fees in basis points, for each unit of size, and at least a minimum an order: worked by hand."""

import numpy as np
import pandas as pd
import pytest

from tfmm import errors, simulation
from tfmm.market import schema, tape
from tfmm.models import inventory
from tfmm.simulation import arguments, state
from tfmm.simulation.clients import arrivals
from tfmm.simulation.exchange import fees, replay as replay_lib, rules as rules_lib

NAN = float("nan")
SHARE = schema.Instrument(symbol="IBM", tick_size=0.01)
FUTURE = schema.Instrument(symbol="ES", tick_size=0.25, multiplier=50.0)
BOOK = (0, 99.75, 500.0, 100.25, 500.0)


def charged(trades, rows, instrument=SHARE, quotes=(BOOK,), **rules):
    """Fees of the fills: trades (ts, price, size, side), schedule rows (ts, bid, ask, size)."""
    q = pd.DataFrame(quotes, columns=list(tape.QUOTE_COLUMNS)).astype({"ts": np.int64})
    t = pd.DataFrame(trades, columns=list(tape.TRADE_COLUMNS))
    t = t.astype({"ts": np.int64, "price": float, "size": float, "side": np.int8})
    s = np.zeros(len(rows), replay_lib.SCHEDULE)
    for entry, (ts, bid, ask, size) in zip(s, rows, strict=True):
        entry["ts_ns"], entry["bid_px"], entry["ask_px"], entry["bid_qty"], entry["ask_qty"] = ts, bid, ask, size, size
    result = simulation.replay(tape.Tape.from_frames(q, t, instrument), s, simulation.FillRules(**rules))
    assert result.fees[0] == pytest.approx(result.fills["fee"].sum(), abs=1e-12)
    return result.fills["fee"].tolist()


def test_a_fee_per_share_and_a_rebate():
    # 200 shares: .0035 each are .70; a rebate of .0020 is -.40
    buy = [(2, 99.5, 900.0, -1)]
    assert charged(buy, [(1, 99.75, NAN, 200.0)], maker_fee_per_unit=0.0035) == pytest.approx([0.70])
    assert charged(buy, [(1, 99.75, NAN, 200.0)], maker_fee_per_unit=-0.0020) == pytest.approx([-0.40])
    # whatever the lot is: a hundred shares, or a tenth of one
    for lot in (100.0, 0.1):
        one = schema.Instrument(symbol="IBM", tick_size=0.01, lot_size=lot)
        assert charged(buy, [(1, 99.75, NAN, 200.0)], one, maker_fee_per_unit=0.0035) == pytest.approx([0.70])


def test_a_fee_per_contract_is_not_multiplied():
    # 3 contracts at .85 are 2.55; 1 bp of 3 x 50 x 99.75 = 14 962.5 is 1.49625 on top
    buy, rows = [(2, 99.5, 9.0, -1)], [(1, 99.75, NAN, 3.0)]
    assert charged(buy, rows, FUTURE, maker_fee_per_unit=0.85) == pytest.approx([2.55])
    assert charged(buy, rows, FUTURE, maker_fee_per_unit=0.85, maker_fee_bps=1.0) == pytest.approx([2.55 + 1.49625])


def test_a_taker_pays_the_takers_fee():
    rows = [(1, 100.25, NAN, 10.0)]
    rules = {"marketable": "take", "maker_fee_per_unit": -0.2, "taker_fee_per_unit": 0.3}
    assert charged([], rows, quotes=(BOOK, (9, 99.75, 5.0, 100.25, 5.0)), **rules) == pytest.approx([3.0])


def test_an_order_filled_in_parts_pays_the_minimum_once():
    """10 at .1 each in parts of 3, 3 and 4, at least .5: .3 owed pays .5, .6 pays .1 more, 1 pays .4 more."""
    parts = [(2, 99.5, 3.0, -1), (3, 99.5, 3.0, -1), (5, 99.5, 4.0, -1)]
    rules = {"partial": True, "maker_fee_per_unit": 0.1, "minimum_fee": 0.5}
    assert charged(parts, [(1, 99.75, NAN, 10.0)], **rules) == pytest.approx([0.5, 0.1, 0.4])
    # sent again at the same price in no larger size: the same order
    assert charged(parts, [(1, 99.75, NAN, 10.0), (4, 99.75, NAN, 4.0)], **rules) == pytest.approx([0.5, 0.1, 0.4])
    # at another price: another order, of which 4 owe .4 and pay .5
    assert charged(parts, [(1, 99.75, NAN, 10.0), (4, 99.7, NAN, 4.0)], **rules) == pytest.approx([0.5, 0.1, 0.5])
    # the ask likewise
    mirrored = [(ts, 100.5, size, 1) for ts, _, size, _ in parts]
    assert charged(mirrored, [(1, NAN, 100.25, 10.0)], **rules) == pytest.approx([0.5, 0.1, 0.4])


def test_the_minimum_of_a_rebate_is_a_fee():
    buy, rows = [(2, 99.5, 900.0, -1)], [(1, 99.75, NAN, 200.0)]
    assert charged(buy, rows, maker_fee_per_unit=-0.002, minimum_fee=0.35) == pytest.approx([0.35])


def test_an_inverse_contract_pays_per_contract():
    one = schema.Instrument(symbol="XBT", tick_size=0.25, inverse=True, multiplier=10.0)
    buy, rows = [(2, 99.5, 900.0, -1)], [(1, 99.75, NAN, 3.0)]
    # 3 contracts of 10 dollars at .02 dollars each
    assert charged(buy, rows, one, maker_fee_per_unit=0.02) == pytest.approx([0.06])


def parameters(instrument=FUTURE, **rules):
    return rules_lib.parameters([instrument], simulation.FillRules(**rules))[0]


def test_a_fee_per_unit_is_the_bps_of_its_price():
    """.85 a contract at 100 is .85 / (50 x 100) = 1.7 bp of the notional, wherever a fee enters."""
    per_unit, bps = parameters(taker_fee_per_unit=0.85), parameters(taker_fee_bps=1.7)
    assert fees.taker(3, 400, per_unit) == pytest.approx(fees.taker(3, 400, bps), rel=1e-12)
    for one in (per_unit, bps):
        # closing 3 lots, long, bid 400, fair price 401: 3 x (-1 - .068), .068 = .85 / (.25 x 50) ticks
        gain = arrivals.closing_gain(400, 402, 1, 3, 401.0, one)
        assert gain == pytest.approx(3 * (-1 - 0.068), rel=1e-12)


def test_each_hedge_pays_the_minimum():
    # 2 contracts owe 1.70 and pay 5; 10 owe 8.50; in ticks x lots of 12.5
    one = parameters(taker_fee_per_unit=0.85, minimum_fee=5.0)
    assert fees.hedge(2, 400, one) * 12.5 == pytest.approx(5.0)
    assert fees.hedge(10, 400, one) * 12.5 == pytest.approx(8.5)
    instrument = np.zeros(1, state.INSTRUMENT_STATE)[0]
    for rule, fee in ((state.HEDGE, 5.0), (state.HEDGE, 5.0), (state.CLIENT, 0.0)):
        trade = arguments.Trade(1, 400, 2, 0, 0, 0, rule)
        assert fees.of_fill(instrument, trade, one) * 12.5 == pytest.approx(fee)


def test_dynamic_programming_hedges_with_the_minimum():
    """No quotes, beta = 1/2, holding costs 2 |Q|: unhedged V(Q) = -4 |Q|. An order is closed for 1, at least 5 at once.

    One order saves 4 for 5: it is kept. Two save 8 for 5: both are closed.
    """
    hedge = inventory.Hedge(1.0, fee=1.0, minimum_fee=5.0)
    assert hedge.total(np.array([0, 1, 2, 5, 6])).tolist() == [0.0, 5.0, 5.0, 5.0, 6.0]
    nothing, cost = np.zeros(1), 2.0 * np.abs(np.arange(-2.0, 3.0))
    found = inventory.solve(nothing, nothing, cost, beta=0.5, hedge=hedge)
    np.testing.assert_allclose(found.value, [-5.0, -4.0, 0.0, -4.0, -5.0], atol=1e-9)
    assert found.inventory_after_hedge.tolist() == [0, -1, 0, 1, 0]


def test_fees_for_each_instrument():
    out = rules_lib.parameters([SHARE, FUTURE], simulation.FillRules(maker_fee_per_unit=(0.0035, 0.85)))
    assert out["maker_fee_tick"] == pytest.approx([0.35, 0.068])  # .0035 / .01, .85 / (.25 x 50)


@pytest.mark.parametrize("wrong", [{"maker_fee_per_unit": NAN}, {"minimum_fee": -1.0}, {"minimum_fee": np.inf}])
def test_wrong_fees_are_refused(wrong):
    with pytest.raises(errors.ConfigError):
        simulation.FillRules(**wrong)
