"""Performance of a replayed schedule: every number the report shows, each defined once.

Money is in quote currency, quantities in the instrument's size unit, times in seconds.
The mid of a fill is the mid just before its event, the price the market believed in when we traded.
"""

import dataclasses
from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.evaluation.metrics import currency
from tfmm.market import schema
from tfmm.simulation.exchange import rules

AFTER = ("TAKER", "CLIENT", "HEDGE")
MARKOUT_S = (0, 1, 5, 30, 60)


@dataclasses.dataclass(frozen=True, eq=False)
class Path:
    """One instrument over one backtest span, at every quote and fill in it.

    Attributes:
        ts: (K,) int64 ns, first and last are the span's ends. mid: (K,) price after the event.
        inventory: (K,) held after the event. gross: (K,) wealth before fees. fees: (K,) paid so far.
        capture: (K,) spread captured so far.
    """

    ts: np.ndarray
    mid: np.ndarray
    inventory: np.ndarray
    gross: np.ndarray
    fees: np.ndarray
    capture: np.ndarray

    @property
    def net(self):
        return self.gross - self.fees

    def at(self, times, values):
        """A path column at given times (last value with ts <= t), none of them before the span."""
        assert len(times) == 0 or np.min(times) >= self.ts[0], "a path has no value before its span"
        return values[np.searchsorted(self.ts, times, side="right") - 1]


def mids(tape, instrument):
    """(ts, mid price, tape row) of every quote of an instrument."""
    rows = np.flatnonzero((tape.events["instrument"] == instrument) & (tape.events["kind"] == schema.QUOTE))
    quotes = tape.events[rows]
    tick = tape.instruments[instrument].tick_size
    return quotes["ts"], 0.5 * (quotes["lo_tick"] + quotes["hi_tick"]) * tick, rows


def happened_after(fills):
    """(F,) bool: fills that happened after the event that they name; all others happened because of it."""
    return np.isin(fills["rule"], AFTER)


def last_quote(quote_row, fills):
    """(F,) index into quote_row (see mids) of the last quote before each fill: the market we traded in."""
    return np.maximum(np.searchsorted(quote_row, fills["event"] + happened_after(fills), side="left") - 1, 0)


def captured(tape, fills, instrument):
    """(F,) spread captured by each fill of one instrument: side x qty x (mid just before - px), quote currency."""
    _, quote_mid, quote_row = mids(tape, instrument)
    worth = worth_of(tape, instrument)
    return fills["side"] * fills["qty"] * (worth(quote_mid[last_quote(quote_row, fills)]) - worth(fills["px"]))


def path(tape, fills, span, instrument=0):
    """The Path of one instrument.

    Args:
        tape: Tape. fills: (F,) schedule.FILLS of all instruments, inside the span. span: (start_ns, stop_ns).

    Raises:
        DataError: no quote before the span ends.
    """
    one = tape.instruments[instrument]
    own = fills[fills["instrument"] == instrument]
    quote_ts, quote_mid, quote_row = mids(tape, instrument)
    if not len(quote_ts) or quote_ts[0] > span[1]:
        raise errors.DataError(f"{one.symbol} has no quote before the end of the backtest, wanted at least one")
    after = happened_after(own)
    fill_mid = quote_mid[last_quote(quote_row, own)]
    signed = own["side"] * own["qty"]
    # one row per quote in the span and one per fill, fills before the quote that caused them
    inside = (quote_ts > span[0]) & (quote_ts <= span[1])
    ts = np.concatenate([own["ts_ns"], quote_ts[inside]])
    order = np.argsort(np.concatenate([2 * own["event"] - 1 + 2 * after, 2 * quote_row[inside]]), kind="stable")
    first_mid = quote_mid[max(np.searchsorted(quote_ts, span[0], side="right") - 1, 0)]
    pad = np.zeros(int(inside.sum()))

    def column(of_fills, start):
        return np.concatenate([[start], np.concatenate([of_fills, pad])[order]])

    mid = np.concatenate([[first_mid], np.concatenate([fill_mid, quote_mid[inside]])[order]])
    inventory = np.cumsum(column(signed, 0.0))
    worth = worth_of(tape, instrument)
    capture = np.cumsum(column(captured(tape, own, instrument), 0.0))
    drift = np.concatenate([[0.0], np.cumsum(inventory[:-1] * np.diff(worth(mid)))])
    fees = np.cumsum(column(own["fee"], 0.0))
    ts = np.concatenate([[span[0]], ts[order]])

    columns = [mid, inventory, capture + drift, fees, capture]
    rate = currency.Rate(tape, instrument)
    if len(rate.ts):
        ts, columns = _converted(rate, ts, columns, span)
    return Path(np.append(ts, span[1]), *(np.append(values, values[-1]) for values in columns))


def _converted(rate, ts, columns, span):
    """(ts, columns) of a path in the accounting currency, with rows wherever the rate changes; mid stays as it is."""
    every = np.unique(np.concatenate([ts, rate.ts[(rate.ts > span[0]) & (rate.ts <= span[1])]]))
    mid, inventory, gross, fees, capture = (one[np.searchsorted(ts, every, side="right") - 1] for one in columns)
    now = rate(every)
    paid, captured_ = (np.cumsum(np.diff(one, prepend=0.0) * now) for one in (fees, capture))
    return every, [mid, inventory, now * (gross - fees) + paid, paid, captured_]


def worth_of(tape, instrument):
    """Function of a price: worth of one size unit, quote currency.

    An inverse contract's is counted at the tape's first mid R: V (2 - R / p) for a contract of value V, see
    tfmm.simulation.exchange.ledger.
    """
    one = tape.instruments[instrument]
    if not one.inverse:
        return lambda px: np.asarray(px) * one.multiplier
    reference = rules.reference_ticks(tape)[instrument] * one.tick_size
    return lambda px: one.multiplier * (2.0 - reference / np.asarray(px))


def notional(fills, tape):
    """(F,) accounting currency: px x qty x multiplier; of an inverse contract, of a fixed value, qty x multiplier."""
    out = np.zeros(len(fills))
    for n, one in enumerate(tape.instruments):
        own = fills["instrument"] == n
        px = 1.0 if one.inverse else fills["px"][own]
        out[own] = px * fills["qty"][own] * one.multiplier * currency.Rate(tape, n)(fills["ts_ns"][own])
    return out


def drawdown(times, wealth):
    """(largest fall of wealth from its running maximum, longest stay below it in s).

    A stay begins when wealth first falls below the maximum and ends when it is back, or at the last time.

    Args:
        times: (K,) int64 ns. wealth: (K,), constant between times.
    """
    below = np.maximum.accumulate(wealth) - wealth
    under = np.concatenate([[False], below > 0, [False]])
    begins, ends = np.flatnonzero(under[1:] & ~under[:-1]), np.flatnonzero(under[:-1] & ~under[1:])
    lasting = times[np.minimum(ends, len(times) - 1)] - times[begins]
    return float(below.max()), float(lasting.max(initial=0) * 1e-9)


def markouts(tape, fills, instrument=0, horizons=MARKOUT_S):
    """{horizon s: (F,) bps}: side (mid at t + h - px) / px 1e4; NaN where the tape ends before t + h."""
    own = fills[fills["instrument"] == instrument]
    quote_ts, quote_mid, _ = mids(tape, instrument)
    out = {}
    for horizon in horizons:
        later = own["ts_ns"] + round(horizon * 1e9)
        mid = quote_mid[np.maximum(np.searchsorted(quote_ts, later, side="right") - 1, 0)]
        bps = own["side"] * (mid - own["px"]) / own["px"] * 1e4
        out[horizon] = np.where(later <= tape.events["ts"][-1], bps, np.nan)
    return out


def sampled(paths, span, sampling_s):
    """(times, summed net wealth) every sampling_s inside the span; whole samples only."""
    times = np.arange(span[0], span[1] + 1, round(sampling_s * 1e9))
    return times, sum(one.at(times, one.net) for one in paths)


def objective_path(one, risk, times):
    """Net wealth minus risk x integral of |Q| dt up to given times, per instrument; risk in money per unit and s."""
    held = np.concatenate([[0.0], np.cumsum(np.abs(one.inventory[:-1]) * np.diff(one.ts) * 1e-9)])
    index = np.searchsorted(one.ts, times, side="right") - 1
    since = np.abs(one.inventory[index]) * (times - one.ts[index]) * 1e-9
    return one.net[index] - risk * (held[index] + since)


class VectorRisk(NamedTuple):
    """Cost of (Q' Omega Q)^power for a second, in money; Q in orders. order: (N,) size units of an order."""

    cost: float
    omega: np.ndarray
    power: float
    order: np.ndarray


def objective_at(paths, risk, times):
    """Net wealth of all instruments minus the cost of risk, up to given times.

    Args:
        paths: a Path for each instrument. risk: (N,) see objective_path, or a VectorRisk. times: (K,) int64 ns.
    """
    if not isinstance(risk, VectorRisk):
        return sum(objective_path(one, own, times) for one, own in zip(paths, risk, strict=True))
    every = np.unique(np.concatenate([one.ts for one in paths]))
    held = np.array([one.at(every, one.inventory) for one in paths]) / risk.order[:, np.newaxis]
    cost = np.maximum(np.einsum("mk,mn,nk->k", held, risk.omega, held), 0.0) ** risk.power
    total = np.concatenate([[0.0], np.cumsum(cost[:-1] * np.diff(every) * 1e-9)])
    index = np.searchsorted(every, times, side="right") - 1
    total = total[index] + cost[index] * (times - every[index]) * 1e-9
    return sum(one.at(times, one.net) for one in paths) - risk.cost * total


def ratio(x, y):
    """x / y, NaN where y is 0."""
    return x / y if y else float("nan")


def sharpe_sortino(changes, sampling_s, year_s):
    """Annualised mean over standard deviation, and over downside deviation (Sortino and Price 1994, target 0).

    Args:
        changes: (K,) profit per sampling interval. Fewer than two: NaN.
        year_s: trading seconds in a year.
    """
    if len(changes) < 2:
        return float("nan"), float("nan")
    year = np.sqrt(year_s / sampling_s)
    mean = float(changes.mean())
    downside = float(np.sqrt(np.mean(np.minimum(changes, 0.0) ** 2)))
    return ratio(mean, float(changes.std(ddof=1))) * year, ratio(mean, downside) * year
