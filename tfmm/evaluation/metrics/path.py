"""What a backtest earned over time: every number of the report that comes from a path, each defined once.

Money is in the quote currency, quantities in the instrument's size unit, times in seconds.
The mid of a fill is the mid just before its event, which was the market's mid when we traded.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tfmm import errors
from tfmm.arrays import Array, Bools, Floats, Ints, Records
from tfmm.backtest.record import Backtest
from tfmm.evaluation.metrics import currency
from tfmm.market import schema
from tfmm.market.tape import Tape
from tfmm.simulation.exchange import rules

AFTER = ("TAKER", "CLIENT", "HEDGE")
MARKOUT_S = (0, 1, 5, 30, 60)


@dataclasses.dataclass(frozen=True, eq=False)
class Path:
    """One instrument over the span of one backtest, a row for every quote and fill.

    Attributes:
        ts: (K,) int64 ns; the first and last are the ends of the span.
        mid: (K,) price after the event.
        inventory: (K,) size units after the event.
        gross: (K,) wealth before fees.
        fees: (K,) fees paid so far.
        capture: (K,) spread captured so far.
    """

    ts: Ints
    mid: Floats
    inventory: Floats
    gross: Floats
    fees: Floats
    capture: Floats

    @property
    def net(self) -> Floats:
        """(K,) wealth after fees."""
        return self.gross - self.fees

    def at(self, times: Ints, values: Array) -> Array:
        """A column of this path at given times (its last value with ts <= t), none of them before the span."""
        assert len(times) == 0 or np.min(times) >= self.ts[0], "a path has no value before its span"
        return values[np.searchsorted(self.ts, times, side="right") - 1]


def mids(tape: Tape, instrument: int) -> tuple[Ints, Floats, npt.NDArray[np.intp]]:
    """(ts, mid price, tape row) of every quote of an instrument."""
    rows = np.flatnonzero((tape.events["instrument"] == instrument) & (tape.events["kind"] == schema.QUOTE))
    quotes = tape.events[rows]
    tick = tape.instruments[instrument].tick_size
    return quotes["ts"], 0.5 * (quotes["lo_tick"] + quotes["hi_tick"]) * tick, rows


def happened_after(fills: Records) -> Bools:
    """(F,): whether a fill happened after the event that it names; the event is the cause of all others."""
    return np.isin(fills["rule"], AFTER)


def last_quote(quote_row: npt.NDArray[np.intp], fills: Records) -> npt.NDArray[np.intp]:
    """(F,) index into quote_row (see mids) of the last quote before each fill: the market we traded in."""
    return np.maximum(np.searchsorted(quote_row, fills["event"] + happened_after(fills), side="left") - 1, 0)


def captured(tape: Tape, fills: Records, instrument: int) -> Floats:
    """(F,) spread captured by each fill of one instrument: side x qty x (mid just before - px), quote currency."""
    _, quote_mid, quote_row = mids(tape, instrument)
    value = unit_value(tape, instrument)
    return fills["side"] * fills["qty"] * (value(quote_mid[last_quote(quote_row, fills)]) - value(fills["px"]))


def of_backtest(run: Backtest, instrument: int = 0) -> Path:
    """The Path of one instrument of a backtest."""
    return path(run.tape, run.fills, run.span, instrument, run.opening(instrument))


def path(
    tape: Tape,
    fills: Records,
    span: tuple[int, int],
    instrument: int = 0,
    opening: tuple[float, float] = (0.0, float("nan")),
) -> Path:
    """The Path of one instrument.

    Args:
        tape: of the segment. fills: (F,) replay.FILLS of all instruments, inside the span. span: (start_ns, stop_ns).
        instrument: its index.
        opening: (inventory, mid at which it was valued last) that it begins with; the move to the first mid is earned
            at the start.

    Raises:
        DataError: no quote before the span ends.
    """
    fills = fills[fills["instrument"] == instrument]
    quote_ts, quote_mid, quote_row = mids(tape, instrument)
    if not len(quote_ts) or quote_ts[0] > span[1]:
        symbol = tape.instruments[instrument].symbol
        raise errors.DataError(f"{symbol} has no quote before the end of the backtest, wanted at least one")
    after = happened_after(fills)
    fill_mid = quote_mid[last_quote(quote_row, fills)]
    signed = fills["side"] * fills["qty"]
    # one row per quote in the span and one per fill, fills before the quote that caused them
    inside = (quote_ts > span[0]) & (quote_ts <= span[1])
    ts = np.concatenate([fills["ts_ns"], quote_ts[inside]])
    order = np.argsort(np.concatenate([2 * fills["event"] - 1 + 2 * after, 2 * quote_row[inside]]), kind="stable")
    first_mid = quote_mid[max(int(np.searchsorted(quote_ts, span[0], side="right")) - 1, 0)]
    pad = np.zeros(int(inside.sum()))

    def column(of_fills, start):
        return np.concatenate([[start], np.concatenate([of_fills, pad])[order]])

    mid = np.concatenate([[first_mid], np.concatenate([fill_mid, quote_mid[inside]])[order]])
    inventory = np.cumsum(column(signed, opening[0]))
    value = unit_value(tape, instrument)
    capture = np.cumsum(column(captured(tape, fills, instrument), 0.0))
    earned_closed = opening[0] * float(np.diff(value(np.array([opening[1], first_mid])))[0]) if opening[0] else 0.0
    revaluation = earned_closed + np.concatenate([[0.0], np.cumsum(inventory[:-1] * np.diff(value(mid)))])
    fees = np.cumsum(column(fills["fee"], 0.0))
    ts = np.concatenate([[span[0]], ts[order]])

    columns = [mid, inventory, capture + revaluation, fees, capture]
    rate = currency.Rate(tape, instrument)
    if len(rate.ts):
        ts, columns = _converted(rate, ts, columns, span)
    return Path(np.append(ts, span[1]), *(np.append(values, values[-1]) for values in columns))


def _converted(rate, ts, columns, span):
    """(ts, columns) of a path in the accounting currency, with rows wherever the rate changes; mid stays as it is."""
    times = np.unique(np.concatenate([ts, rate.ts[(rate.ts > span[0]) & (rate.ts <= span[1])]]))
    rows = np.searchsorted(ts, times, side="right") - 1
    mid, inventory, gross, fees, capture = (column[rows] for column in columns)
    rates = rate(times)
    fees_paid, spread_captured = (np.cumsum(np.diff(column, prepend=0.0) * rates) for column in (fees, capture))
    return times, [mid, inventory, rates * (gross - fees) + fees_paid, fees_paid, spread_captured]


def unit_value(tape: Tape, instrument: int) -> Callable[[Array], Floats]:
    """Function of a price that returns the value of one size unit in the quote currency.

    An inverse contract of value V is valued at the tape's first mid R: V (2 - R / p) at price p, see
    tfmm.simulation.exchange.ledger.
    """
    facts = tape.instruments[instrument]
    if not facts.inverse:
        return lambda px: np.asarray(px) * facts.multiplier
    reference = rules.reference_ticks(tape)[instrument] * facts.tick_size
    return lambda px: facts.multiplier * (2.0 - reference / np.asarray(px))


def notional(fills: Records, tape: Tape) -> Floats:
    """(F,) accounting currency: px x qty x multiplier; qty x multiplier of an inverse contract, of fixed value."""
    out = np.zeros(len(fills))
    for n, facts in enumerate(tape.instruments):
        chosen = fills["instrument"] == n
        px = 1.0 if facts.inverse else fills["px"][chosen]
        out[chosen] = px * fills["qty"][chosen] * facts.multiplier * currency.Rate(tape, n)(fills["ts_ns"][chosen])
    return out


def drawdown(times: Ints, wealth: Floats) -> tuple[float, float]:
    """(largest fall of wealth from its running maximum, longest time below it in s).

    The time below begins when wealth first falls below the maximum and ends when it is back, or at the last time.

    Args:
        times: (K,) int64 ns. wealth: (K,), constant between times.
    """
    below = np.maximum.accumulate(wealth) - wealth
    under = np.concatenate([[False], below > 0, [False]])
    begins, ends = np.flatnonzero(under[1:] & ~under[:-1]), np.flatnonzero(under[:-1] & ~under[1:])
    lasting = times[np.minimum(ends, len(times) - 1)] - times[begins]
    return float(below.max()), float(lasting.max(initial=0) * 1e-9)


def markouts(
    tape: Tape, fills: Records, instrument: int = 0, horizons: Sequence[float] = MARKOUT_S
) -> dict[float, Floats]:
    """{horizon h in s: (F,) bps} of one instrument's fills, side (mid at t + h - px) / px 1e4; NaN where the tape ends
    before t + h."""
    fills = fills[fills["instrument"] == instrument]
    quote_ts, quote_mid, _ = mids(tape, instrument)
    out = {}
    for horizon in horizons:
        later = fills["ts_ns"] + round(horizon * 1e9)
        mid = quote_mid[np.maximum(np.searchsorted(quote_ts, later, side="right") - 1, 0)]
        bps = fills["side"] * (mid - fills["px"]) / fills["px"] * 1e4
        out[horizon] = np.where(later <= tape.events["ts"][-1], bps, np.nan)
    return out


def sampled(paths: Sequence[Path], span: tuple[int, int], sampling_s: float) -> tuple[Ints, Floats]:
    """(times, net wealth of all paths together) every sampling_s inside the span; whole samples only.

    The first is 0, what was earned before the first decision: a move over closed hours belongs to the first sample.
    """
    times = np.arange(span[0], span[1] + 1, round(sampling_s * 1e9))
    return times, np.concatenate([[0.0], _net(paths, times)[1:]])


def objective_path(path: Path, risk: float, times: Ints) -> Floats:
    """(K,) net wealth minus risk x integral of |Q| dt up to given times, of one instrument.

    Args:
        risk: money per size unit and second. times: (K,) int64 ns.
    """
    integral = np.concatenate([[0.0], np.cumsum(np.abs(path.inventory[:-1]) * np.diff(path.ts) * 1e-9)])
    index = np.searchsorted(path.ts, times, side="right") - 1
    since = np.abs(path.inventory[index]) * (times - path.ts[index]) * 1e-9
    return path.net[index] - risk * (integral[index] + since)


class VectorRisk(NamedTuple):
    """Risk of all inventories together: (Q' Omega Q)^power costs `cost` money a second, Q in orders.

    omega: (N, N). order: (N,) size units of an order.
    """

    cost: float
    omega: Floats
    power: float
    order: Floats


def objective_at(paths: Sequence[Path], risk: Floats | VectorRisk, times: Ints) -> Floats:
    """(K,) net wealth of all instruments minus the cost of risk, up to given times.

    Args:
        paths: a Path for each instrument. risk: (N,) see objective_path, or a VectorRisk. times: (K,) int64 ns.
    """
    if not isinstance(risk, VectorRisk):
        per_instrument = [objective_path(path, price, times) for path, price in zip(paths, risk, strict=True)]
        return np.asarray(sum(per_instrument))
    every = np.unique(np.concatenate([path.ts for path in paths]))
    orders = np.array([path.at(every, path.inventory) for path in paths]) / risk.order[:, np.newaxis]
    cost = np.maximum(np.einsum("mk,mn,nk->k", orders, risk.omega, orders), 0.0) ** risk.power
    total = np.concatenate([[0.0], np.cumsum(cost[:-1] * np.diff(every) * 1e-9)])
    index = np.searchsorted(every, times, side="right") - 1
    total = total[index] + cost[index] * (times - every[index]) * 1e-9
    return _net(paths, times) - risk.cost * total


def _net(paths, times):
    return np.asarray(sum(path.at(times, path.net) for path in paths))


def ratio(x: float, y: float) -> float:
    """x / y, NaN where y is 0."""
    return x / y if y else float("nan")


def sharpe_sortino(changes: Floats, sampling_s: float, year_s: float) -> tuple[float, float]:
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
