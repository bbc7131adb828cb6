"""Daily bars and their indicators, which agree with version 0.11.0 of the library `ta`."""

import numpy as np
import pytest

from tfmm import errors
from tfmm.market import bars, indicators

T = np.arange(260.0)
CLOSE = 100 + 0.05 * T + 8 * np.sin(T / 9) + 3 * np.cos(T / 2.3)
HIGH, LOW = CLOSE + 1.5 + 2 * np.sin(T) ** 2, CLOSE - 1.0 - np.cos(1.7 * T) ** 2
# what ta.trend.EMAIndicator, MACD and ta.volatility.AverageTrueRange give for these bars
LIBRARY = {
    "ema_12": {13: 106.27731649985284, 33: 102.21601793984132, 120: 107.93121399279914, 259: 112.9683821981148},
    "ema_26": {33: 103.72598865687453, 120: 105.11884765580236, 259: 114.07600434283583},
    "ema_200": {199: 106.78743240579811, 230: 106.76931872187066, 259: 109.17993120623305},
    "macd": {33: -1.5099707170332124, 120: 2.8123663369967886, 259: -1.1076221447210344},
    "macd_signal": {33: -0.7463839197894915, 120: 1.7118483637030455, 259: -0.24461788389570097},
    "atr": {13: 4.0327917748519075, 33: 4.066761251525781, 120: 4.0971284074884755, 259: 4.065217720374609},
}
FIRST = {"ema_12": 11, "ema_26": 25, "ema_200": 199, "macd": 25, "macd_signal": 33, "atr": 13}


def _indicators():
    line, signal = indicators.macd(CLOSE)
    averages = {f"ema_{window}": indicators.ema(CLOSE, window) for window in (12, 26, 200)}
    return averages | {"macd": line, "macd_signal": signal, "atr": indicators.atr(HIGH, LOW, CLOSE)}


@pytest.mark.parametrize("name", LIBRARY)
def test_indicators_agree_with_the_library(name):
    got = _indicators()[name]
    assert np.isfinite(got).argmax() == FIRST[name]
    for row, value in LIBRARY[name].items():
        assert abs(got[row] - value) < 1e-9


def test_average_true_range_as_worked_by_hand():
    # ranges 2, max(1, |12 - 10|, |11 - 10|) = 2, max(3, |11 - 12|, |8 - 12|) = 4; ATR 2: (2 + 2) / 2, then (2 + 4) / 2
    got = indicators.atr(
        np.array([11.0, 12.0, 11.0]), np.array([9.0, 11.0, 8.0]), np.array([10.0, 12.0, 9.0]), window=2
    )
    np.testing.assert_allclose(got, [np.nan, 2.0, 3.0])


HEADER = "Timestamp,Open,High,Low,Close,Volume\n"


def _write(tmp_path, text):
    path = tmp_path / "bars.csv"
    path.write_text(text)
    return path


def test_bars_are_read_as_they_are(tmp_path):
    got = bars.read(_write(tmp_path, HEADER + "2020-01-02,1,3,1,2,5\n2020-01-03,2,4,2,3,0\n"))
    assert got.date.tolist() == [np.datetime64(f"2020-01-0{n}").item() for n in (2, 3)]
    assert (got.high.tolist(), got.low.tolist(), got.close.tolist(), got.volume.tolist()) == (
        [3, 4], [1, 2], [2, 3], [5, 0],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Timestamp,Open\n2020-01-02,1\n", "no column High"),
        (HEADER, "no row"),
        (HEADER + "2020-01-02,1,3,1,2,5\n2020-01-02,1,3,1,2,5\n", "row 3"),
        (HEADER + "2020-01-02,1,3,1,x,5\n", "row 2"),
        (HEADER + "2020-01-02,1,3,1,2,-5\n", "row 2"),
        (HEADER + "2020-01-02,1,1,3,2,5\n", "row 2"),
        (HEADER + "yesterday,1,3,1,2,5\n", "row 2"),
        ("", "cannot be read as CSV"),
    ],
)
def test_bars_that_cannot_be_true_are_refused_with_their_row(tmp_path, text, words):
    with pytest.raises(errors.DataError, match=words):
        bars.read(_write(tmp_path, text))


def test_the_range_of_an_adjusted_close_is_brought_to_its_footing():
    dates = np.arange("2020-01-01", "2020-09-17", dtype="datetime64[D]")
    plain = bars.Bars(dates, HIGH, LOW, CLOSE, T, "")
    # a close that is the middle of its range needs no change, and a dividend only scales
    middle = 0.5 * (HIGH + LOW)
    for factor in (1.0, 0.87):
        got = bars.with_adjusted_range(bars.Bars(dates, HIGH, LOW, factor * middle, T, ""))
        np.testing.assert_allclose(got.high, factor * HIGH)
        np.testing.assert_allclose(got.low, factor * LOW)
    changed = HIGH.copy()
    changed[100:] *= 2
    later = bars.with_adjusted_range(bars.Bars(dates, changed, LOW, CLOSE, T, ""))
    np.testing.assert_array_equal(later.high[:100], bars.with_adjusted_range(plain).high[:100])
