"""Inference of tick and lot sizes."""

import numpy as np
import pytest

from tfmm import errors
from tfmm.market import instruments


@pytest.mark.parametrize(
    ("step", "level"),
    [
        (0.1, 61_800),
        (0.01, 185),
        (0.01, 61_800),
        (0.05, 203),
        (0.5, 9_000),
        (1.0, 100),
        (25.0, 1e5),
        (0.001, 2),
        (1e-5, 1e-5),
        (1e-4, 0.07),
    ],
)
def test_finds_the_step_of_float_prices(step, level):
    multiples = np.round(level / step) + np.random.default_rng(0).integers(0, 200, 500)
    values = np.array([float(f"{multiple * step:.9g}") for multiple in multiples])
    assert instruments.infer_step(values, "prices") == step


def test_nothing_and_too_much_are_refused():
    with pytest.raises(errors.DataError, match="prices: nothing"):
        instruments.infer_step(np.array([]), "prices")
    with pytest.raises(errors.DataError, match="nothing"):
        instruments.infer_step(np.array([1e30]), "prices")


@pytest.mark.parametrize(("places", "level"), [(10, 12345), (11, 12345), (12, 12345), (12, 5 * 10**12), (10, 10**12)])
def test_finds_steps_below_1e_9(places, level):
    values = [float(f"{(level + k) / 10**places:.{places}f}") for k in range(500)]
    assert instruments.infer_step(values, "prices") == float(f"1e-{places}")


def test_finds_ticks_of_1e_8_at_61801():
    values = (6180112345678 + np.arange(500) * 37) / 1e8
    assert instruments.infer_step(values, "prices") == 1e-8


def test_residues_of_floating_point_are_no_decimals():
    # 0.1 + 0.2 = 0.30000000000000004; a sum of a thousand cents is off by some 1e-13
    sums = 100.0 + np.cumsum(np.full(1000, 0.01))
    assert (np.round(sums, 2) != sums).any()
    assert instruments.infer_step([*sums, 0.1 + 0.2], "prices") == 0.01
    assert instruments.infer_step(np.cumsum(np.full(1000, 0.001)), "sizes") == 0.001


def test_values_without_a_step_are_refused_as_prices_and_cut_as_sizes():
    steps = instruments.Steps()
    steps.add(np.random.default_rng(1).random(1000))
    with pytest.raises(
        errors.DataError, match=r"prices: 9\d\.\d% of the values have more than 12 decimals.*--tick-size"
    ):
        steps.step("prices")
    assert steps.lot("sizes") == 1e-9


def test_the_finest_of_several_steps():
    assert instruments.common_step([0.1, 0.01]) == 0.01
    assert instruments.common_step([0.05, 0.02]) == 0.01
    assert instruments.common_step([1e-8, 3e-12]) == 1e-12
