"""Several policies side by side, and figures that show every instrument."""

import base64
import json

import msgspec
import numpy as np
import pytest

from tfmm.backtest import closed_loop, record
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation.report import behaviour, chart, figures, figures_behaviour, gallery
from tfmm.policies.baselines import inventory_tables


@pytest.fixture(scope="module")
def pair(small_config, pair_store):
    """(TapeTask of two instruments with clients, baselines, their backtests side by side)."""
    tree = msgspec.to_builtins(loading.with_store(small_config, pair_store))
    tree["clients"] |= {"rate_s": 0.5}
    task = tape_task.TapeTask.create(loading.decode(tree, "test"))
    policies = {"skew": inventory_tables.linear_skew(task), "fixed": inventory_tables.fixed_spread(task)}
    return task, policies, closed_loop.run_all(task, "test", policies, True)


def test_side_by_side_equals_one_by_one(pair):
    """The same quotes, and the same clients: fills to the last byte."""
    task, policies, runs = pair
    for name, policy in policies.items():
        (alone,), (beside,) = closed_loop.run(task, "test", policy, True, name), runs[name]
        assert beside.schedule.tobytes() == alone.schedule.tobytes()
        assert len(beside.fills) > 50 and beside.fills.tolist() == alone.fills.tolist()
        assert (beside.span, beside.first_row) == (alone.span, 0)
        assert beside.tape.events.tobytes() == alone.tape.events.tobytes()
    assert runs["skew"][0].fills.tolist() != runs["fixed"][0].fills.tolist()


def test_every_instrument_is_drawn(pair):
    task, _, runs = pair
    (skew,) = runs["skew"]
    chosen = gallery.shown([skew], [0, 1])
    assert chosen == [0, 1]
    panels = figures.quotes(skew, chosen).axes
    assert [ax.get_ylabel() for ax in panels] == ["price of ONE", "price of TWO"]
    for n, ax in enumerate(panels):
        (bought,) = [line for line in ax.lines if line.get_label() == "we bought"]
        fills = skew.fills[(skew.fills["instrument"] == n) & (skew.fills["side"] > 0)]
        assert len(bought.get_ydata()) > 3 and set(bought.get_ydata()) <= set(fills["px"])
    rows = [row for n in chosen for row in behaviour.by_inventory(runs, float(skew.schedule["bid_qty"].max()), n)]
    drawn = figures_behaviour.by_inventory(rows, list(runs)).axes
    assert [ax.get_title() for ax in drawn] == ["ONE: skew", "ONE: half-spread", "TWO: skew", "TWO: half-spread"]
    tables, fits = zip(*(behaviour.fill_probability(runs, n) for n in chosen), strict=True)
    one, two = figures_behaviour.fill_probability([row for rows in tables for row in rows], fits).axes
    for ax, rows in ((one, tables[0]), (two, tables[1])):
        (points,) = [line for line in ax.lines if line.get_marker() == "o"]
        np.testing.assert_array_equal(points.get_ydata(), [row["share"] for row in rows])
    limits = task.parameters["limit_lot"] * [each.lot_size for each in task.store.instruments]
    assert len(figures.inventory([skew], limits, chosen).axes) == 2
    bottom = figures.equity(runs, "skew", "USD", chosen).axes[2]
    assert sorted(text.get_text() for text in bottom.texts) == ["ONE", "TWO"]


def test_the_chart_holds_every_instrument(pair):
    _, _, runs = pair
    (skew,) = runs["skew"]
    body = json.loads(chart.payload([skew], [0, 1]))
    assert [one["symbol"] for one in body["instruments"]] == ["ONE", "TWO"]
    assert [one["instrument"] for one in body["segments"]] == [0, 1]
    for one in body["segments"]:
        numbers = np.frombuffer(base64.b64decode(one["columns"]["fill_number"]), "<i4")
        np.testing.assert_array_equal(numbers, np.flatnonzero(skew.fills["instrument"] == one["instrument"]))


def test_of_many_instruments_those_with_most_fills_are_shown():
    fills = np.zeros(30, [("instrument", np.int32)])
    fills["instrument"] = [0] * 3 + [1] * 9 + [2] * 1 + [3] * 8 + [4] * 2 + [5] * 7
    one = record.Backtest("day", None, (0, 1), None, fills)
    assert gallery.shown([one], range(6)) == [0, 1, 3, 5]
