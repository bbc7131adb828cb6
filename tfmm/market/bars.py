"""Daily bars from CSV files with columns Timestamp, Open, High, Low, Close, Volume."""

import dataclasses
import hashlib
import pathlib

import numpy as np
import pandas as pd

from tfmm import arrays, errors

COLUMNS = ("Timestamp", "Open", "High", "Low", "Close", "Volume")
_ADJUST_BARS = 20


@dataclasses.dataclass(frozen=True, eq=False)
class Bars:
    """Bars in order of time.

    Attributes:
        date: (K,) datetime64[D]. high, low, close: (K,) float64 price. volume: (K,) float64. sha256: of the file.
    """

    date: arrays.Array
    high: arrays.Floats
    low: arrays.Floats
    close: arrays.Floats
    volume: arrays.Floats
    sha256: str

    def __len__(self) -> int:
        return len(self.date)


def read(path: pathlib.Path | str) -> Bars:
    """Bars of a file.

    Raises:
        DataError: no such file or column, a value that is no number or not above 0 (volume: below 0), a high below
            its low, dates that do not rise.
    """
    path = pathlib.Path(path)
    try:
        frame = pd.read_csv(path)
    except (OSError, ValueError) as error:
        raise errors.DataError(f"{path}: cannot be read as CSV: {error}") from error
    missing = [name for name in COLUMNS if name not in frame]
    if missing:
        raise errors.DataError(f"{path}: no column {missing[0]}, wanted {', '.join(COLUMNS)}")
    dates = pd.to_datetime(frame["Timestamp"], errors="coerce")
    prices = {name: pd.to_numeric(frame[name], errors="coerce").to_numpy(np.float64) for name in COLUMNS[1:]}
    volume = prices.pop("Volume")
    wrong = dates.isna().to_numpy() | ~(volume >= 0) | ~np.isfinite(volume)
    for column in prices.values():
        wrong |= ~(column > 0) | ~np.isfinite(column)
    wrong |= prices["High"] < prices["Low"]
    wrong[1:] |= ~(np.diff(dates.to_numpy()) > np.timedelta64(0))
    if len(frame) == 0 or wrong.any():
        where = (
            f"row {int(np.argmax(wrong)) + 2}: {frame.iloc[int(np.argmax(wrong))].tolist()}" if len(frame) else "no row"
        )
        raise errors.DataError(f"{path} {where}, wanted rising dates, prices above 0, high >= low, volume >= 0")
    return Bars(
        date=dates.to_numpy().astype("datetime64[D]"),
        high=prices["High"],
        low=prices["Low"],
        close=prices["Close"],
        volume=volume,
        sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
    )


def joined(first: Bars, second: Bars) -> Bars:
    """The bars of both; DataError where the second does not begin after the first."""
    if second.date[0] <= first.date[-1]:
        raise errors.DataError(
            f"test begins on {second.date[0]}, wanted a day after the last of train, {first.date[-1]}"
        )
    names = ("date", "high", "low", "close", "volume")
    columns = {name: np.concatenate([getattr(first, name), getattr(second, name)]) for name in names}
    return Bars(**columns, sha256=hashlib.sha256((first.sha256 + second.sha256).encode()).hexdigest())


def with_adjusted_range(bars: Bars) -> Bars:
    """The same bars with high and low on the footing of the close.

    Vendors adjust the close for dividends and leave high and low as they were traded, so the close lies below the low
    for years. The ratio is estimated from what was known at each bar: the median of close / ((high + low) / 2) over the
    last 20 bars.
    """
    ratio = pd.Series(bars.close / (0.5 * (bars.high + bars.low)))
    factor = ratio.rolling(_ADJUST_BARS, min_periods=1).median().to_numpy()
    return dataclasses.replace(bars, high=bars.high * factor, low=bars.low * factor)
