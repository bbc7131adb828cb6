"""Whether a report of a fill or position can be true."""

import math

from tfmm import errors
from tfmm.live import messages
from tfmm.market import schema

_FACTOR = 2.0
"""How many times the ask, or part of the bid, a fill's price may be."""


def check(
    message: messages.Fill | messages.Position,
    instrument: schema.Instrument,
    market: tuple[float, float],
    where: str,
) -> None:
    """Raises DataError, which names `where`, for a size, side or price that no report may have.

    Args:
        market: bid and ask last known, NaN before the first.
    """
    lots = message.size / instrument.lot_size
    is_fill = isinstance(message, messages.Fill)
    what = "fill" if is_fill else "position"
    if not abs(lots) < 2**53 or abs(lots - round(lots)) > 1e-6 * max(1.0, abs(lots)):
        raise errors.DataError(f"{where}: {what} of {message.size}, wanted whole lots of {instrument.lot_size:g}")
    if not isinstance(message, messages.Fill):
        return
    if message.side not in (schema.BUY, schema.SELL) or round(lots) < 1:
        raise errors.DataError(f"{where}: fill of {message.size} with side {message.side}, wanted a lot, +1 or -1")
    bid, ask = market
    px = message.price
    # comparisons with NaN are false
    if not 0.0 < px < math.inf or px > _FACTOR * ask or px < bid / _FACTOR:
        raise errors.DataError(f"{where}: fill at {px}, wanted a price near the market, {bid} / {ask}")
