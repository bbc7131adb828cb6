"""The best whole tick against every tick there is."""

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
def test_it_is_the_best_of_all(spread, bid_tick, worth, k):
    """Every price from the touch to four spreads away, its fills interpolated in between."""
    chance = 0.4 * np.exp(-k * (DISTANCE - 0.5))
    mid = bid_tick + 0.5 * spread
    for sign, touch in ((1, bid_tick + spread), (-1, bid_tick)):
        found = optimal_tick.best(
            np.array([sign * mid]), np.array([float(spread)]), DISTANCE, chance, np.array([worth])
        )[0]
        away = [abs(touch + sign * j - mid) for j in range(4 * spread)]
        away = [d for d in away if d <= 4.0 * spread]
        gains = [np.interp(d / spread, DISTANCE, chance) * (d + worth) for d in away]
        if max(gains) <= 1e-9:
            assert np.isnan(found) or np.interp(found / spread, DISTANCE, chance) * (found + worth) <= 1e-9
        else:
            assert np.interp(found / spread, DISTANCE, chance) * (found + worth) >= max(gains) * (1.0 - 1e-9)
            assert (mid + sign * found) == round(mid + sign * found)


def test_what_is_not_allowed_is_not_quoted():
    nothing = optimal_tick.best(np.zeros(2), np.ones(2), DISTANCE, np.full(71, 0.1), np.array([np.nan, -9.0]))
    assert np.isnan(nothing).all()
