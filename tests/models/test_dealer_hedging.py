"""The dealer who may hedge: without a reason to hedge the simple model, the band, brute force."""

import numpy as np
import pytest

from tfmm.models import curves, dealer_hedging, simple


def clients(rate=0.25, risk=0.05, limit=10):
    return simple.Model(curves.Curve(arrival_probability=rate), risk, limit=limit, max_distance=3.0)


def test_with_a_hedge_that_costs_too_much_it_is_the_simple_model():
    model = dealer_hedging.Model(clients(), psi=50.0)
    best, without = dealer_hedging.solve(model), simple.solve(model.clients)
    np.testing.assert_allclose(best.value, without.value, rtol=1e-10)
    assert not best.hedge_rate.any()
    assert dealer_hedging.band(model) == model.clients.limit


def test_the_right_to_hedge_has_a_value_and_is_symmetric():
    model = dealer_hedging.Model(clients())
    best = dealer_hedging.solve(model)
    assert (best.value > simple.solve(model.clients).value + 0.05).all()
    np.testing.assert_allclose(best.value, best.value[::-1], rtol=1e-10)
    np.testing.assert_allclose(best.ask, best.bid[::-1], atol=1e-5)
    np.testing.assert_allclose(best.hedge_rate, -best.hedge_rate[::-1], atol=1e-5)
    assert np.all(np.diff(best.hedge_rate) <= 1e-9)  # the longer, the more is sold


@pytest.mark.parametrize("risk", [0.02, 0.05])
def test_the_band_widens_with_the_franchise_and_with_the_cost(risk):
    bands = [dealer_hedging.band(dealer_hedging.Model(clients(rate, risk))) for rate in (0.1, 0.25, 0.5)]
    assert bands == sorted(bands)
    assert bands[0] >= 1
    assert bands[2] > bands[0]
    dear = dealer_hedging.band(dealer_hedging.Model(clients(0.25, risk), psi=0.9))
    assert dear > bands[1]


def test_bellman_equation_by_brute_force():
    """No decision on a fine grid is better than the solution's at V*, in any state."""
    model = dealer_hedging.Model(clients(limit=3), k=0.02)
    best = dealer_hedging.solve(model)
    c, inventories = model.clients, model.clients.inventories
    tried, rates = np.linspace(0.0, 3.0, 151), np.linspace(-1.0, 1.0, 81)
    padded = np.concatenate([[-1e9] * 2, best.value, [-1e9] * 2])
    for index, q in enumerate(inventories):
        a, b, v = np.meshgrid(tried, tried, rates, indexing="ij")
        sold = np.where(q - 1 >= -c.limit, c.curve(a), 0.0)
        bought = np.where(q + 1 <= c.limit, c.curve(b), 0.0)
        v = np.where((abs(q) >= c.limit - 1) & (v * q > 0), 0.0, v)
        h = np.abs(v)
        total = sold * a + bought * b - c.risk * abs(q) - h * (model.psi + model.k * abs(q) + model.eta * h)
        moves = {-1: sold * (1 - bought), 1: bought * (1 - sold)}
        moves[0] = 1.0 - moves[-1] - moves[1]
        for move, probability in moves.items():
            for hedged, share in ((0, 1.0 - h), (1, np.where(v > 0, h, 0.0)), (-1, np.where(v < 0, h, 0.0))):
                weight = probability * share
                total += c.beta * np.where(weight > 0, weight * padded[index + 2 + move + hedged], 0.0)
        assert best.value[index] - 2e-3 < total.max() <= best.value[index] + 1e-9
