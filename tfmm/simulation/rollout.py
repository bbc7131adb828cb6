"""Windows stepped to their end with one policy."""

from collections.abc import Callable
from typing import Any

import numpy as np

from tfmm.arrays import Array, Bools, Floats, Records
from tfmm.simulation import kernel


def run(
    sim: Any,
    act: Callable[[Any], Array],
    after: Callable[[Any, Bools], None] | None = None,
    positions: Records | None = None,
) -> Floats:
    """Steps one window in every row to its end.

    Args:
        sim: Simulator with one window per row. act: returns the actions of a simulator.
        after: called after every step with the simulator and (B,) the rows that were open at that step.
        positions: (B, N) state.POSITION that the windows begin with; None: flat.

    Returns:
        (B,) float64 summed reward.
    """
    sim.reset()
    if positions is not None:
        sim.hold(positions)
    total, open_rows = np.zeros(len(sim.rows)), np.ones(len(sim.rows), bool)
    while open_rows.any():
        sim.step(act(sim))
        total += sim.reward * open_rows
        if after is not None:
            after(sim, open_rows)
        open_rows &= sim.step_type != kernel.LAST
    return total
