"""The optimal whole tick against all ticks."""

import numpy as np
from hypothesis import given, strategies as st

from tfmm.policies.baselines import optimal_tick

DISTANCE = np.linspace(0.5, 4.0, 71)


@given(
    st.integers(1, 12),
    st.integers(-50, 50),
    st.floats(-20.0, 20.0),
    st.floats(0.2, 3.0),
)
def test_it_is_the_best_of_all(spread, bid_tick, marginal_value, k):
    """Every price from the touch to four spreads away, its fills interpolated in between."""
    fill_probability = 0.4 * np.exp(-k * (DISTANCE - 0.5))
    mid = bid_tick + 0.5 * spread
    for sign, touch in ((1, bid_tick + spread), (-1, bid_tick)):
        found = optimal_tick.best(
            np.array([sign * mid]), np.array([float(spread)]), DISTANCE, fill_probability, np.array([marginal_value])
        )[0]
        away = [abs(touch + sign * j - mid) for j in range(4 * spread)]
        away = [d for d in away if d <= 4.0 * spread]
        gains = [np.interp(d / spread, DISTANCE, fill_probability) * (d + marginal_value) for d in away]
        if max(gains) <= 1e-9:
            assert (
                np.isnan(found)
                or np.interp(found / spread, DISTANCE, fill_probability) * (found + marginal_value) <= 1e-9
            )
        else:
            assert np.interp(found / spread, DISTANCE, fill_probability) * (found + marginal_value) >= max(gains) * (
                1.0 - 1e-9
            )
            assert (mid + sign * found) == round(mid + sign * found)


def test_a_side_that_is_not_allowed_is_not_quoted():
    quotes = optimal_tick.best(np.zeros(2), np.ones(2), DISTANCE, np.full(71, 0.1), np.array([np.nan, -9.0]))
    assert np.isnan(quotes).all()
