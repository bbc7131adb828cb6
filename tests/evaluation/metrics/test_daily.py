"""Metrics of daily trading, worked by hand on a walk of five orders."""

import numpy as np
import pytest

from tfmm.config import examples
from tfmm.evaluation.metrics import daily

SETTINGS = examples.DailyTrading(capital=100.0, cost=0.0)


def _path(close, shares, cost=0.0):
    """A walk with given holdings; cash follows."""
    close, shares = np.array(close, np.float64), np.array(shares, np.float64)
    traded = np.abs(np.diff(np.concatenate([[0.0], shares]))) * close
    cash = 100.0 - np.cumsum(np.diff(np.concatenate([[0.0], shares])) * close + cost * traded)
    return {"close": close, "shares": shares, "cash": cash, "wealth": cash + shares * close, "traded": traded}


def test_returns_drawdown_and_ratios():
    # bought ten at 10: wealth 100, 120, 90, 90 (sold), 90; returns 0, .2, -.25, 0, 0 and one flat day before
    got = daily.assess(_path([10, 12, 9, 9, 8], [10, 10, 0, 0, 0]), SETTINGS, 2)
    returns = np.array([0.0, 0.0, 0.2, -0.25, 0.0, 0.0])
    assert got["pnl"] == pytest.approx(-10.0)
    assert got["total_return"] == pytest.approx(-0.1)
    assert got["annualised_return"] == pytest.approx(0.9 ** (252 / 6) - 1)
    assert got["max_loss"] == pytest.approx(-0.25)
    assert got["max_drawdown"] == pytest.approx(0.25)
    assert got["max_drawdown_days"] == 3
    assert got["daily_variance"] == pytest.approx(returns.var(ddof=1))
    assert got["sharpe"] == pytest.approx(np.sqrt(252) * returns.mean() / returns.std(ddof=1))
    assert got["sortino"] == pytest.approx(np.sqrt(252) * returns.mean() / np.sqrt(0.25**2 / 6))
    # the share itself moved by 0, 0, .2, -.25, 0, -1/9; we missed the last
    market = np.array([0.0, 0.0, 0.2, -0.25, 0.0, -1 / 9])
    assert got["beta"] == pytest.approx(np.cov(returns, market)[0, 1] / market.var(ddof=1))
    active = returns - market
    assert got["information_ratio"] == pytest.approx(np.sqrt(252) * active.mean() / active.std(ddof=1))
    # bought for 100 and sold for 90 in six days, at a mean wealth of (3 x 100 + 120 + 3 x 90) / 7
    assert got["churn"] == pytest.approx(190 / 6 / (690 / 7))
    assert (got["n_trades"], got["profitability"], got["costs"]) == (1, 0.0, 0.0)
    assert (got["long_share"], got["short_share"]) == (2 / 6, 0.0)


def test_positions_add_up_to_the_profit_with_costs_at_reversals():
    cost = 0.01
    # long 5 at 10, turned to short 4 at 12, one bought back at 11, closed at 10, long 2 at 9 and still held at 10
    path = _path([10, 12, 11, 10, 9, 10], [5, -4, -3, 0, 2, 2], cost)
    profits = daily.positions(path, cost)
    # 5 x 2 - .01 (50 + 60); 4 x 1 + 3 x 1 - .01 (48 + 11 + 30); 2 x 1 - .01 x 18
    np.testing.assert_allclose(profits, [8.9, 6.11, 1.82])
    assert profits.sum() == pytest.approx(path["wealth"][-1] - 100.0)


def test_nothing_done_has_no_ratios():
    got = daily.assess(_path([10, 11, 12], [0, 0, 0]), SETTINGS, 1)
    assert (got["pnl"], got["n_trades"], got["max_drawdown_days"]) == (0.0, 0, 0)
    assert np.isnan([got["sharpe"], got["sortino"], got["profitability"], got["profit_loss_ratio"]]).all()
