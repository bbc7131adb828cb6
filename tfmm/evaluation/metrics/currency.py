"""Money of an instrument that is quoted in another currency than the accounts are kept in.

Profits stay in the quote currency and are converted at R, the mid of the rate's instrument on the same tape: with cash
C, inventory Q and mid M, wealth is R (C + Q M) at every time, so earlier profits move with the rate too. Captured
spread and fees are converted at the rate of their fill; later changes of the rate are part of inventory_pnl.
"""

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.market import schema
from tfmm.market.tape import Tape


class Rate:
    """Accounting currency per unit of an instrument's quote currency.

    Attributes:
        ts: (K,) int64 ns at which it changes, empty where it is always 1.
    """

    def __init__(self, tape: Tape, instrument: int) -> None:
        self.ts, self._px = np.zeros(0, np.int64), np.ones(1)
        if instrument in tape.rates:
            number = tape.rates[instrument]
            quotes = tape.events[(tape.events["instrument"] == number) & (tape.events["kind"] == schema.QUOTE)]
            tick = tape.instruments[number].tick_size
            self.ts, self._px = quotes["ts"], 0.5 * (quotes["lo_tick"] + quotes["hi_tick"]) * tick

    def __call__(self, times: Ints) -> Floats:
        """(T,) rates at given times: the last one with ts <= t, and the first one before any."""
        if not len(self.ts):
            return np.ones(np.shape(times))
        return self._px[np.maximum(np.searchsorted(self.ts, times, side="right") - 1, 0)]
