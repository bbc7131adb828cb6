"""Avellaneda and Stoikov's strategy and its decision problem against the figures of the feasibility study."""

import functools

import numpy as np
import pytest

from tfmm.models import avellaneda_stoikov as model_lib

MODEL = model_lib.Model()
CENTRE = MODEL.limit


@functools.lru_cache
def optimum(phi):
    return model_lib.solve(MODEL, phi, grid=301)


def test_the_closed_forms_by_hand():
    # 2 / .1 ln(1 + .1 / 1.5) = 1.29077; at t = 0 .1 x 4 = .4 more; three held at t = .5: -3 x .1 x 4 x .5 = -.6
    assert model_lib.total_spread(MODEL, 0.1, 1.0) == pytest.approx(1.29077, abs=1e-5)
    assert model_lib.total_spread(MODEL, 0.1, 0.0) == pytest.approx(1.69077, abs=1e-5)
    assert model_lib.reservation_shift(MODEL, 0.1, 3, 0.5) == pytest.approx(-0.6)
    ask, bid = model_lib.distances(MODEL, 0.1)[100, CENTRE + 3]
    assert (ask, bid) == pytest.approx((0.5 * 1.49077 - 0.6, 0.5 * 1.49077 + 0.6), abs=1e-5)


@pytest.mark.parametrize(
    ("symmetric", "profit", "profit_std", "inventory_std"), [(False, 64.88, 6.55, 2.92), (True, 67.99, 13.28, 8.39)]
)
def test_the_papers_table(symmetric, profit, profit_std, inventory_std):
    """1000 paths, as in the paper, within three standard errors of 100 000-path figures."""
    found = model_lib.simulate(MODEL, 0.1, symmetric, 1000, seed=1)
    assert found.spread == pytest.approx(1.492, abs=2e-3)
    assert abs(found.profit - profit) < 3 * profit_std / np.sqrt(1000)
    assert found.profit_std == pytest.approx(profit_std, rel=3 / np.sqrt(2000))
    assert abs(found.inventory) < 3 * inventory_std / np.sqrt(1000)
    assert found.inventory_std == pytest.approx(inventory_std, rel=3 / np.sqrt(2000))


@pytest.mark.parametrize(("phi", "value"), [(0.2, 66.884), (1.0, 64.416)])
def test_the_optimum(phi, value):
    assert optimum(phi)[0][0, CENTRE] == pytest.approx(value, abs=0.01)


@pytest.mark.parametrize(
    ("phi", "constant", "closed", "linear"), [(0.2, 0.934, 0.965, 0.999), (1.0, 0.671, 0.978, 0.998)]
)
def test_shares_of_simple_strategies(phi, constant, closed, linear):
    best = optimum(phi)[0][0, CENTRE]
    inventories = MODEL.inventories
    shape = (MODEL.steps, len(inventories))

    def share(ask, bid):
        policy = np.stack([np.broadcast_to(ask, shape), np.broadcast_to(bid, shape)], axis=-1)
        return model_lib.evaluate(MODEL, phi, np.clip(policy, 0.0, MODEL.max_distance))[0, CENTRE] / best

    assert share(1 / 1.5, 1 / 1.5) == pytest.approx(constant, abs=2e-3)
    quotes = model_lib.distances(MODEL, 0.1)
    assert share(quotes[..., 0], quotes[..., 1]) == pytest.approx(closed, abs=2e-3)
    skew = np.sqrt(phi * np.e / (MODEL.k * MODEL.A))
    assert share(1 / 1.5 - skew * inventories, 1 / 1.5 + skew * inventories) == pytest.approx(linear, abs=2e-3)


def test_the_policy_of_the_solution_has_its_value_and_both_are_symmetric():
    value, policy = optimum(0.2)
    np.testing.assert_allclose(model_lib.evaluate(MODEL, 0.2, policy), value, atol=1e-9)
    np.testing.assert_allclose(value, value[:, ::-1], atol=1e-9)
    np.testing.assert_allclose(policy[:, :, 0], policy[:, ::-1, 1], atol=1e-9)
