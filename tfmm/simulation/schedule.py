"""Replay of a schedule of quotes over a tape: which were filled, when, and by which rule."""

import dataclasses
from typing import Literal

import numpy as np

from tfmm import errors
from tfmm.market import schema
from tfmm.simulation import fills, state

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

GRID_TOLERANCE = 1e-6
"""A price this close (in ticks) to a tick is on it; others round away from the market."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class FillRules:
    """How quotes are filled; README, "Fill rules".

    Attributes:
        touch: a trade exactly at our price fills us `never` or `always` (aggressor on the other side or unknown).
        marketable: `clamp`: a quote that would trade at once is moved one tick behind the far touch.
        latency_ns: a quote sent at t takes effect before the first event later than t + latency_ns.
        maker_fee_bps: fee on notional, basis points; negative: a rebate.
        inventory_limit: largest |inventory| (size unit), or one for each instrument; None: no limit.
    """

    touch: Literal["never", "always"] = "never"
    marketable: Literal["clamp"] = "clamp"
    latency_ns: int = 0
    maker_fee_bps: float = 0.0
    inventory_limit: float | tuple[float, ...] | None = None

    def __post_init__(self):
        if self.touch not in ("never", "always"):
            raise errors.ConfigError(f"touch is {self.touch!r}, wanted never or always")
        if self.marketable != "clamp":
            raise errors.ConfigError(f"marketable is {self.marketable!r}, wanted clamp")
        if self.latency_ns < 0:
            raise errors.ConfigError(f"latency_ns is {self.latency_ns}, wanted 0 or more")
        if not np.isfinite(self.maker_fee_bps):
            raise errors.ConfigError(f"maker_fee_bps is {self.maker_fee_bps}, wanted a number")
        if self.inventory_limit is not None and not np.all(np.asarray(self.inventory_limit) >= 0):
            raise errors.ConfigError(f"inventory_limit is {self.inventory_limit}, wanted 0 or more")


@dataclasses.dataclass(frozen=True, eq=False)
class Result:
    """Outcome of a replay.

    Attributes:
        fills: (K,) FILLS in order of time.
        inventory: (N,) float64 final position, size unit.
        cash: (N,) float64 final cash before fees, quote currency. fees: (N,) likewise.
    """

    fills: np.ndarray
    inventory: np.ndarray
    cash: np.ndarray
    fees: np.ndarray


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
    rings, books = _orders(tape, schedule, rules)
    log = np.zeros(2 * rings.shape[1] * count + 1, state.FILL)
    events = state.read_only(tape.events)
    limits = parameters(tape.instruments, rules)
    _, n_log = fills.advance(events, 0, len(events), state.FOREVER - 1, books, rings, limits, log, 0)
    unit = np.array([one.tick_size * one.lot_size * one.multiplier for one in tape.instruments])
    lot = np.array([one.lot_size for one in tape.instruments])
    return Result(
        _at_the_door(log[:n_log], tape.instruments, unit),
        books["inventory_lot"] * lot,
        books["cash"] * unit,
        books["fees"] * unit,
    )


def parameters(instruments, rules):
    """(N,) state.PARAMETERS of the rules alone; the scales that only environments use are zero."""
    out = np.zeros(len(instruments), state.PARAMETERS)
    out["touch"] = state.TOUCH_ALWAYS if rules.touch == "always" else state.TOUCH_NEVER
    out["latency_ns"] = rules.latency_ns
    out["maker_rate"] = rules.maker_fee_bps * 1e-4
    out["limit_lot"] = state.FOREVER
    if rules.inventory_limit is not None:
        limits = np.broadcast_to(rules.inventory_limit, len(instruments))
        out["limit_lot"] = [whole_lots(limit, one) for limit, one in zip(limits, instruments, strict=True)]
    return out


def whole_lots(quantity, instrument):
    """Quantities (size unit) in lots, rounded down. int64."""
    return np.floor(np.asarray(quantity) / instrument.lot_size + GRID_TOLERANCE).astype(np.int64)


def _orders(tape, schedule, rules):
    schedule = np.asarray(schedule)
    missing = [name for name in SCHEDULE.names[:-1] if name not in (schedule.dtype.names or ())]
    if missing:
        raise errors.DataError(f"schedule: no field {missing[0]}, wanted {', '.join(SCHEDULE.names[:-1])}")
    back = np.flatnonzero(np.diff(schedule["ts_ns"]) < 0)
    if len(back):
        raise errors.DataError(f"schedule: time goes back at row {back[0] + 1}, wanted sorted ts_ns")
    owner = schedule["instrument"] if "instrument" in schedule.dtype.names else np.zeros(len(schedule), int)
    count = len(tape.instruments)
    if len(schedule) and (owner.min() < 0 or owner.max() >= count):
        raise errors.DataError(f"schedule: instrument {owner.max()}, wanted 0 to {count - 1}")
    length = max(1, max((int((owner == n).sum()) for n in range(count)), default=1))
    rings = np.zeros((count, length), state.ORDER)
    books = np.zeros(count, state.BOOK)
    state.clear(books)
    for n, instrument in enumerate(tape.instruments):
        own = schedule[owner == n]
        ring = rings[n, : len(own)]
        ring["active_ns"] = own["ts_ns"] + rules.latency_ns
        ring["bid_tick"], ring["bid_lot"] = _side(own, "bid", instrument, np.floor, GRID_TOLERANCE)
        ring["ask_tick"], ring["ask_lot"] = _side(own, "ask", instrument, np.ceil, -GRID_TOLERANCE)
        books["tail"][n] = len(own)
    return rings, books


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
