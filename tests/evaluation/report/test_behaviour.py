"""Tables behind the figures, and the data of the chart: worked numbers and known truths."""

import base64
import json

import numpy as np
import pytest

from tests.evaluation.metrics import test_path as worked_example
from tfmm.backtest import record
from tfmm.evaluation.metrics import path
from tfmm.evaluation.report import behaviour, chart
from tfmm.simulation.exchange import replay

S = 10**9


def quoted(rows, fills=(), seconds=40):
    """rows: (s, bid, ask) sent on a market of 99 / 101; fills: (s, side, px) by trades."""
    trades = [(s, px - side, -side) for s, side, px in fills]
    tape = worked_example.make_tape([(0, 99, 101), (seconds, 99, 101)], trades)
    sent = np.zeros(len(rows), replay.SCHEDULE)
    sent["ts_ns"] = [s * S for s, _, _ in rows]
    for side, place in (("bid", 1), ("ask", 2)):
        sent[f"{side}_px"], sent[f"{side}_qty"] = [row[place] for row in rows], 1.0
    done = worked_example.make_fills(tape, *((1 + k, side, px, 1.0, 0.0) for k, (_, side, px) in enumerate(fills)))
    return record.Backtest("one", tape, (0, seconds * S), sent, done)


def test_skew_and_half_spread_are_seen_at_the_inventory_of_their_decision():
    # flat until 12.5 s, then long one order: the mid of the quotes falls from 100 to 99, the half-spread grows to 3
    rows = [(s, 98.0, 102.0) for s in range(0, 13)] + [(s, 96.0, 102.0) for s in range(13, 30)]
    table = behaviour.by_inventory({"p": [quoted(rows, [(12.5, 1, 98.0)])]}, order_size=1.0)
    assert [(row["inventory_orders"], row["skew_tick"], row["half_spread_tick"], row["n"]) for row in table] == [
        (0.0, 0.0, 2.0, 13), (1.0, -1.0, 3.0, 17),
    ]  # fmt: skip


def test_markouts_by_side_and_rule_agree_with_the_metrics():
    fills = [(float(s), 1 if s % 2 else -1, 98.0 if s % 2 else 102.0) for s in range(1, 21)]
    one = quoted([(0, 98.0, 102.0)], fills)
    table = {(row["group"], row["horizon_s"]): row for row in behaviour.markout_curve([one])}
    assert {group for group, _ in table} == {"all", "buys", "sells", "TRADE"}
    assert table["buys", 5]["mean_bps"] == pytest.approx(2 / 98 * 1e4)
    assert table["sells", 5]["mean_bps"] == pytest.approx(2 / 102 * 1e4)
    assert table["all", 5]["mean_bps"] == pytest.approx(np.mean(path.markouts(one.tape, one.fills)[5]))
    assert table["all", 5]["n"] == 20 and table["buys", 5]["n"] == 10
    assert ("all", 60) not in table  # the tape ends before


def test_the_fit_finds_the_rate_that_made_the_fills():
    """Quotes at distances 1 to 10, each filled within its second with probability 1 - exp(-.8 exp(-.3 d))."""
    random = np.random.default_rng(1)
    distance = random.integers(1, 11, 6000)
    hit = np.flatnonzero(random.uniform(size=6000) < -np.expm1(-0.8 * np.exp(-0.3 * distance)))
    rows = [(s, 100.0 - d, np.nan) for s, d in enumerate(distance)]
    one = quoted(rows, [(s + 0.5, 1, 100.0 - distance[s]) for s in hit], seconds=6000)
    table, fit = behaviour.fill_probability({"p": [one]})
    # standard errors by experiment: about .03 and .013
    assert fit["rate_per_s"] == pytest.approx(0.8, abs=0.12)
    assert fit["k_per_tick"] == pytest.approx(0.3, abs=0.05)
    assert sum(row["n"] for row in table) == 6000
    assert sum(row["n"] * row["share"] for row in table) == pytest.approx(len(hit))
    near = table[0]
    assert near["low"] < 1 - np.exp(-0.8 * np.exp(-0.3)) < near["high"]


def test_nothing_filled_has_no_fit_and_no_markouts():
    one = quoted([(0, 98.0, 102.0), (10, 97.0, 102.0)])
    table, fit = behaviour.fill_probability({"p": [one]})
    assert np.isnan(fit["k_per_tick"]) and all(row["share"] == 0 for row in table)
    assert behaviour.markout_curve([one]) == []


def test_the_chart_holds_the_market_our_quotes_and_every_fill():
    rows = [(0, 98.0, 102.0), (10, 98.0, 102.0), (20, np.nan, 103.0)]
    one = quoted(rows, [(12.5, 1, 98.0)])
    body = json.loads(chart.payload([one]))
    (segment,) = body["segments"]
    columns = {name: np.frombuffer(base64.b64decode(text), "<i4").tolist() for name, text in segment["columns"].items()}
    assert [one["half_tick"] for one in body["instruments"]] == [0.5]
    assert (segment["instrument"], segment["name"], segment["rule"]) == (0, "one", ["TRADE"])
    assert columns["our_t"] == [0, 200_000]  # 0.1 ms; the quote of 10 s changed nothing
    assert columns["our_bid"] == [196, -1] and columns["our_ask"] == [204, 206]
    assert columns["bid"] == [198] and columns["ask"] == [202]
    assert (columns["fill_t"], columns["fill"], columns["fill_side"]) == ([125_000], [196], [1])
    assert columns["fill_number"] == [0] and segment["inventory"] == [1.0]
