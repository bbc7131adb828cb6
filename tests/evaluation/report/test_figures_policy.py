"""A policy's quotes by inventory and drift, as a table and a figure: a policy and a market whose quotes are known."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import expected_objective
from tfmm.evaluation import objectives
from tfmm.evaluation.report import figures_policy, gallery
from tfmm.policies.baselines import bellman_spread

_FEATURES = ["inventory", "spread", "drift"]
_RANGE = 6.0


class _Skewed:
    """Offsets that fall and rise with the inventory only: ask 1.5 - q, bid 1.5 + q half-spreads, q in [-1, 1]."""

    def __call__(self, observation):
        inventory = observation[:, 0]
        return np.stack([2.0 * (1.5 - inventory) / _RANGE - 1.0, 2.0 * (1.5 + inventory) / _RANGE - 1.0], axis=-1)


@pytest.fixture(scope="module")
def task(small_config):
    changes = {"features": _FEATURES, "distance_unit": "spread", "offset_range": [0.0, _RANGE]}
    return task_of(small_config, environment=changes)


@pytest.fixture(scope="module")
def table(task):
    return figures_policy.by_drift(
        task, expected_objective.market_paths(task, "test"), _Skewed(), bellman_spread.fit(task)[1]
    )


def of(table, policy, tenth):
    return [row for row in table if (row["policy"], row["drift"]) == (policy, tenth)]


def test_quotes_are_those_on_ticks_that_rest(task):
    """Flat, the ask is 1.5 half-spreads above the mid, up to a tick; what would breach the limit is not quoted."""
    (one,) = expected_objective.market_paths(task, "test")
    rows = np.flatnonzero(one.market["has_market"][:-1])
    market = one.market[rows]
    mid, spread = 0.5 * (market["bid_tick"] + market["ask_tick"]), market["ask_tick"] - market["bid_tick"]
    assert (spread > 0).all() and len(rows) > 300
    found = expected_objective.quotes(task, one, rows, lambda seen: _Skewed()(task.observe(seen)), False)
    np.testing.assert_allclose(found[:, 10, 0], (np.ceil(mid + 0.75 * spread) - mid) / spread)
    np.testing.assert_allclose(found[:, 10, 1], (mid - np.floor(mid - 0.75 * spread)) / spread)
    assert np.isnan(found[:, 20, 1]).all() and np.isnan(found[:, 0, 0]).all()


def test_the_table_holds_the_quotes_of_a_known_policy(table):
    """At +5 of 10 orders the ask is 1.5 - .5 half-spreads from the mid: exactly at the touch, half a spread."""
    for tenth in figures_policy.TENTHS:
        rows = {row["inventory_orders"]: row for row in of(table, "ddpg", tenth)}
        assert list(rows) == list(range(-10, 11))
        assert rows[5]["ask_spreads"] == pytest.approx(0.5) and rows[-5]["bid_spreads"] == pytest.approx(0.5)
        assert rows[0]["ask_spreads"] == pytest.approx(rows[0]["bid_spreads"]) and rows[0]["ask_spreads"] >= 0.75
        assert np.isnan(rows[10]["bid_spreads"]) and np.isfinite(rows[10]["ask_spreads"])
        assert rows[0]["n"] >= 30


def test_dynamic_programming_leans_with_the_drift(table):
    drifts = [of(table, figures_policy.BASELINE, tenth)[0]["drift_half_spread"] for tenth in ("down", "flat", "up")]
    assert drifts[0] < drifts[1] < drifts[2]
    down, up = (of(table, figures_policy.BASELINE, tenth)[10] for tenth in ("down", "up"))
    assert down["inventory_orders"] == up["inventory_orders"] == 0
    assert down["ask_spreads"] < up["ask_spreads"]
    assert down["bid_spreads"] > up["bid_spreads"]


def test_the_report_shows_it_where_the_drift_is_observed_and_the_inventory_distribution_known(
    task, table, small_config
):
    paths, baselines = objectives.market_paths(task, "test"), {one.name: one for one in bellman_spread.fit(task)}
    drawn, tables = gallery.policy_by_drift(_Skewed(), task, paths, baselines)
    np.testing.assert_equal(tables, {"policy_by_drift": table})
    title, caption, figure = drawn["policy_by_drift"]
    assert "predicted drift" in title and figures_policy.BASELINE in caption
    ask, bid = figure.axes
    for ax, side in ((ask, "ask"), (bid, "bid")):
        lines = [line.get_ydata() for line in ax.lines[:6]]
        wanted = [
            [row[f"{side}_spreads"] for row in of(table, name, tenth)]
            for name in ("ddpg", figures_policy.BASELINE)
            for tenth in figures_policy.TENTHS
        ]
        np.testing.assert_array_equal(lines, wanted)
    blind = task_of(small_config, environment={"features": ["inventory", "spread"]})
    assert gallery.policy_by_drift(_Skewed(), blind, paths, baselines) == ({}, {})
    assert gallery.policy_by_drift(_Skewed(), task, None, baselines) == ({}, {})
