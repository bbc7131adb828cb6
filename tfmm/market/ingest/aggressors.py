"""The aggressor of trades without a side: quote rule, then tick rule (Lee and Ready 1991, "Inferring trade direction
from intraday data", Journal of Finance 46).

A trade above the mid before it is a buy, below it a sell. At the mid, or where no mid is known, a trade at a higher
price than the last other price is a buy, at a lower one a sell. The quote is the last one before the trade: the delay
of five seconds of 1991 is of hand-written quotes.
"""

from typing import Any

import numpy as np

from tfmm import arrays, jit
from tfmm.market import schema

_QUOTED, _TICKED, _LEFT, _BUYS = range(4)


class Aggressors:
    """Counts the trades of one session that have no side and, where asked, infers it.

    Args:
        n_instruments: N. infer: whether sides are inferred, or counted alone.
    """

    def __init__(self, n_instruments: int, infer: bool):
        self._infer = infer
        self._counts = np.zeros((n_instruments, 4), np.int64)
        # twice the mid, twice the last price, its direction; 0: not known
        self._memory = np.zeros((n_instruments, 3), np.int64)

    def add(self, events: arrays.Records) -> arrays.Records:
        """(K,) schema.EVENT in order -> the same with sides; a copy where they may change."""
        out = events.copy() if self._infer else events
        _infer(out, self._infer, self._memory, self._counts)
        return out

    def report(self, instrument: int) -> dict[str, Any]:
        """Counts of an instrument, as in its quality report."""
        quoted, ticked, left, buys = (int(one) for one in self._counts[instrument])
        return {
            "without_side": quoted + ticked + left,
            "inferred_by_quote": quoted,
            "inferred_by_tick": ticked,
            "inferred_buys": buys,
        }


def note(one: dict[str, Any]) -> str:
    """A sentence on the trades of a quality report that have no side; empty where all have one."""
    absent, trades = one.get("without_side", 0), one["trades_kept"]
    if not absent:
        return ""
    share = f"{absent} of {trades} trades ({absent / max(1, trades):.0%}) have no side"
    quoted, ticked = one["inferred_by_quote"], one["inferred_by_tick"]
    if not quoted + ticked:
        return f"{share}: taken as unknown, --infer-sides infers it from the quotes (Lee and Ready 1991)"
    return (
        f"{share}: inferred for {quoted + ticked}, {quoted} by the quotes and {ticked} by the price before "
        f"({one['inferred_buys']} buys), {absent - quoted - ticked} stay unknown"
    )


@jit.kernel
def _infer(events, wanted, memory, counts):
    for k in range(len(events)):
        event = events[k]
        twice_mid, twice_last, direction = memory[event.instrument]
        if event.kind != schema.TRADE:
            memory[event.instrument, 0] = event.lo_tick + event.hi_tick if event.kind == schema.QUOTE else 0
            continue
        twice_px = event.lo_tick + event.hi_tick
        if twice_last and twice_px != twice_last:
            direction = np.int64(np.sign(twice_px - twice_last))
        memory[event.instrument, 1], memory[event.instrument, 2] = twice_px, direction
        if event.side != schema.UNKNOWN:
            continue
        by_quote = np.int64(np.sign(twice_px - twice_mid)) if twice_mid else 0
        side = by_quote if by_quote else direction
        if not wanted or side == 0:
            counts[event.instrument, _LEFT] += 1
            continue
        event.side = side
        counts[event.instrument, _QUOTED if by_quote else _TICKED] += 1
        counts[event.instrument, _BUYS] += side > 0
