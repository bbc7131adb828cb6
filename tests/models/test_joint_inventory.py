"""The book of several instruments: against the exact models of one and of two, and by mirror images with three."""

import numpy as np
import pytest

from tfmm.models import curves, inventory, joint_inventory, vector

TRIED = np.linspace(0.0, 3.0, 151)
CHANCE = curves.Curve()(TRIED)


def test_one_instrument_is_models_inventory():
    cost = 0.05 * np.abs(np.arange(-6, 7))
    gain = CHANCE * TRIED - 0.01
    one = joint_inventory.solve(CHANCE[np.newaxis], gain[np.newaxis], cost, beta=0.99)
    scalar = inventory.solve(CHANCE, gain, cost, beta=0.99)
    np.testing.assert_allclose(one.value, scalar.value, rtol=1e-9)
    np.testing.assert_array_equal(one.places[:, 0], scalar.places)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_two_currencies_are_models_vector(power):
    model = vector.Model(
        curves.Curve(), 0.1, ((1.0, 0.5), (0.5, 2.0)), power=power, limits=(4, 4), beta=0.9, grid=len(TRIED)
    )
    exact = vector.solve(model)
    both = np.array([CHANCE, CHANCE])
    own = joint_inventory.solve(both, both * TRIED, model.costs.reshape(9, 9), beta=0.9)
    np.testing.assert_allclose(own.value, exact.value, atol=1e-8)
    distances = np.where(own.places < 0, np.nan, TRIED[own.places])
    np.testing.assert_allclose(distances, exact.distances, atol=1e-9)
    # the best distance of exp(-x) (x + d) is 1 - d, d what a fill does to the rest
    flat = len(own.value) // 2
    assert distances[flat, 1, 0] == pytest.approx(1.0 - own.change[flat, 1, 0], abs=0.011)


def test_a_triangle_without_risk_is_held_for_nothing():
    """Long the first two and short the third, their product: Q' Omega Q = 0, which costs nothing but its ends."""
    legs = np.array([[1.0, 0.6], [0.6, 1.0]])
    moves = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    omega = moves @ legs @ moves.T
    held = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1)
    cost = 0.2 * np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", held, omega, held), 0.0))
    three = np.array([CHANCE] * 3)
    best = joint_inventory.solve(three, three * TRIED, cost, beta=0.95)
    value = best.value.reshape(7, 7, 7)
    np.testing.assert_allclose(value, value[::-1, ::-1, ::-1], rtol=1e-5)  # sides are improved in turn, asks first
    assert value[4, 4, 2] > value[4, 4, 3] > value[4, 4, 4]
    assert (best.places.reshape(7, 7, 7, 3, 2)[0, :, :, 0, 0] == -1).all()


def test_the_largest_limit():
    assert [joint_inventory.most_orders(n) for n in (1, 2, 3)] == [4_999_999, 912, 51]
