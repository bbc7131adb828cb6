"""Displayed size that we took (`partial`): each size that the market shows is taken once.

A tape goes on showing what we took, as nobody took it when it was recorded. So we remember it, for each side of the
market by price. What is left at the best price is what it shows less what we took of it. Where it comes to show less
than we took, the difference was taken or cancelled on the tape too, and what it shows beyond that later is new. A price
that another best price leaves behind empty is forgotten; one that a better price hides is remembered, up to
four prices a side.

Assumes that what disappears from a price was what we had left there. Ignores size behind the best price.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import state

_DEPTH = state.TAKEN_PRICES


@jit.kernel
def on_quote(taken: Record, side: int, tick: int, shown: int) -> None:
    """The market's best price of a side (+1 bid, -1 ask) is `tick`, and shows a size there (millionths of a lot)."""
    while taken.count > 0 and side * (taken.tick[taken.count - 1] - tick) > 0:
        taken.count -= 1
    best = taken.count - 1
    if best >= 0 and taken.tick[best] == tick:
        taken.size[best] = min(taken.size[best], shown)


@jit.kernel
def left(taken: Record, tick: int, shown: int) -> int:
    """What of a size shown at the best price is left for us, millionths of a lot."""
    best = taken.count - 1
    return shown - taken.size[best] if best >= 0 and taken.tick[best] == tick else shown


@jit.kernel
def take(taken: Record, tick: int, size: int) -> None:
    """Takes a size at the best price."""
    best = taken.count - 1
    if best >= 0 and taken.tick[best] == tick:
        taken.size[best] += size
        return
    if taken.count == _DEPTH:
        for k in range(1, _DEPTH):
            taken.tick[k - 1], taken.size[k - 1] = taken.tick[k], taken.size[k]
        taken.count -= 1
    taken.tick[taken.count], taken.size[taken.count] = tick, size
    taken.count += 1
