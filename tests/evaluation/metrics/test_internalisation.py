"""Internalisation on a flow small enough to match by hand, breakdowns, and the definitions of all metrics."""

import numpy as np
import pytest

from tests.evaluation.metrics import test_path as worked_example
from tfmm.backtest import record
from tfmm.evaluation.metrics import definitions, internalisation, summary

S = 10**9
NAMES = [one.name for one in definitions.CLIENTS]


def flow(*rows):
    """rows: (s, side, qty, px, fee, rule) on a market of 99 / 101 for 40 s."""
    tape = worked_example.make_tape([(0, 99, 101), (40, 99, 101)])
    fills = worked_example.make_fills(tape, *((0, side, px, qty, fee) for _, side, qty, px, fee, _ in rows))
    fills["ts_ns"], fills["rule"] = [row[0] * S for row in rows], [row[5] for row in rows]
    return record.Backtest("one", tape, (0, 40 * S), worked_example.worked().schedule, fills)


def test_the_worked_flow():
    one = flow(
        (1, 1, 4.0, 99.0, 0.0, "CLIENT"),
        (6, -1, 1.0, 101.0, 0.0, "CLIENT"),  # 1 offset after 5 s
        (10, 1, 2.0, 99.0, 0.0, "CLIENT"),  # held 5
        (11, -1, 3.0, 99.0, 0.5, "HEDGE"),  # takes the rest of the first trade
        (30, -1, 4.0, 101.0, 0.0, "CLIENT"),  # 2 offset after 20 s, 2 open
    )
    matched = internalisation.offsets(one.fills)
    assert matched.qty.tolist() == [1.0, 3.0, 2.0]
    assert matched.seconds.tolist() == [5.0, 10.0, 20.0]
    assert matched.closed.tolist() == ["CLIENT", "HEDGE", "CLIENT"]
    got = internalisation.summary([one], [0])
    assert list(got) == NAMES
    # client volume 4 + 1 + 2 + 4; both legs of 1 + 2 were internalised
    assert got["client_qty"] == 11.0
    assert got["internalisation_ratio"] == pytest.approx(6 / 11)
    assert got["internalisation_horizon_s"] == pytest.approx((1 * 5 + 2 * 20) / 3)
    # 3 sold at 99, one below the mid, of a multiplier of 2, and the fee
    assert got["hedging_cost"] == pytest.approx(3 * 1 * 2 + 0.5)


def test_the_half_life_of_an_inventory_that_decays():
    """Inventory that halves every 7 s has an autocorrelation of 2^(-1/7) after one second."""
    rng, held, rows = np.random.default_rng(0), 0.0, []
    for k in range(4000):
        target = held * 2 ** (-1 / 7) + rng.normal()
        side = 1 if target > held else -1
        rows.append((k + 0.5, side, abs(target - held), 100.0, 0.0, "CLIENT"))
        held = target
    tape = worked_example.make_tape([(0, 99, 101), (4000, 99, 101)])
    fills = worked_example.make_fills(tape, *((0, side, px, qty, fee) for _, side, qty, px, fee, _ in rows))
    fills["ts_ns"], fills["rule"] = [round(row[0] * S) for row in rows], "CLIENT"
    one = record.Backtest("one", tape, (0, 4000 * S), worked_example.worked().schedule, fills)
    # the autocorrelation's standard error is sqrt((1 - .906^2) / 4000) = .0067, of the half-life half a second
    assert internalisation.summary([one], [0])["inventory_half_life_s"] == pytest.approx(7.0, abs=1.5)


def test_without_clients_there_is_no_number():
    got = internalisation.summary([worked_example.worked()], [0])
    assert (got["client_qty"], got["hedging_cost"]) == (0.0, 0.0)
    assert np.isnan([got["internalisation_ratio"], got["internalisation_horizon_s"]]).all()


def test_every_metric_is_defined_once():
    results = summary.assess(
        [worked_example.worked()], np.array([0.05]), np.array([3.0]), worked_example.SETTINGS, clients=True
    )
    defined = [one.name for one in (*definitions.METRICS, definitions.MARKOUT, *definitions.CLIENTS)]
    assert sorted(results) == sorted(defined) and len(set(defined)) == len(defined)
    assert all(one.label and one.unit and one.formula for one in definitions.METRICS)


def test_parts_add_up_to_the_total():
    one, two = worked_example.worked(), worked_example.worked()
    two = record.Backtest("two", two.tape, two.span, two.schedule, two.fills)
    arguments = (np.array([0.05]), np.array([3.0]), worked_example.SETTINGS)
    total, parts = summary.assess([one, two, one], *arguments), summary.breakdown([one, two, one], *arguments)
    assert list(parts["sessions"]) == ["one", "two"] and list(parts["instruments"]) == ["X"]
    for name in ("net_pnl", "fees", "objective", "n_fills", "traded_notional"):
        assert sum(part[name] for part in parts["sessions"].values()) == pytest.approx(total[name], rel=1e-12)
        assert parts["instruments"]["X"][name] == total[name]
