"""Technical indicators of daily bars; each value uses its bar and those before, NaN until there are enough."""

import numpy as np
import pandas as pd

from tfmm import arrays


def ema(values: arrays.Floats, window: int) -> arrays.Floats:
    """Exponential moving average: x_t = x_{t-1} + 2 / (window + 1) (v_t - x_{t-1}), from the first value. (K,)."""
    return pd.Series(values).ewm(span=window, min_periods=window, adjust=False).mean().to_numpy()


def macd(close: arrays.Floats, fast: int = 12, slow: int = 26, signal: int = 9) -> tuple[arrays.Floats, arrays.Floats]:
    """(line, signal): EMA fast minus EMA slow, and its own EMA (Appel 1979). (K,) each, price."""
    line = ema(close, fast) - ema(close, slow)
    return line, ema(line, signal)


def atr(high: arrays.Floats, low: arrays.Floats, close: arrays.Floats, window: int = 14) -> arrays.Floats:
    """Average true range: Wilder's average of max(high - low, |high - last close|, |low - last close|) (Wilder 1978).

    The first value is the mean of the first `window` ranges, then x_t = ((window - 1) x_{t-1} + range_t) / window.
    (K,) price.
    """
    before = np.concatenate([[np.nan], close[:-1]])
    ranges = np.fmax(high - low, np.fmax(np.abs(high - before), np.abs(low - before)))
    out = np.full(len(close), np.nan)
    if len(close) < window:
        return out
    start = pd.Series(np.concatenate([[ranges[:window].mean()], ranges[window:]]))
    out[window - 1 :] = start.ewm(alpha=1.0 / window, adjust=False).mean().to_numpy()
    return out
