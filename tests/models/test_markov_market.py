"""Dynamic programming over inventory and market: against one market state, and against every joint action."""

import itertools

import numpy as np
import pytest

from tfmm.models import inventory, markov_market

DISTANCE = np.linspace(0.5, 3.0, 26)
PROBABILITY = 0.3 * np.exp(-(DISTANCE - 0.5))


def test_one_state_without_drift_is_the_inventory_model():
    cost = 0.02 * np.abs(np.arange(-5, 6))
    chain = markov_market.Chain(np.array([2.0]), np.zeros(1), np.ones((1, 1)))
    solved = markov_market.solve(chain, DISTANCE, PROBABILITY, cost, 0.99)
    wanted = inventory.solve(PROBABILITY, PROBABILITY * DISTANCE * 2.0, cost, 0.99)
    np.testing.assert_allclose(solved.value[:, 0], wanted.value, rtol=2e-3)
    asks = np.append(DISTANCE, np.nan)[wanted.quote_index[:, 0]]
    np.testing.assert_allclose(solved.ask[:, 0], asks, atol=0.11)
    for threshold in (None, 2):
        hedge = inventory.Hedge(0.1, threshold)
        wanted = inventory.solve(PROBABILITY, PROBABILITY * DISTANCE * 2.0, cost, 0.99, hedge)
        solved = markov_market.solve(chain, DISTANCE, PROBABILITY, cost, 0.99, hedge)
        np.testing.assert_allclose(solved.value[:, 0], wanted.value, rtol=2e-3)
        assert solved.inventory_after_hedge[:, 0].tolist() == wanted.inventory_after_hedge.tolist()
        assert (wanted.inventory_after_hedge != np.arange(-5, 6)).any()


@pytest.mark.parametrize("hedged", [False, True])
def test_two_states_against_every_joint_action(hedged):
    """Value iteration over all pairs of distances, and all hedges, written out: value within .1 %."""
    chain = markov_market.Chain(np.array([1.0, 3.0]), np.array([0.2, -0.4]), np.array([[0.9, 0.1], [0.3, 0.7]]))
    inventories, cost, beta = np.arange(-1, 2), 0.05 * np.abs(np.arange(-1, 2)), 0.95
    distance, probability, fee = DISTANCE[::3], PROBABILITY[::3], np.array([0.1, 0.5])
    value = np.zeros((3, 2))
    for _ in range(600):
        new = np.zeros_like(value)
        for q, x in itertools.product(range(3), range(2)):
            ahead = [beta * chain.transition[x] @ value[k] for k in range(3)]
            tried = []
            for i, j in itertools.product(range(-1, len(distance)), repeat=2):
                if (q == 0 and i >= 0) or (q == 2 and j >= 0):
                    continue
                pa, pb = (0.0 if k < 0 else probability[k] for k in (i, j))
                gain = pa * (distance[i] * chain.spread_tick[x] - chain.move_tick[x])
                gain += pb * (distance[j] * chain.spread_tick[x] + chain.move_tick[x])
                gain += inventories[q] * chain.move_tick[x] - cost[q]
                down, up = pa * (1 - pb), pb * (1 - pa)
                after = (1 - down - up) * ahead[q] + down * ahead[max(q - 1, 0)] + up * ahead[min(q + 1, 2)]
                tried.append(gain + after)
            new[q, x] = max(tried)
        if hedged:
            new = np.array([np.maximum(new[1] - fee, new[0]), new[1], np.maximum(new[1] - fee, new[2])])
        value = new
    hedge = inventory.Hedge(fee) if hedged else None
    solved = markov_market.solve(chain, distance, probability, cost, beta, hedge)
    np.testing.assert_allclose(solved.value, value, rtol=1e-3)
    assert (solved.inventory_after_hedge != inventories[:, np.newaxis]).any() == hedged


def test_a_chain_is_estimated_with_its_reflection():
    """Three states, the middle one its own reflection: counts by hand."""
    state = np.array([0, 1, 2, 2, 1])
    chain = markov_market.estimate([np.full(5, 2.0)], [np.array([1.0, 0.0, -1.0, -3.0, 0.5])], [state], [2 - state], 3)
    np.testing.assert_allclose(chain.transition, [[1 / 3, 2 / 3, 0.0], [0.5, 0.0, 0.5], [0.0, 2 / 3, 1 / 3]])
    np.testing.assert_allclose(chain.move_tick, [5 / 3, 0.0, -5 / 3])
    np.testing.assert_allclose(chain.spread_tick, 2.0)
