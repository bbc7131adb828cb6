"""Fill rules, and what they are to the simulator's kernels."""

import dataclasses
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

from tfmm import errors
from tfmm.arrays import Array, Floats, Records
from tfmm.market import schema
from tfmm.market.tape import Tape
from tfmm.simulation import state
from tfmm.simulation.exchange import orders

TOUCHES = ("never", "always", "queue")
MARKETABLES = ("clamp", "reject", "take")


_FEES = ("maker_fee_bps", "taker_fee_bps", "maker_fee_per_unit", "taker_fee_per_unit", "minimum_fee")


@dataclasses.dataclass(frozen=True, kw_only=True)
class FillRules:
    """How quotes are filled; README, "Fill rules".

    Attributes:
        touch: a trade exactly at our price fills us `never`, `always` (aggressor on the other side or unknown) or
            when the `queue` ahead of us is gone (see tfmm.simulation.exchange.queue).
        marketable: a quote that would trade at once is moved to one tick behind the far touch (`clamp`), not
            quoted (`reject`) or filled at the touch (`take`).
        partial: a fill is at most the size of the trade, of the far quote, or of the touch that is taken; the
            rest of the order rests at its own price.
        latency_ns: a quote sent at t takes effect before the first event later than t + latency_ns; one for
            each instrument or one for all, as everything below.
        maker_fee_bps, taker_fee_bps: fee on notional, basis points; negative: a rebate.
        maker_fee_per_unit, taker_fee_per_unit: further fee for each unit of size (share, contract, coin), quote
            currency; negative: a rebate.
        minimum_fee: least fee of an order that is filled at all, quote currency; 0: none.
        inventory_limit: largest |inventory| (size unit); None: no limit.
        cash_limit: most that may be owed, fees included (quote currency); None: no limit.
        gap_ns: over a hole in the data longer than this our quotes are cancelled; None: never.
    """

    touch: Literal["never", "always", "queue"] = "never"
    marketable: Literal["clamp", "reject", "take"] = "clamp"
    partial: bool = False
    latency_ns: int | tuple[int, ...] = 0
    maker_fee_bps: float | tuple[float, ...] = 0.0
    taker_fee_bps: float | tuple[float, ...] = 0.0
    maker_fee_per_unit: float | tuple[float, ...] = 0.0
    taker_fee_per_unit: float | tuple[float, ...] = 0.0
    minimum_fee: float | tuple[float, ...] = 0.0
    inventory_limit: float | tuple[float, ...] | None = None
    cash_limit: float | tuple[float, ...] | None = None
    gap_ns: int | None = None

    def __post_init__(self) -> None:
        for name, known in (("touch", TOUCHES), ("marketable", MARKETABLES), ("partial", (True, False))):
            if getattr(self, name) not in known:
                listed = " or ".join(str(one) for one in known)
                raise errors.ConfigError(f"{name} is {getattr(self, name)!r}, wanted {listed}")
        for name in ("latency_ns", "inventory_limit", "cash_limit", "gap_ns", "minimum_fee"):
            value = getattr(self, name)
            if value is not None and not np.all(np.asarray(value) >= 0):
                raise errors.ConfigError(f"{name} is {value}, wanted 0 or more")
        for name in _FEES:
            if not np.all(np.isfinite(getattr(self, name))):
                raise errors.ConfigError(f"{name} is {getattr(self, name)}, wanted a number")


def reference_ticks(tape: Tape) -> Floats:
    """(N,) float64: the first mid of each inverse contract on a tape, 0 for linear ones."""
    out = np.zeros(len(tape.instruments))
    for n, one in enumerate(tape.instruments):
        if one.inverse:
            quotes = (tape.events["instrument"] == n) & (tape.events["kind"] == schema.QUOTE)
            if quotes.any():
                first = tape.events[np.argmax(quotes)]
                out[n] = 0.5 * (first["lo_tick"] + first["hi_tick"])
    return out


def money_units(instruments: Sequence[schema.Instrument], parameters: Records) -> Floats:
    """(N,) float64: quote currency of one tick x lot. parameters: (N,) state.PARAMETERS."""
    out = np.array([one.tick_size * one.lot_size * one.multiplier for one in instruments])
    reference = parameters["reference_tick"] * np.array([one.tick_size for one in instruments])
    # Q contracts of value V gain Q V (1/p0 - 1/p1) of the base currency, here counted at the reference price
    return np.where(reference > 0, out / np.where(reference > 0, reference, 1.0), out)


def parameters(
    instruments: Sequence[schema.Instrument], rules: FillRules, reference_tick: Floats | list[float] | float = 0.0
) -> Records:
    """(N,) state.PARAMETERS of the rules alone; the scales that only environments use are zero.

    Args:
        reference_tick: (N,) price at which profits of inverse contracts are counted; 0 for linear ones.

    Raises:
        ConfigError: a rule is given for another number of instruments, or a cash limit for an inverse contract.
    """
    out = np.zeros(len(instruments), state.PARAMETERS)
    out["touch"] = TOUCHES.index(rules.touch)
    out["marketable"] = MARKETABLES.index(rules.marketable)
    out["partial"] = rules.partial
    out["tape_fills"], out["quoted"], out["risk_power"] = 1, 1, 1.0
    out["synthetic"] = out["rate"] = state.NO_INSTRUMENT
    out["gap_ns"] = state.FOREVER if rules.gap_ns is None else rules.gap_ns
    out["lot_size"] = [one.lot_size for one in instruments]
    out["reference_tick"] = reference_tick
    units = money_units(instruments, out)
    out["weight"] = units / units[0]
    out["latency_ns"] = _per_instrument(rules, "latency_ns", instruments)
    out["maker_rate"] = _per_instrument(rules, "maker_fee_bps", instruments) * 1e-4
    out["taker_rate"] = _per_instrument(rules, "taker_fee_bps", instruments) * 1e-4
    out["maker_fee_tick"] = _per_instrument(rules, "maker_fee_per_unit", instruments) * out["lot_size"] / units
    out["taker_fee_tick"] = _per_instrument(rules, "taker_fee_per_unit", instruments) * out["lot_size"] / units
    out["minimum_fee"] = _per_instrument(rules, "minimum_fee", instruments) / units
    out["limit_lot"], out["cash_limit"] = state.FOREVER, np.inf
    if rules.inventory_limit is not None:
        limits = _per_instrument(rules, "inventory_limit", instruments)
        out["limit_lot"] = [whole_lots(limit, one) for limit, one in zip(limits, instruments, strict=True)]
    if rules.cash_limit is not None:
        if any(one.inverse for one in instruments):
            raise errors.ConfigError("cash_limit is given, wanted none: an inverse contract costs no cash")
        out["cash_limit"] = _per_instrument(rules, "cash_limit", instruments) / units
    return out


def _per_instrument(rules, name, instruments):
    """(N,) of a rule that is given for all instruments or for each."""
    values = np.asarray(getattr(rules, name))
    if values.ndim and len(values) != len(instruments):
        raise errors.ConfigError(f"{name} has {len(values)} values, wanted 1 or {len(instruments)}")
    return np.broadcast_to(values, len(instruments))


def whole_lots(quantity: Array | float, instrument: schema.Instrument) -> Any:
    """Quantities (size unit), of any shape, in whole lots of an instrument, rounded down. int64."""
    return np.floor(np.asarray(quantity) / instrument.lot_size + orders.GRID_TOLERANCE).astype(np.int64)
