"""What one strategy did on one session of the tape."""

import dataclasses

from tfmm.arrays import Array, Floats, Floats32, Ints, Records
from tfmm.market.tape import Tape
from tfmm.simulation.exchange import rules as rules_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Backtest:
    """One policy on one segment.

    Attributes:
        session: name of the session.
        tape: Tape of the segment.
        span: (start_ns, stop_ns) of the decisions.
        schedule: (S,) replay.SCHEDULE, the quotes that were sent.
        fills: (K,) replay.FILLS.
        actions: (T, d) float32 in [-1, 1]; None for a baseline, which quotes distances.
        first_row: row of the session's tape at which `tape` begins.
        rules: the fill rules with the inventory limits in force.
        outcomes: what became of each side of each quote, see replay.Result; None where clients or hedges are drawn.
        positions: (N,) state.POSITION carried over from the trading period of the session before; None: it began flat.
        closing_px: (N,) mids at which that period ended; empty where it began flat.
        control_variate: ((T,) int64 ends of the decision intervals in ns, (T,) float64 money), see
            tfmm.backtest.control_variate; None where it is unknown.
    """

    session: str
    tape: Tape
    span: tuple[int, int]
    schedule: Records
    fills: Records
    actions: Floats32 | None = None
    first_row: int = 0
    rules: rules_lib.FillRules = dataclasses.field(default_factory=rules_lib.FillRules)
    outcomes: Array | None = None
    control_variate: tuple[Ints, Floats] | None = None
    positions: Records | None = None
    closing_px: tuple[float, ...] = ()

    def opening(self, instrument: int) -> tuple[float, float]:
        """(inventory in size units, mid at which it was valued last) that an instrument begins with."""
        if self.positions is None:
            return 0.0, float("nan")
        lots = float(self.positions["inventory_lot"][instrument])
        return lots * self.tape.instruments[instrument].lot_size, self.closing_px[instrument]
