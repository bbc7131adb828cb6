"""What an event and an instrument are: the one place that knows their fields.

Shape letters used throughout tfmm: E events, N instruments, B batch rows, F features.
"""

import msgspec
import numpy as np

from tfmm import arrays, errors

QUOTE, TRADE, ONE_SIDED, NO_MARKET = range(4)
"""Kinds of events. ONE_SIDED: nobody bids, or nobody offers. NO_MARKET: the best prices are unknown from here to the
next quote, as what the file says there cannot be true."""
NO_BID, NO_ASK = -(2**62), 2**62
"""Price of a side where nobody quotes: no other price reaches it."""
BUY, SELL, UNKNOWN = 1, -1, 0

EVENT = np.dtype(
    [
        ("ts", np.int64),  # ns UTC
        ("lo_tick", np.int64),  # quote: bid; trade: price rounded down to a tick
        ("hi_tick", np.int64),  # quote: ask; trade: price rounded up to a tick
        ("lo_size", np.float64),  # quote: bid size; trade: size (instrument's unit)
        ("hi_size", np.float64),  # quote: ask size; trade: size
        ("instrument", np.int32),
        ("kind", np.int16),  # QUOTE, TRADE, ONE_SIDED or NO_MARKET
        ("side", np.int16),  # trade: aggressor BUY, SELL or UNKNOWN; quote: 0
    ],
    align=True,
)
"""One market event, 48 bytes without padding, so that equal events are equal bytes. A trade between
two ticks (a midpoint print) keeps both its neighbours, so that `p > P_a` is exactly `hi_tick > P_a`
and `p < P_b` exactly `lo_tick < P_b`. ONE_SIDED has NO_BID or NO_ASK, and size 0, on the missing side. NO_MARKET has
bid NO_ASK and ask NO_BID, through every price of ours, so that no loop over events passes it by."""


def multiples(counts: arrays.Array, step: float) -> arrays.Floats:
    """counts x step as the floats nearest to the decimal numbers: 618011 ticks of 0.1 are 61801.1.

    Where a whole number of steps makes one, dividing by it rounds once and right; multiplying by the
    step would carry the error of the step.
    """
    per_unit = round(1.0 / step)
    if per_unit and abs(per_unit * step - 1.0) < 1e-12:
        return counts / per_unit
    return counts * step


class Instrument(msgspec.Struct, frozen=True, kw_only=True):
    """A traded contract.

    Attributes:
        symbol: name, as in the file names.
        tick_size: smallest price step (quote currency).
        lot_size: smallest order size (size unit of the files); our orders are whole lots.
        multiplier: value of one size unit at price 1 (linear), or in quote currency (inverse).
        inverse: True for contracts of a fixed quote-currency value settled in the base currency.
        quote_currency: currency of price, cash and profit.

    Raises:
        DataError: a size is not a positive number.
    """

    symbol: str
    tick_size: float
    lot_size: float = 1.0
    multiplier: float = 1.0
    inverse: bool = False
    quote_currency: str = "USD"

    def __post_init__(self) -> None:
        for name in ("tick_size", "lot_size", "multiplier"):
            value = getattr(self, name)
            if not (value > 0 and np.isfinite(value)):
                raise errors.DataError(f"{name} of {self.symbol} is {value}, wanted a positive number")
