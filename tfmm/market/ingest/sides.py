"""Whether the sides of trades agree with the quotes, and what it means where they do not.

A buyer who takes the ask trades above the mid, a seller who takes the bid below it. The curve of agreement over the
age of the quotes tells three faults apart: a clock skew (the agreement rises at another lag to a plausible level), the
sides of makers (it falls further below one half than it ever rises above) and sides that say nothing (it stays near
one half at every lag).
"""

import math
from collections.abc import Sequence
from typing import TypeAlias

import numpy as np

from tfmm import arrays
from tfmm.market import schema

LAGS_MS = (-1000, -500, -200, -100, -50, -20, -10, -5, -2, -1, 0, 1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)
ENOUGH_TRADES = 100
Curve: TypeAlias = Sequence[tuple[int, float]]
"""[(lag in ms, share of trades that agree)]; a positive lag reads older quotes."""
_CLEARLY_BETTER = 0.05  # agreement that a lag must gain to be called a skew
_PLAUSIBLE = 0.6  # agreement that a lag must reach to be called a skew; true sides of real feeds have .67 to .99
_AS_GOOD = 0.02  # the smallest of the lags that come as close to the best one is named
_CONTRARY = 0.1  # distance below one half at which sides contradict the market
_OLD_MS = 200  # quotes of this age were there before the trade, in a feed with any plausible skew


def agreement_by_lag(events: arrays.Records, lags_ms: Sequence[int]) -> list[tuple[int, float]]:
    """Share of trades on the side that the mid says, quotes read `lag` earlier than the trade.

    Trades at the mid or of unknown side are left out, and those that no quote, or no known market, comes before.

    Args:
        events: (K,) schema.EVENT of one instrument. lags_ms: lags in ms; positive: older quotes.

    Returns:
        [(lag_ms, share)], share NaN without trades to compare.
    """
    trades = events[(events["kind"] == schema.TRADE) & (events["side"] != schema.UNKNOWN)]
    is_quote = events["kind"] == schema.QUOTE
    out = []
    if not len(trades) or not is_quote.any():
        return [(lag, math.nan) for lag in lags_ms]
    # columns alone: copies of whole events take several times as long
    quoted_ns, twice_mid = events["ts"][is_quote], (events["lo_tick"] + events["hi_tick"])[is_quote]
    for lag in lags_ms:
        index = np.searchsorted(quoted_ns, trades["ts"] - lag * 1_000_000, side="left") - 1
        quoted = index >= 0
        above = (trades["lo_tick"] + trades["hi_tick"])[quoted] - twice_mid[index[quoted]]
        off_mid = above != 0
        right = np.sign(above[off_mid]) == trades["side"][quoted][off_mid]
        out.append((lag, float(right.mean()) if len(right) else math.nan))
    return out


def skew_ms(curve: Curve) -> float:
    """ms by which quotes should be read earlier; 0 where no lag is clearly better and plausible, NaN without trades."""
    measured = _measured(curve)
    if 0 not in measured:
        return math.nan
    most = max(measured.values())
    if most < _PLAUSIBLE or most <= measured[0] + _CLEARLY_BETTER or _falls_further(measured):
        return 0
    return min((lag for lag in measured if measured[lag] >= most - _AS_GOOD), key=abs)


def contradiction(curve: Curve, n_sided: int) -> str:
    """Why sides that contradict the market are refused; empty where they do not. n_sided: trades with a side."""
    measured = _measured(curve)
    if n_sided < ENOUGH_TRADES or not measured or not _falls_further(measured):
        return ""
    lag = min((one for one in measured if one >= 0), key=lambda one: (measured[one], one))
    when = "" if lag == 0 else f" with quotes read {lag:g} ms earlier"
    return (
        f"sides contradict the market: {measured[lag]:.0%} of {n_sided} trades are on the side of the mid{when}, as "
        "where a file gives the maker's side; --flip-sides turns them"
    )


def without_information(curve: Curve, n_sided: int) -> str:
    """A sentence where no lag brings the sides to a plausible agreement; empty elsewhere."""
    measured = _measured(curve)
    if n_sided < ENOUGH_TRADES or not measured or _falls_further(measured) or max(measured.values()) >= _PLAUSIBLE:
        return ""
    return (
        f"sides say little: at most {max(measured.values()):.0%} of {n_sided} trades are on the side of the mid at any "
        "lag up to a second; quotes and trades may be of different venues or clocks, or the sides are guesses"
    )


def _measured(curve):
    return {lag: share for lag, share in curve if share is not None and not math.isnan(share)}


def _falls_further(measured):
    """Whether older quotes speak against the sides.

    Quotes that are read after the trade say nothing here, and with a skew that is not known yet the next older ones are
    such: the trade itself may have moved them through its price. So the oldest decide; where the market has moved so
    much since that they say nothing, all of them do, by whether the curve falls further below one half than it rises
    above.
    """
    older = [share for lag, share in measured.items() if lag >= 0]
    oldest = [share for lag, share in measured.items() if lag >= _OLD_MS] or older
    if not older:
        return False
    last = sum(oldest) / len(oldest)
    return last <= 0.5 - _CONTRARY or (last < 0.5 and 0.5 - min(older) >= max(_CONTRARY, max(older) - 0.5))
