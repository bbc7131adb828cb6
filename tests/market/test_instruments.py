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
