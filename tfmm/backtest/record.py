"""What one strategy did on one session of the tape."""

import dataclasses

import numpy as np

from tfmm.simulation.exchange import rules as rules_lib


@dataclasses.dataclass(frozen=True, eq=False)
class Backtest:
    """One policy on one segment.

    Attributes:
        tape: Tape of the segment. span: (start_ns, stop_ns) of the decisions. schedule: schedule.SCHEDULE
        sent. fills: schedule.FILLS. actions: (T, d) float32 in [-1, 1], or None for a baseline.
        first_row: row of the session's tape that this tape begins with. rules: FillRules.
        outcomes: see schedule.Result, or None where fills were drawn.
        luck: ((T,) int64 ends of the decisions' intervals, ns, (T,) float64 money of tfmm.backtest.control_variate), or
        None.
    """

    session: str
    tape: object
    span: tuple
    schedule: np.ndarray
    fills: np.ndarray
    actions: np.ndarray | None = None
    first_row: int = 0
    rules: rules_lib.FillRules = dataclasses.field(default_factory=rules_lib.FillRules)
    outcomes: np.ndarray | None = None
    luck: tuple | None = None
