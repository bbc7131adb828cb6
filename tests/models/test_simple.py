"""The simple model against the exact values of the feasibility study, itself, and a simulation."""

import numpy as np
import pytest

from tfmm.models import curves, simple


def model(k=1.0, risk=0.05):
    return simple.Model(curves.Curve(k=k), risk)


@pytest.mark.parametrize(
    ("k", "risk", "value"),
    [
        (1.0, 0.01, 119.288), (1.0, 0.05, 115.284), (1.0, 0.1, 111.806),
        (1.5, 0.01, 102.556), (1.5, 0.05, 100.485), (1.5, 0.1, 100.000),
    ],
)  # fmt: skip
def test_value_at_zero_in_all_six_cells(k, risk, value):
    assert simple.solve(model(k, risk)).value[10] == pytest.approx(value, abs=0.01)


def test_the_optimal_distances_and_the_value_at_the_limit():
    best = simple.solve(model())
    np.testing.assert_allclose(best.ask[10:16], [0.968, 0.799, 0.683, 0.592, 0.517, 0.5], atol=2e-3)
    np.testing.assert_allclose(best.bid[10:16], [0.968, 1.164, 1.288, 1.381, 1.457, 1.527], atol=2e-3)
    assert best.value[20] == pytest.approx(109.626, abs=0.01)
    assert np.isnan(best.ask[0])
    assert np.isnan(best.bid[-1])


def test_shares_of_simple_policies():
    """Best constant .881, d = 1 .880, best linear skew (.98, .16) .9997 of V*(0)."""
    one = model()
    inventories = one.inventories
    ones = np.ones(len(inventories))
    assert simple.gap(one, ones, ones)["ratio"] == pytest.approx(0.880, abs=1e-3)
    best = max(simple.gap(one, d * ones, d * ones)["ratio"] for d in np.linspace(0.8, 1.3, 26))
    assert best == pytest.approx(0.881, abs=1e-3)
    skewed = simple.gap(one, np.maximum(0.98 - 0.16 * inventories, 0), np.maximum(0.98 + 0.16 * inventories, 0))
    assert skewed["ratio"] == pytest.approx(0.9997, abs=2e-4)
    assert 0 < skewed["max_gap"] < 0.05


def test_the_value_solves_the_bellman_equation():
    """No pair of distances on a grid does better than V, and the optimal pair attains it."""
    one = model()
    best = simple.solve(one)
    tried = np.linspace(0.3, 2.0, 171)
    ask, bid = np.meshgrid(tried, tried, indexing="ij")
    for inventory in (-7, 0, 3):
        v = best.value[inventory + 10 - 1 : inventory + 10 + 2]
        sold, bought = one.curve(ask), one.curve(bid)
        q = sold * ask + bought * bid - one.risk * abs(inventory)
        q += one.beta * (
            sold * (1 - bought) * v[0] + bought * (1 - sold) * v[2] + (1 - sold - bought + 2 * sold * bought) * v[1]
        )
        assert q.max() <= best.value[inventory + 10] + 1e-9
        assert q.max() == pytest.approx(best.value[inventory + 10], abs=1e-3)


def test_buying_and_selling_are_mirror_images():
    best = simple.solve(model())
    np.testing.assert_allclose(best.value, best.value[::-1], rtol=1e-10)
    np.testing.assert_allclose(best.ask, best.bid[::-1], atol=1e-6)


def test_a_simulation_of_the_optimal_policy_agrees():
    one = model()._replace(beta=0.9)
    best = simple.solve(one)
    rewards = simple.simulate(one, best.ask, best.bid, 4000, 200, seed=0)
    error = rewards.std(ddof=1) / np.sqrt(len(rewards))
    assert abs(rewards.mean() - best.value[10]) < 3 * error


@pytest.mark.parametrize(
    "curve",
    [
        curves.Curve("power", 2.0),
        curves.Curve("logistic", 4.0, 0.3),
        curves.Curve("table", values=tuple(np.exp(-np.maximum(curves.TABLE_X, 0.0)))),
    ],
)
def test_other_curves_are_solved_too(curve):
    one = simple.Model(curve, 0.05)
    best = simple.solve(one)
    for d in np.linspace(0.3, 2.0, 35):
        same = np.full(21, d)
        assert (simple.evaluate(one, same, same) <= best.value + 1e-9).all()


def test_without_risk_and_limits_far_away_the_best_distance_is_myopic():
    """max d p(d) with k = 1: d = 1, e^-.5 a side, 2 e^-.5 / (1 - beta) = 121.306 in all."""
    best = simple.solve(simple.Model(curves.Curve(), 0.0, limit=40))
    assert best.ask[40] == pytest.approx(1.0, abs=1e-2)
    assert best.value[40] == pytest.approx(2 * np.exp(-0.5) / 0.01, rel=2e-3)
