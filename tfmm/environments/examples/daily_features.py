"""Observations of a daily trader: a window of past bars, scaled to [0, 1] on train, without the bar of the trade."""

import dataclasses
import hashlib

import numpy as np
import pandas as pd

from tfmm import errors
from tfmm.arrays import Array, Floats, Ints
from tfmm.config.examples import DailyTrading
from tfmm.market import bars as bars_lib, indicators

WINDOW = ("return", "range", "close_position", "relative_volume")
_USUAL_BARS = 20
INDICATORS = ("macd", "macd_signal", "atr", "ema_12", "ema_26", "ema_200")


@dataclasses.dataclass(frozen=True, eq=False)
class Features:
    """Bars of train and test, one after the other.

    Attributes:
        date, close: (K,). train_bars: number of bars of train. first_known: first row whose features all exist.
        names: of the components of `at`. window: (K, W) float64 scaled features observed for every bar of the window;
        last: (K, L) float64 features observed for its newest bar alone. window_bars: its length. sha256: of all files.
    """

    date: Array
    close: Floats
    train_bars: int
    first_known: int
    names: tuple[str, ...]
    window: Floats
    last: Floats
    window_bars: int
    sha256: str

    @classmethod
    def create(cls, settings: DailyTrading) -> "Features":
        """Reads the files and scales on the bars of train before validation.

        Raises:
            DataError: see bars; macro bars that lack a date; too few bars for an indicator.
        """
        train = bars_lib.read(settings.train)
        whole = bars_lib.joined(train, bars_lib.read(settings.test))
        macro = [(path, bars_lib.read(path)) for path in settings.macro]
        window = np.column_stack([window_features(whole), *(_macro(path, bars, whole.date) for path, bars in macro)])
        last = indicator_features(whole) if settings.indicators else np.zeros((len(whole), 0))
        complete = np.isfinite(window).all(axis=1) & np.isfinite(last).all(axis=1)
        fitted = len(train) - round(settings.validation_share * len(train))
        if not complete[:fitted].any():
            raise errors.DataError(f"{settings.train}: {len(train)} bars, too few for the indicators of one bar")
        first = int(np.argmax(complete))
        names = (*WINDOW, *(f"macro_{n}_return" for n in range(len(macro))))
        past = range(settings.window_bars - 1, -1, -1)
        return cls(
            date=whole.date,
            close=whole.close,
            train_bars=len(train),
            first_known=first,
            names=tuple(f"{name}_{age}" for age in past for name in names)
            + (INDICATORS if settings.indicators else ()),
            window=_scaled(window, first, fitted),
            last=_scaled(last, first, fitted),
            window_bars=settings.window_bars,
            sha256=hashlib.sha256(" ".join([whole.sha256, *(bars.sha256 for _, bars in macro)]).encode()).hexdigest(),
        )

    def at(self, rows: Ints) -> Floats:
        """(B, F) float64 observation after the bars up to and including rows (B,)."""
        ages = np.arange(self.window_bars - 1, -1, -1)
        window = self.window[rows[:, np.newaxis] - ages].reshape(len(rows), -1)
        return np.concatenate([window, self.last[rows]], axis=1)


def window_features(bars: bars_lib.Bars) -> Floats:
    """(K, 4) float64 of each bar: return, (high - low) / close, position of the close between low and high, and log of
    volume over its median of the last 20 bars.

    The range is adjusted like the close first (bars.with_adjusted_range); the close of a bar without range counts as
    the middle.
    """
    adjusted = bars_lib.with_adjusted_range(bars)
    width = adjusted.high - adjusted.low
    position = np.divide(adjusted.close - adjusted.low, width, out=np.full(len(bars), 0.5), where=width > 0)
    return np.column_stack([_returns(adjusted.close), width / adjusted.close, position, _relative(adjusted.volume)])


def indicator_features(bars: bars_lib.Bars) -> Floats:
    """(K, 6) float64 relative to the close: MACD 12/26/9 and its signal, ATR 14, EMA 12, 26 and 200 minus close."""
    adjusted = bars_lib.with_adjusted_range(bars)
    close = adjusted.close
    averages = [indicators.ema(close, window) - close for window in (12, 26, 200)]
    columns = [*indicators.macd(close), indicators.atr(adjusted.high, adjusted.low, close), *averages]
    return np.column_stack(columns) / close[:, np.newaxis]


def _relative(volume):
    usual = pd.Series(volume).rolling(_USUAL_BARS, min_periods=1).median().to_numpy()
    return np.log1p(volume) - np.log1p(usual)


def _returns(close):
    return np.concatenate([[np.nan], close[1:] / close[:-1] - 1.0])


def _macro(path, bars, dates):
    rows = np.searchsorted(bars.date, dates)
    exists = (rows < len(bars)) & (bars.date[np.minimum(rows, len(bars) - 1)] == dates)
    if not exists.all():
        raise errors.DataError(
            f"{path}: no bar of {dates[int(np.argmin(exists))]}, wanted one for every date of train, test"
        )
    return _returns(bars.close)[rows]


def _scaled(columns, first, stop):
    """Columns mapped to [0, 1] by their smallest and largest value in rows [first, stop); not clipped outside."""
    if not columns.shape[1]:
        return columns
    low, high = columns[first:stop].min(axis=0), columns[first:stop].max(axis=0)
    return (columns - low) / np.where(high > low, high - low, 1.0)
