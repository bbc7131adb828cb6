"""Performance of a policy that trades a share on daily bars; every number defined once."""

from typing import Any

import numpy as np
import pandas as pd

from tfmm.arrays import Array, Floats
from tfmm.config.examples import DailyTrading
from tfmm.environments.examples.daily_trading import DAYS


def assess(path: dict[str, Array], settings: DailyTrading, flat_bars: int) -> dict[str, Any]:
    """The metrics of one walk through a split.

    The days of the file before the first order, in which nothing could be traded yet, count as flat ones.

    Args:
        path: see daily_trading.DailyTradingTask.walk. settings: section [daily_trading].
        flat_bars: days before the first order, among them the first day of the file.

    Returns:
        dict: pnl (money), total_return, annualised_return (compound), annualised_volatility, daily_variance, max_loss
        (worst day's return), max_drawdown (share), max_drawdown_days (longest time below a maximum), sharpe, sortino
        (annualised, no riskless rate; Sortino and Price 1994 with target 0), skewness, kurtosis (excess), beta and
        information_ratio (annualised) against the share's own return, n_trades (positions held), churn (value traded
        per day over mean wealth), costs (money), profitability (share of positions that earned), profit_loss_ratio
        (mean profit over mean loss), long_share, short_share (of days).
    """
    wealth = wealth_of(path, settings, flat_bars)
    returns = wealth[1:] / wealth[:-1] - 1.0
    market = np.zeros(len(returns))
    # the first order is executed at a close, so the share's moves count from the day after
    market[-len(path["close"]) + 1 :] = path["close"][1:] / path["close"][:-1] - 1.0
    active = returns - market
    series, year = pd.Series(returns), np.sqrt(DAYS)
    below = np.maximum.accumulate(wealth) - wealth
    profits = positions(path, settings.cost)
    gains, losses = profits[profits > 0], profits[profits <= 0]
    growth = wealth[-1] / wealth[0]
    return {
        "pnl": float(wealth[-1] - wealth[0]),
        "total_return": float(growth - 1.0),
        "annualised_return": float(growth ** (DAYS / len(returns)) - 1.0) if growth > 0 else float("nan"),
        "annualised_volatility": float(returns.std(ddof=1) * year),
        "daily_variance": float(returns.var(ddof=1)),
        "max_loss": float(returns.min()),
        "max_drawdown": float((below / np.maximum.accumulate(wealth)).max()),
        "max_drawdown_days": _longest(below > 0),
        "sharpe": _ratio(returns.mean(), returns.std(ddof=1)) * year,
        "sortino": _ratio(returns.mean(), np.sqrt(np.mean(np.minimum(returns, 0.0) ** 2))) * year,
        "skewness": float(series.skew()),
        "kurtosis": float(series.kurt()),
        "beta": _ratio(np.cov(returns, market)[0, 1], market.var(ddof=1)),
        "information_ratio": _ratio(active.mean(), active.std(ddof=1)) * year,
        "n_trades": len(profits),
        "churn": _ratio(path["traded"].sum() / len(returns), wealth.mean()),
        "costs": float(settings.cost * path["traded"].sum()),
        "profitability": _ratio(len(gains), len(profits)),
        "profit_loss_ratio": _ratio(gains.mean(), -losses.mean()) if len(gains) and len(losses) else float("nan"),
        "long_share": float((path["shares"] > 0).sum() / len(returns)),
        "short_share": float((path["shares"] < 0).sum() / len(returns)),
    }


def wealth_of(path: dict[str, Array], settings: DailyTrading, flat_bars: int) -> Floats:
    """(flat_bars + T,) wealth at every close of the test file."""
    return np.concatenate([np.full(flat_bars, settings.capital), path["wealth"]])


def positions(path: dict[str, Array], cost: float) -> Floats:
    """(P,) profit after costs of every position, from the order that opens it to the one that closes or turns it.

    A position that is open at the end counts with its value then. Partial buy-backs belong to their position.

    Args:
        path: see assess. cost: share of the value traded.
    """
    shares = np.concatenate([[0.0], path["shares"]])
    close = path["close"]
    profits: list[float] = []
    current: float | None = None  # profit so far of the open position
    for t in range(len(close)):
        old, new = shares[t], shares[t + 1]
        turned = np.sign(old) != np.sign(new)
        if current is not None:
            current += old * (close[t] - close[t - 1]) - cost * close[t] * (abs(old) if turned else abs(old - new))
        if turned:
            if current is not None:
                profits.append(current)
            current = -cost * close[t] * abs(new) if new else None
    if current is not None:
        profits.append(current)
    return np.array(profits)


def _ratio(x, y):
    return float(x / y) if y > 0 else float("nan")


def _longest(under):
    edges = np.diff(np.concatenate([[False], under, [False]]).astype(np.int8))
    return int((np.flatnonzero(edges < 0) - np.flatnonzero(edges > 0)).max(initial=0))
