"""Dynamic programming over inventory and places: against loops, by hand, and as the model of inventory alone."""

import itertools

import numpy as np

from tfmm.models import inventory, queue_inventory


def random_queue(seed, n_markets, n_places):
    """A queue whose chances, gains and choices are random; no quote stays no quote and earns nothing."""
    random = np.random.default_rng(seed)
    outcome = random.dirichlet(np.ones(n_places + 1), (n_markets, n_markets, n_places))
    outcome[:, :, -1] = np.eye(n_places + 1)[n_places - 1]
    gain = random.normal(0.05, 0.2, (n_markets, n_places))
    gain[:, -1] = 0.0
    reachable = random.random((n_markets, n_places, n_places)) < 0.6
    reachable[:, :, -1] = True
    drift = random.normal(0.0, 0.1, n_markets)
    reflected = np.arange(n_markets)[::-1]
    chain = random.dirichlet(np.ones(n_markets), n_markets)
    return queue_inventory.Queue(
        0.5 * (chain + chain[::-1, ::-1]), reflected, outcome, gain, reachable, 0.5 * (drift - drift[::-1])
    )


def after_fills(q, ask, bid, n_places):
    """(inventory, place of ask, place of bid) after outcomes, of which the last is a fill."""
    none = n_places - 1
    sold, bought = ask == n_places, bid == n_places
    return q - sold + bought, none if sold else ask, none if bought else bid


def worth(queue, value, beta, cost, q, m, ya, yb):
    """W in loops; -inf where a fill would exceed the limit."""
    limit, n_places = len(cost) // 2, queue.gain.shape[1]
    if (q == -limit and ya < n_places - 1) or (q == limit and yb < n_places - 1):
        return -np.inf
    total = queue.gain[queue.reflected[m], ya] + queue.gain[m, yb] + q * queue.drift[m] - cost[q + limit]
    for then in range(len(queue.market)):
        of_ask = queue.outcome[queue.reflected[m], queue.reflected[then], ya]
        of_bid = queue.outcome[m, then, yb]
        for ask, bid in itertools.product(range(n_places + 1), repeat=2):
            chance = queue.market[m, then] * of_ask[ask] * of_bid[bid]
            if chance:
                index, xa, xb = after_fills(q, ask, bid, n_places)
                total += beta * chance * value[then, index + limit, xa, xb]
    return total


def test_values_and_places_solve_the_equation_in_loops():
    queue, cost, beta = random_queue(3, 2, 3), 0.1 * np.abs(np.arange(-2.0, 3.0)), 0.9
    found = queue_inventory.solve(queue, cost, beta)
    gaps = []
    for m, q, xa, xb in itertools.product(range(2), range(-2, 3), range(3), range(3)):
        asks = np.flatnonzero(queue.reachable[queue.reflected[m], xa])
        bids = np.flatnonzero(queue.reachable[m, xb])
        every = {
            (ya, yb): worth(queue, found.value, beta, cost, q, m, ya, yb) for ya, yb in itertools.product(asks, bids)
        }
        chosen = tuple(found.place[m, q + 2, xa, xb])
        np.testing.assert_allclose(every[chosen], max(every.values()), atol=1e-5)
        gaps.append(max(every.values()) - found.value[m, q + 2, xa, xb])
    # values are known up to a constant c, and the equation leaves (beta - 1) c of it
    assert np.ptp(gaps) < 1e-5


def test_with_one_place_it_is_the_model_of_inventory():
    probability, gain, cost = 0.3, 0.2, 0.02 * np.abs(np.arange(-4.0, 5.0))
    outcome = np.zeros((1, 1, 2, 3))
    outcome[0, 0, 0] = [1.0 - probability, 0.0, probability]
    outcome[0, 0, 1] = [0.0, 1.0, 0.0]
    one = np.ones((1, 1))
    queue = queue_inventory.Queue(
        one, np.zeros(1, int), outcome, np.array([[gain, 0.0]]), np.ones((1, 2, 2), bool), np.zeros(1)
    )
    found = queue_inventory.solve(queue, cost, beta=0.99)
    wanted = inventory.solve(np.array([probability]), np.array([gain]), cost, beta=0.99)
    np.testing.assert_allclose(found.value[0, :, 1, 1], wanted.value - wanted.value[4], atol=1e-4)
    np.testing.assert_array_equal(found.place[0, :, 1, 1] == 0, wanted.quote_index == 0)


def test_by_hand_a_place_in_front_is_worth_more():
    """|Q| <= 1, only bids earn: 1 a fill, from the front alone, with chance 1/2; the back comes to the front with
    chance 1/2; beta = .9. At Q = 1 nothing more is bought, V = 0.

    Q = 0: front .5 / (1 - .45) = .90909, back .45 x .90909 / (1 - .45) = .74380, no quote the same: it joins.
    Q = -1: front (.5 + .45 x .74380) / .55 = 1.51766, back .81818 x 1.51766 = 1.24172.
    """
    front, back, none, filled = range(4)
    outcome = np.zeros((2, 2, 3, 4))
    outcome[..., front, [front, filled]] = 0.5
    outcome[..., back, [front, back]] = 0.5
    outcome[..., none, none] = 1.0
    reachable = np.zeros((2, 3, 3), bool)
    reachable[:, front, front] = reachable[:, [back, none], back] = reachable[:, :, none] = True
    # two states of the market, each the other's reflection, of which only one occurs: asks and bids may differ
    gain = np.array([[0.5, 0.0, 0.0], [-100.0, -100.0, 0.0]])
    queue = queue_inventory.Queue(np.eye(2), np.array([1, 0]), outcome, gain, reachable, np.zeros(2))
    found = queue_inventory.solve(queue, np.zeros(3), beta=0.9)
    bids = found.value[0, :, none] - found.value[0, 2, none, none]
    np.testing.assert_allclose(bids[0], [1.51766, 1.24172, 1.24172], atol=1e-4)
    np.testing.assert_allclose(bids[1], [0.90909, 0.74380, 0.74380], atol=1e-4)
    assert found.place[0, 1, none].tolist() == [[none, front], [none, back], [none, back]]
