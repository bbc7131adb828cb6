"""Quotes and trades whose clocks are hours apart: the trades fit the quotes of some hours later or earlier only."""

import pathlib
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays, jit
from tfmm.market import raw, schema
from tfmm.market.ingest import spool

Part = tuple[pathlib.Path, spool.Spooled, spool.Stream]

_QUARTER_NS = 900 * 10**9
_QUARTERS = tuple(k for k in (*range(-56, 57), -96, 96) if k)  # zones are up to 14 hours apart, dates a day
_TRADES, _READ_TRADES, _LEAST_TRADES = 400, 20_000, 30
_MOST_RUNS = 2000
_NEAR, _NEARER = 0.7, 0.25  # share of trades at the quotes; what hours must add to it
_AGREES, _BETTER = 0.9, 0.15  # share of sides that agree; what hours must add to it
_ALONE = 0.15  # what all other hours must be worse by


class _Fit(NamedTuple):
    """near: share of all trades no further from the touch than a spread; agreed: of sides that agree with the mid."""

    near: float
    agreed: float


def fault(parts: Sequence[Part]) -> str:
    """What is wrong with the clocks of one instrument's files in a session; empty where nothing is.

    Args:
        parts: (folder, spool.Spooled, spool.Stream) of all its files.
    """
    trades = _sample([part for part in parts if part[2].trades])
    runs = [run for part in parts if part[2].first_quote_ns for run in _runs(part)]
    if len(trades) < _LEAST_TRADES or not 0 < len(runs) <= _MOST_RUNS:
        return ""
    now = _fit(trades, runs, 0)
    if now.near >= _NEAR and not now.agreed < 1.0 - _BETTER:
        return ""
    fits = {k: _fit(trades, runs, k * _QUARTER_NS) for k in _QUARTERS}
    near = {k: fit.near for k, fit in fits.items()}
    agreed = {k: fit.agreed for k, fit in fits.items() if fit.near >= _NEAR and not np.isnan(fit.agreed)}
    for shares, before, least, what in (
        (near, now.near, max(_NEAR, now.near + _NEARER), "are at the quotes"),
        (agreed, now.agreed, max(_AGREES, now.agreed + _BETTER), "are on the side of the mid that they say"),
    ):
        best = max(shares, key=shares.__getitem__, default=0)
        if best and shares[best] >= least and _is_alone(shares, best):
            hours = f"{abs(best) / 4:g} hours {'later' if best > 0 else 'earlier'}"
            return (
                f"quotes and trades are of different time zones: {shares[best]:.0%} of the trades {what} of {hours}, "
                f"{np.nan_to_num(before):.0%} at their own time; wanted both in UTC"
            )
    return ""


def _is_alone(shares, best):
    """Whether all other hours are clearly worse: a market that stands still fits at any."""
    return all(share <= shares[best] - _ALONE for k, share in shares.items() if abs(k - best) > 1)


def _rows(part):
    folder, _, stream = part
    return np.asarray(np.memmap(folder / stream.file, raw.RAW, "r"))


def _runs(part):
    """[(rows, start, stop)] of stretches that are sorted by time."""
    rows, stream = _rows(part), part[2]
    return [(rows, start, stop) for start, stop in stream.sorted_runs()]


def _sample(parts):
    """Trades at equal distances in the files."""
    found = []
    for part in parts:
        rows = _rows(part)
        some = rows[:: max(1, len(rows) // _READ_TRADES)]
        found.append(some[some["kind"] == schema.TRADE])
    trades = np.concatenate(found) if found else np.empty(0, raw.RAW)
    trades = trades[np.isfinite(trades["lo"])]
    return trades[np.linspace(0, len(trades) - 1, min(len(trades), _TRADES)).astype(int)]


def _fit(trades: arrays.Records, runs: list[tuple[arrays.Records, int, int]], later_ns: int) -> _Fit:
    """How trades fit the quotes of a time later; without a quote before it, or after the last one, they do not."""
    times = trades["ts"] + later_ns
    quotes = np.full((2, len(trades)), np.nan)
    since, last = np.full(len(trades), np.iinfo(np.int64).min), 0
    for rows, start, stop in runs:
        _in_force(rows, start, stop, times, since, quotes)
        last = max(last, int(rows["ts"][stop - 1]))
    bid, ask = quotes[:, times <= last]
    px, side = trades["lo"][times <= last], trades["side"][times <= last]
    quoted = np.isfinite(bid) & np.isfinite(ask)
    if not quoted.any():
        return _Fit(0.0, np.nan)
    width = np.maximum(ask - bid, np.median((ask - bid)[quoted]))
    near = quoted & (px >= bid - width) & (px <= ask + width)
    above = px - (bid + ask) / 2
    compared = near & (np.abs(side) == 1) & (above != 0)
    agreed = np.sign(above[compared]) == side[compared]
    return _Fit(float(near.sum() / len(trades)), float(agreed.mean()) if len(agreed) >= _LEAST_TRADES else np.nan)


@jit.kernel
def _in_force(rows, start, stop, times, since, quotes):
    """Takes for every time the last quote before it from a run, where it is newer than what was found before."""
    for i in range(len(times)):
        low, high = start, stop
        while low < high:
            middle = (low + high) // 2
            if rows[middle].ts < times[i]:
                low = middle + 1
            else:
                high = middle
        k = low - 1
        while k >= start and rows[k].kind != schema.QUOTE:
            k -= 1
        if k >= start and rows[k].ts > since[i]:
            since[i] = rows[k].ts
            quotes[0, i], quotes[1, i] = rows[k].lo, rows[k].hi
