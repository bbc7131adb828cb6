"""Joint inventories: against the exact models of one and of two, and by mirror images with three."""

import numpy as np
import pytest

from tfmm.models import curves, inventory, joint_inventory, vector

TRIED = np.linspace(0.0, 3.0, 151)
PROBABILITY = curves.Curve()(TRIED)


def test_one_instrument_is_models_inventory():
    cost = 0.05 * np.abs(np.arange(-6, 7))
    gain = PROBABILITY * TRIED - 0.01
    joint = joint_inventory.solve(PROBABILITY[np.newaxis], gain[np.newaxis], cost, beta=0.99)
    scalar = inventory.solve(PROBABILITY, gain, cost, beta=0.99)
    np.testing.assert_allclose(joint.value, scalar.value, rtol=1e-9)
    np.testing.assert_array_equal(joint.quote_index[:, 0], scalar.quote_index)


@pytest.mark.parametrize("power", [0.5, 1.0])
def test_two_currencies_are_models_vector(power):
    model = vector.Model(
        curves.Curve(), 0.1, ((1.0, 0.5), (0.5, 2.0)), risk_power=power, limits=(4, 4), beta=0.9, grid=len(TRIED)
    )
    exact = vector.solve(model)
    both = np.array([PROBABILITY, PROBABILITY])
    joint = joint_inventory.solve(both, both * TRIED, model.costs.reshape(9, 9), beta=0.9)
    np.testing.assert_allclose(joint.value, exact.value, atol=1e-8)
    distances = np.where(joint.quote_index < 0, np.nan, TRIED[joint.quote_index])
    np.testing.assert_allclose(distances, exact.distances, atol=1e-9)
    # the best distance of exp(-x) (x + d) is 1 - d, d the change of the value by a fill
    flat = len(joint.value) // 2
    assert distances[flat, 1, 0] == pytest.approx(1.0 - joint.value_change[flat, 1, 0], abs=0.011)


def test_a_triangle_without_risk_costs_nothing_to_hold():
    """Long the first two and short the third, their product: Q' Omega Q = 0, free except at the limits."""
    legs = np.array([[1.0, 0.6], [0.6, 1.0]])
    moves = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    omega = moves @ legs @ moves.T
    inventories = np.stack(np.meshgrid(*[np.arange(-3, 4)] * 3, indexing="ij"), axis=-1)
    cost = 0.2 * np.sqrt(np.maximum(np.einsum("...i,ij,...j->...", inventories, omega, inventories), 0.0))
    three = np.array([PROBABILITY] * 3)
    best = joint_inventory.solve(three, three * TRIED, cost, beta=0.95)
    value = best.value.reshape(7, 7, 7)
    np.testing.assert_allclose(value, value[::-1, ::-1, ::-1], rtol=1e-5)  # sides are improved in turn, asks first
    assert value[4, 4, 2] > value[4, 4, 3] > value[4, 4, 4]
    assert (best.quote_index.reshape(7, 7, 7, 3, 2)[0, :, :, 0, 0] == -1).all()


def test_the_largest_limit():
    assert [joint_inventory.most_orders(n) for n in (1, 2, 3)] == [4_999_999, 912, 51]
