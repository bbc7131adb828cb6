"""Replay of a schedule of quotes over a tape: which were filled, when, and by which rule."""

import dataclasses
from typing import Literal

import numpy as np

from tfmm import errors
from tfmm.market import schema
from tfmm.market import tape as tape_lib
from tfmm.simulation import events, explanation, state

SCHEDULE = np.dtype(
    [
        ("ts_ns", np.int64),
        ("bid_px", np.float64),
        ("bid_qty", np.float64),
        ("ask_px", np.float64),
        ("ask_qty", np.float64),
        ("instrument", np.int16),
    ]
)
"""Quotes sent, in order of time. NaN price: no quote on that side. `instrument` may be left out."""

FILLS = np.dtype(
    [
        ("ts_ns", np.int64),
        ("side", np.int8),
        ("px", np.float64),
        ("qty", np.float64),
        ("fee", np.float64),
        ("rule", "U6"),
        ("event", np.int64),
        ("instrument", np.int16),
    ]
)
"""side: +1 we bought, -1 we sold. fee in quote currency. rule: a name of state.RULE_NAMES. event: tape row."""

TOUCHES = ("never", "always", "queue")
MARKETABLES = ("clamp", "reject", "take")
GRID_TOLERANCE = 1e-6
"""A price this close (in ticks) to a tick is on it; others round away from the market."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FillRules:
    """How quotes are filled; README, "Fill rules".

    Attributes:
        touch: a trade exactly at our price fills us `never`, `always` (aggressor on the other side or unknown) or
            when the `queue` ahead of us is gone (see tfmm.simulation.queue).
        marketable: a quote that would trade at once is moved to one tick behind the far touch (`clamp`), not
            quoted (`reject`) or filled at the touch (`take`).
        partial: a fill is at most the size of the trade, of the far quote, or of the touch that is taken; the
            rest of the order rests at its own price.
        latency_ns: a quote sent at t takes effect before the first event later than t + latency_ns; one for
            each instrument or one for all, as everything below.
        maker_fee_bps, taker_fee_bps: fee on notional, basis points; negative: a rebate.
        inventory_limit: largest |inventory| (size unit); None: no limit.
        cash_limit: most that may be owed, fees included (quote currency); None: no limit.
        gap_ns: over a hole in the data longer than this our quotes are pulled; None: never.
    """

    touch: Literal["never", "always", "queue"] = "never"
    marketable: Literal["clamp", "reject", "take"] = "clamp"
    partial: bool = False
    latency_ns: int | tuple[int, ...] = 0
    maker_fee_bps: float | tuple[float, ...] = 0.0
    taker_fee_bps: float | tuple[float, ...] = 0.0
    inventory_limit: float | tuple[float, ...] | None = None
    cash_limit: float | tuple[float, ...] | None = None
    gap_ns: int | None = None

    def __post_init__(self):
        for name, known in (("touch", TOUCHES), ("marketable", MARKETABLES), ("partial", (True, False))):
            if getattr(self, name) not in known:
                listed = " or ".join(str(one) for one in known)
                raise errors.ConfigError(f"{name} is {getattr(self, name)!r}, wanted {listed}")
        for name in ("latency_ns", "inventory_limit", "cash_limit", "gap_ns"):
            value = getattr(self, name)
            if value is not None and not np.all(np.asarray(value) >= 0):
                raise errors.ConfigError(f"{name} is {value}, wanted 0 or more")
        for name in ("maker_fee_bps", "taker_fee_bps"):
            if not np.all(np.isfinite(getattr(self, name))):
                raise errors.ConfigError(f"{name} is {getattr(self, name)}, wanted a number")


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """Outcome of a replay.

    Attributes:
        fills: (K,) FILLS in order of time.
        inventory: (N,) float64 final position, size unit.
        cash: (N,) float64 final cash before fees, quote currency. fees: (N,) likewise. Of an inverse contract
            both are counted at the reference price, see tfmm.simulation.ledger.
        outcomes: (S, 2) int8, what became of bid and ask of each quote: places in state.OUTCOME_NAMES.
        tape, schedule, rules: what was replayed.
    """

    fills: np.ndarray
    inventory: np.ndarray
    cash: np.ndarray
    fees: np.ndarray
    outcomes: np.ndarray
    tape: tape_lib.Tape
    schedule: np.ndarray
    rules: FillRules

    def explain(self, number):
        """Why fill `number` happened, in words; see tfmm.simulation.explanation."""
        return explanation.fill(self, number)

    def explain_quote(self, number):
        """What became of quote `number` of the schedule, filled or not, in words."""
        return explanation.quote(self, number)


def replay(tape, schedule, rules=None):
    """Applies the tape to a schedule of quotes by the fill rules.

    Args:
        tape: `tfmm.market.tape.Tape`.
        schedule: (S,) structured array with the fields of SCHEDULE (`instrument` optional), times non-decreasing.
        rules: FillRules, the same for every instrument.

    Returns:
        A Result.

    Raises:
        DataError: a field is missing, time goes back, a quantity is not positive or below one lot.
    """
    rules = rules or FillRules()
    count = len(tape.instruments)
    limits = parameters(tape.instruments, rules, reference_ticks(tape))
    schedule = _checked(schedule, count)
    rings, books, places = _orders(tape, schedule, limits)
    outcomes = np.full((*rings.shape, 2), state.WAITING, np.int8)
    log = np.zeros(2 * len(schedule) + 64, state.FILL)
    market = state.read_only(tape.events)
    cursor, n_log, last = 0, 0, int(market["ts"][-1]) if len(market) else 0
    while True:
        cursor, n_log = events.advance(
            market, cursor, len(market), last, books, rings, limits, False, log, n_log, outcomes
        )
        if cursor == len(market):
            break
        log = np.concatenate([log, np.zeros(len(log), state.FILL)])
    unit = money_units(tape.instruments, limits)
    lot = np.array([one.lot_size for one in tape.instruments])
    return Result(
        _at_the_door(log[:n_log], tape.instruments, unit),
        books["inventory_lot"] * lot,
        books["cash"] * unit,
        books["fees"] * unit,
        outcomes[places],
        tape,
        schedule,
        rules,
    )


def reference_ticks(tape):
    """(N,) float64: the first mid of each inverse contract on a tape, 0 for linear ones."""
    out = np.zeros(len(tape.instruments))
    for n, one in enumerate(tape.instruments):
        if one.inverse:
            own = (tape.events["instrument"] == n) & (tape.events["kind"] == schema.QUOTE)
            if own.any():
                first = tape.events[np.argmax(own)]
                out[n] = 0.5 * (first["lo_tick"] + first["hi_tick"])
    return out


def money_units(instruments, limits):
    """(N,) float64: quote currency of one tick x lot. limits: (N,) state.PARAMETERS."""
    out = np.array([one.tick_size * one.lot_size * one.multiplier for one in instruments])
    reference = limits["reference_tick"] * np.array([one.tick_size for one in instruments])
    # Q contracts of value V gain Q V (1/p0 - 1/p1) of the base currency, here counted at the reference price
    return np.where(reference > 0, out / np.where(reference > 0, reference, 1.0), out)


def parameters(instruments, rules, reference_tick=0.0):
    """(N,) state.PARAMETERS of the rules alone; the scales that only environments use are zero.

    Args:
        instruments: sequence of schema.Instrument. rules: FillRules.
        reference_tick: (N,) price at which profits of inverse contracts are counted; 0 for linear ones.

    Raises:
        ConfigError: a rule is given for another number of instruments, or a cash limit for an inverse contract.
    """
    out = np.zeros(len(instruments), state.PARAMETERS)
    out["touch"] = TOUCHES.index(rules.touch)
    out["marketable"] = MARKETABLES.index(rules.marketable)
    out["partial"] = rules.partial
    out["gap_ns"] = state.FOREVER if rules.gap_ns is None else rules.gap_ns
    out["lot_size"] = [one.lot_size for one in instruments]
    out["reference_tick"] = reference_tick
    out["latency_ns"] = _each(rules, "latency_ns", instruments)
    out["maker_rate"] = _each(rules, "maker_fee_bps", instruments) * 1e-4
    out["taker_rate"] = _each(rules, "taker_fee_bps", instruments) * 1e-4
    out["limit_lot"], out["cash_limit"] = state.FOREVER, np.inf
    if rules.inventory_limit is not None:
        limits = _each(rules, "inventory_limit", instruments)
        out["limit_lot"] = [whole_lots(limit, one) for limit, one in zip(limits, instruments, strict=True)]
    if rules.cash_limit is not None:
        if any(one.inverse for one in instruments):
            raise errors.ConfigError("cash_limit is given, wanted none: an inverse contract costs no cash")
        out["cash_limit"] = _each(rules, "cash_limit", instruments) / money_units(instruments, out)
    return out


def _each(rules, name, instruments):
    """(N,) of a rule that is given for all instruments or for each."""
    values = np.asarray(getattr(rules, name))
    if values.ndim and len(values) != len(instruments):
        raise errors.ConfigError(f"{name} has {len(values)} values, wanted 1 or {len(instruments)}")
    return np.broadcast_to(values, len(instruments))


def whole_lots(quantity, instrument):
    """Quantities (size unit) in lots, rounded down. int64."""
    return np.floor(np.asarray(quantity) / instrument.lot_size + GRID_TOLERANCE).astype(np.int64)


def _checked(schedule, count):
    """(S,) SCHEDULE, instrument 0 where the field is left out."""
    schedule = np.asarray(schedule)
    missing = [name for name in SCHEDULE.names[:-1] if name not in (schedule.dtype.names or ())]
    if missing:
        raise errors.DataError(f"schedule: no field {missing[0]}, wanted {', '.join(SCHEDULE.names[:-1])}")
    back = np.flatnonzero(np.diff(schedule["ts_ns"]) < 0)
    if len(back):
        raise errors.DataError(f"schedule: time goes back at row {back[0] + 1}, wanted sorted ts_ns")
    if "instrument" not in schedule.dtype.names:
        out = np.zeros(len(schedule), SCHEDULE)
        for name in SCHEDULE.names[:-1]:
            out[name] = schedule[name]
        return out
    owner = schedule["instrument"]
    if len(schedule) and (owner.min() < 0 or owner.max() >= count):
        raise errors.DataError(f"schedule: instrument {owner.max()}, wanted 0 to {count - 1}")
    return schedule


def _orders(tape, schedule, limits):
    """Rings (N, L) with every quote in flight, books (N,), and the place (n, l) of each row of the schedule."""
    count = len(tape.instruments)
    owner = schedule["instrument"].astype(np.int64)
    amounts = np.bincount(owner, minlength=count)
    rings = np.zeros((count, max(1, int(amounts.max(initial=1)))), state.ORDER)
    books = np.zeros(count, state.BOOK)
    state.clear(books)
    place = np.empty(len(schedule), np.int64)
    for n, instrument in enumerate(tape.instruments):
        mine = owner == n
        own = schedule if mine.all() else schedule[mine]
        place[mine] = np.arange(len(own))
        ring = rings[n, : len(own)]
        ring["active_ns"] = own["ts_ns"] + limits["latency_ns"][n]
        ring["bid_tick"], ring["bid_lot"] = _side(own, "bid", instrument, np.floor, GRID_TOLERANCE)
        ring["ask_tick"], ring["ask_lot"] = _side(own, "ask", instrument, np.ceil, -GRID_TOLERANCE)
        books["tail"][n] = len(own)
    return rings, books, (owner, place)


def _side(schedule, side, instrument, rounding, tolerance):
    px, qty = schedule[f"{side}_px"], schedule[f"{side}_qty"]
    quoted = ~np.isnan(px)
    wrong = quoted & ~(np.isfinite(px) & (np.abs(px) < 2**53 * instrument.tick_size))
    if wrong.any():
        row = int(np.argmax(wrong))
        raise errors.DataError(f"schedule: {side}_px of {instrument.symbol} is {px[row]}, wanted a price or NaN")
    lots = whole_lots(np.where(quoted, np.nan_to_num(qty), 0.0), instrument)
    wrong = quoted & (lots < 1)
    if wrong.any():
        row = int(np.argmax(wrong))
        raise errors.DataError(
            f"schedule: {side}_qty of {instrument.symbol} is {qty[row]}, wanted a lot ({instrument.lot_size}) or more"
        )
    ticks = rounding(np.where(quoted, px, 0.0) / instrument.tick_size + tolerance).astype(np.int64)
    return ticks, lots


def _at_the_door(log, instruments, unit):
    out = np.zeros(len(log), FILLS)
    owner = log["instrument"]
    out["ts_ns"], out["side"], out["event"], out["instrument"] = log["ts"], log["side"], log["event"], owner
    for n, one in enumerate(instruments):
        own = owner == n
        out["px"][own] = schema.multiples(log["tick"][own], one.tick_size)
        out["qty"][own] = schema.multiples(log["lot"][own], one.lot_size)
    out["fee"] = log["fee"] * unit[owner]
    out["rule"] = np.array(state.RULE_NAMES)[log["rule"]]
    return out
