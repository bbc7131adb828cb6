"""Fill curves against their formulas, worked by hand."""

import numpy as np
import pytest

from tfmm.models import curves

FAR = np.linspace(-0.5, 5.0, 200)


@pytest.mark.parametrize(
    ("curve", "distance", "probability"),
    [
        (curves.Curve(k=1.0), 1.5, np.exp(-1.0)),
        (curves.Curve(k=1.0), 0.2, 1.0),  # better than the market's price: every client trades
        (curves.Curve(k=1.5, touch=0.0, arrival_probability=0.7), 2.0, 0.7 * np.exp(-3.0)),  # 140 x .005 = .7
        (curves.Curve("power", 2.0), 1.5, 0.25),  # (1 + 1)^-2
        (curves.Curve("logistic", 4.0, 0.5), 1.0, 0.5),
        (curves.Curve("logistic", 1e6), 3.0, 0.0),
        (curves.Curve("table", values=tuple(np.linspace(1, 0, 17))), 0.5, 0.75),  # x = 0 is the fifth of 17 values
        (curves.Curve("table", values=tuple(np.linspace(1, 0, 17))), 0.625, 0.71875),  # half way to the sixth
        (curves.Curve("table", values=tuple(np.linspace(1, 0, 17))), 9.0, 0.0),
    ],
)
def test_by_hand(curve, distance, probability):
    assert curve(distance) == pytest.approx(probability, abs=1e-12)
    assert curve([[distance, distance]]).shape == (1, 2)


@pytest.mark.parametrize("kind", curves.KINDS)
def test_probabilities_fall_with_distance_and_the_arrival_probability_scales_them(kind):
    curve = curves.Curve(kind, 2.0, values=tuple(np.linspace(1, 0, 17)))
    p = curve(FAR)
    assert ((p >= 0) & (p <= 1)).all()
    assert (np.diff(p) <= 0).all()
    np.testing.assert_allclose(curve._replace(arrival_probability=0.3)(FAR), 0.3 * p)
