"""The table of measured fills: reduces to the simple model, refuses what loses money."""

import numpy as np

from tfmm.models import curves, inventory, simple


def test_with_exact_fills_it_is_the_simple_model():
    model = simple.Model(curves.Curve(), 0.05, beta=0.99, far=3.0)
    tried = np.linspace(0.0, 3.0, 301)
    chance = model.curve(tried)
    places = inventory.solve(chance, chance * tried, model.costs, beta=0.99).places
    best = simple.solve(model)
    assert places[0, 0] == places[-1, 1] == -1
    np.testing.assert_allclose(tried[places[1:, 0]], best.ask[1:], atol=0.011)
    np.testing.assert_allclose(tried[places[:-1, 1]], best.bid[:-1], atol=0.011)


def test_quotes_that_lose_are_not_sent_unless_they_bring_inventory_back():
    cost = 0.2 * np.abs(np.arange(-3, 4))
    places = inventory.solve(np.array([0.5, 0.2]), np.array([-0.1, -0.01]), cost, beta=0.99).places
    assert places[3].tolist() == [-1, -1]
    assert (places[4:, 0] >= 0).all()
    assert (places[4:, 1] == -1).all()
    assert places.tolist() == places[::-1, ::-1].tolist()
