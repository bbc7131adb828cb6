"""The one function that moves money, and the value of a position.

Cash and inventory move together; equity = cash - fees + inventory x contract_value(mid) at every event.

The value of a linear contract is its price. An inverse contract of fixed quote-currency size gains 1/p0 - 1/p1 of the
base currency; counted at a constant reference price R that is R^2 (1/p0 - 1/p1), so its value is 2 R - R^2 / p: equal
to the price at R, and of the same slope there.
"""

from tfmm import jit
from tfmm.arrays import Record


@jit.kernel
def contract_value(price_tick: float, reference_tick: float) -> float:
    """Value of one lot at a price (may be half a tick), tick. reference_tick: R of an inverse contract, 0: linear."""
    if reference_tick == 0.0:
        return float(price_tick)
    return 2.0 * reference_tick - reference_tick * reference_tick / price_tick


@jit.kernel
def accrue(instrument: Record, ts: int) -> None:
    """Brings the integral of |inventory| dt (lot s) up to ts."""
    instrument.abs_lot_s += abs(instrument.inventory_lot) * (ts - instrument.changed_ns) * 1e-9
    instrument.changed_ns = ts


@jit.kernel
def apply_fill(
    instrument: Record, side: int, price_tick: float, lots: int, fee: float, reference_tick: float, ts: int
) -> None:
    """Books a fill: side +1 we bought, -1 we sold. fee: tick x lot, negative: rebate."""
    accrue(instrument, ts)
    instrument.inventory_lot += side * lots
    instrument.cash -= side * lots * contract_value(price_tick, reference_tick)
    instrument.fees += fee
    instrument.n_fills += 1


@jit.kernel
def equity(instrument: Record, reference_tick: float) -> float:
    """Mark-to-mid wealth after fees. tick x lot."""
    if instrument.inventory_lot == 0:
        return instrument.cash - instrument.fees
    mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    return instrument.cash - instrument.fees + instrument.inventory_lot * contract_value(mid, reference_tick)
