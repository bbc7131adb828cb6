"""The table of measured fills: reduces to the simple model, refuses what loses money."""

import numpy as np

from tfmm.models import curves, inventory, simple


def test_with_exact_fills_it_is_the_simple_model():
    model = simple.Model(curves.Curve(), 0.05, beta=0.99, max_distance=3.0)
    tried = np.linspace(0.0, 3.0, 301)
    probability = model.curve(tried)
    index = inventory.solve(probability, probability * tried, model.costs, beta=0.99).quote_index
    best = simple.solve(model)
    assert index[0, 0] == index[-1, 1] == -1
    np.testing.assert_allclose(tried[index[1:, 0]], best.ask[1:], atol=0.011)
    np.testing.assert_allclose(tried[index[:-1, 1]], best.bid[:-1], atol=0.011)


def test_quotes_that_lose_are_not_sent_unless_they_bring_inventory_back():
    cost = 0.2 * np.abs(np.arange(-3, 4))
    index = inventory.solve(np.array([0.5, 0.2]), np.array([-0.1, -0.01]), cost, beta=0.99).quote_index
    assert index[3].tolist() == [-1, -1]
    assert (index[4:, 0] >= 0).all()
    assert (index[4:, 1] == -1).all()
    assert index.tolist() == index[::-1, ::-1].tolist()


def test_by_hand_with_a_hedge_that_pays():
    """|Q| <= 2, no quotes, beta = 1/2, holding costs |Q|, so V(Q) = -2 |Q| unhedged; an order is closed for h.

    h = 3/2 saves 2 for 3/2: all is closed at once, V = -3/2 |Q|. h = 5/2: never.
    """
    nothing, cost = np.zeros(1), np.abs(np.arange(-2.0, 3.0))
    for h, slope, after_hedge in ((1.5, 1.5, [0, 0, 0, 0, 0]), (2.5, 2.0, [-2, -1, 0, 1, 2])):
        found = inventory.solve(nothing, nothing, cost, beta=0.5, hedge=inventory.Hedge(h))
        np.testing.assert_allclose(found.value, -slope * cost, atol=1e-9)
        assert found.inventory_after_hedge.tolist() == after_hedge
    # what is beyond one order must be closed: V(1) = -2, V(2) = V(1) - 5/2
    forced = inventory.solve(nothing, nothing, cost, beta=0.5, hedge=inventory.Hedge(2.5, threshold=1))
    np.testing.assert_allclose(forced.value, [-4.5, -2.0, 0.0, -2.0, -4.5], atol=1e-9)


def test_the_choice_to_hedge_has_a_value():
    """Free choice >= any limit >= none of them better; no single other hedge at any inventory does better."""
    tried = np.linspace(0.0, 3.0, 31)
    probability, cost = 0.4 * np.minimum(1.0, np.exp(-2.0 * (tried - 0.5))), 0.05 * np.abs(np.arange(-6, 7))
    hedge = inventory.Hedge(0.6)
    free = inventory.solve(probability, probability * tried, cost, hedge=hedge)
    for threshold in (None, 1, 3, 6):
        other = hedge._replace(threshold=threshold) if threshold else None
        solved = inventory.solve(probability, probability * tried, cost, hedge=other)
        assert (free.value >= solved.value - 1e-9).all()
    assert (np.abs(np.diff(free.value)) <= 0.6 + 1e-9).all()
    band = np.flatnonzero(free.inventory_after_hedge != np.arange(-6, 7))
    assert 0 < len(band) < 12
    assert len(np.unique(free.inventory_after_hedge[:3])) == 1
