"""Stationary quotes: closed forms, limits, and the discretised problem solved backwards."""

import numpy as np
import pytest

from tfmm.models import avellaneda_stoikov, glft

# their figure 1: sigma = .3, A = .9, k = .3, gamma = .01
PAPER = glft.Model(A=0.9, k=0.3, sigma=0.3, gamma=0.01, Q=30)


def test_the_closed_form_is_close_where_the_bound_is_far():
    exact, closed = glft.stationary(PAPER), glft.approximate(PAPER)
    middle = slice(20, 41)
    np.testing.assert_allclose(exact[middle], closed[middle], rtol=0.02)
    # base = ln(1 + .01 / .3) / .01 = 3.27898; alpha = .3 x .01 x .09 / 2 = .000135;
    # eta = .9 x (31 / 30)^-31 = .9 x .361865 = .325678; slope = sqrt(.000135 / .325678) / .3 = .067866
    assert closed[30] == pytest.approx(3.27898 + 0.5 * 0.067866, abs=1e-5)


def test_ask_and_bid_mirror_each_other_and_the_bound_is_not_quoted():
    exact = glft.stationary(PAPER)
    np.testing.assert_allclose(exact[:, 0], exact[::-1, 1])
    assert np.isnan(exact[0, 0])
    assert np.isnan(exact[-1, 1])
    assert (np.diff(exact[1:, 0]) < 0).all()  # the longer, the cheaper the ask


def test_little_risk_aversion_is_the_running_penalty():
    aversion = PAPER._replace(gamma=1e-6)
    penalty = PAPER._replace(gamma=0.0, phi=0.5e-6 * PAPER.sigma**2)
    np.testing.assert_allclose(glft.stationary(aversion), glft.stationary(penalty), atol=1e-5)


def test_a_long_horizon_is_stationary():
    np.testing.assert_allclose(glft.quotes(PAPER, 5000.0), glft.stationary(PAPER), atol=1e-6)


def test_against_backward_induction():
    """Avellaneda and Stoikov's model with phi q^2, in steps of .0005 instead of continuous time."""
    discrete = avellaneda_stoikov.Model(dt=0.0005)
    _, best = avellaneda_stoikov.solve(discrete, 0.2, grid=1501)
    continuous = glft.quotes(glft.Model(A=140.0, k=1.5, sigma=2.0, phi=0.2, Q=10), 1.0)
    np.testing.assert_allclose(best[0], np.clip(continuous, 0.0, 3.0), atol=0.01)
