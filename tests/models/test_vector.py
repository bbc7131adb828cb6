"""Two currencies: against the scalar model, against a sum of two scalar models, and by simulation."""

import numpy as np
import pytest

from tfmm.models import curves, simple, vector

CURVE = curves.Curve()


def test_with_one_currency_and_u_one_half_it_is_the_scalar_model():
    best = vector.solve(vector.Model(CURVE, 0.05, limits=(10, 0)))
    scalar = simple.solve(simple.Model(CURVE, 0.05, max_distance=3.0))
    np.testing.assert_allclose(best.value, scalar.value, atol=1e-3)  # on a grid of .005
    np.testing.assert_allclose(best.distances[:, 0, 0], scalar.ask, atol=6e-3)
    assert np.isnan(best.distances[:, 1]).all()
    assert best.value[10] == pytest.approx(115.284, abs=0.01)


def test_uncorrelated_currencies_with_u_one_are_two_dealers():
    """Q' Omega Q = Q_1^2 + 4 Q_2^2 is a sum, so V(Q) = V_1(Q_1) + V_2(Q_2)."""
    best = vector.solve(vector.Model(CURVE, 0.02, ((1.0, 0.0), (0.0, 4.0)), risk_power=1.0, limits=(4, 3)))
    first = simple.solve(simple.Model(CURVE, 0.02, limit=4, max_distance=3.0, risk_power=1.0))
    second = simple.solve(simple.Model(CURVE, 0.08, limit=3, max_distance=3.0, risk_power=1.0))
    np.testing.assert_allclose(best.value, np.add.outer(first.value, second.value).reshape(-1), atol=2e-3)


def test_correlation_makes_one_inventory_hedge_the_other():
    omega = ((1.0, 0.8), (0.8, 1.0))
    model = vector.Model(CURVE, 0.1, omega, limits=(5, 5))
    best = vector.solve(model)
    at = {tuple(q): k for k, q in enumerate(model.inventories.tolist())}
    assert best.value[at[3, -3]] > best.value[at[3, 3]]
    # long the first, the dealer would rather sell the second than buy it
    ask, bid = best.distances[at[3, 0], 1]
    assert ask < best.distances[at[0, 0], 1, 0] < bid
    # no correlation, no such skew beyond that of the common price of risk
    np.testing.assert_allclose(best.value, best.value[::-1], atol=1e-7)


def test_a_simulation_of_the_optimal_policy_agrees():
    model = vector.Model(CURVE, 0.1, ((1.0, 0.5), (0.5, 2.0)), limits=(4, 4), beta=0.9)
    best = vector.solve(model)
    random = np.random.default_rng(3)
    paths, total, discount = 4000, np.zeros(4000), 1.0
    inventory = np.zeros((paths, 2), int)
    for _ in range(150):
        index = (inventory[:, 0] + 4) * 9 + inventory[:, 1] + 4
        total -= discount * model.costs[index]
        distances = best.distances[index]
        is_quoted = ~np.isnan(distances)
        filled = is_quoted & (random.random((paths, 2, 2)) < CURVE(np.nan_to_num(distances)))
        total += discount * np.where(filled, np.nan_to_num(distances), 0.0).sum(axis=(1, 2))
        inventory += filled[..., 1].astype(int) - filled[..., 0]
        discount *= 0.9
    error = total.std(ddof=1) / np.sqrt(paths)
    assert abs(total.mean() - best.value[len(best.value) // 2]) < 3 * error


def test_no_linear_skew_does_better():
    model = vector.Model(CURVE, 0.1, ((1.0, 0.5), (0.5, 1.0)), limits=(3, 3))
    best = vector.solve(model)
    risk_weighted = model.inventories @ np.array(model.omega)
    for skew in (0.0, 0.1, 0.2):
        quotes = np.stack([1.0 - skew * risk_weighted, 1.0 + skew * risk_weighted], axis=-1)
        value = vector.evaluate(model, np.clip(quotes, 0.0, 3.0))
        assert (value <= best.value + 1e-6).all()
