"""Indices of joint inventories in a value of all of them."""

import itertools

import numpy as np
import pytest

from tfmm.simulation.rewards import joint_inventory


@pytest.mark.parametrize(("instruments", "limit"), [(1, 4), (2, 1), (3, 2)])
def test_indices_count_all_joint_inventories_with_the_last_instrument_fastest(instruments, limit):
    order_lot = np.array([1, 100, 3])[:instruments]
    every = np.array(list(itertools.product(range(-limit, limit + 1), repeat=instruments)))
    assert joint_inventory.index(every * order_lot, order_lot, limit).tolist() == list(range(len(every)))
    wider = limit + 1
    step = joint_inventory.index((every + 1) * order_lot, order_lot, wider) - joint_inventory.index(
        every * order_lot, order_lot, wider
    )
    assert set(step.tolist()) == {joint_inventory.strides(instruments, wider).sum()}


def test_parts_of_an_order_are_rounded_to_the_nearest():
    lots = np.array([[149.0, -51.0], [151.0, 49.0]])
    assert joint_inventory.index(lots, np.array([100, 100]), 2).tolist() == [
        (1 + 2) * 5 + (-1 + 2),
        (2 + 2) * 5 + (0 + 2),
    ]
