"""Windows played to their end by one rule."""

import numpy as np

from tfmm.simulation import kernel


def run(sim, act, after=None):
    """Plays one window in every row.

    Args:
        sim: Simulator with one window per row. act: simulator -> actions. after: called after every
            step with (simulator, rows still open at that step).

    Returns:
        (B,) float64 summed reward.
    """
    sim.reset()
    total, open_rows = np.zeros(len(sim.rows)), np.ones(len(sim.rows), bool)
    while open_rows.any():
        sim.step(act(sim))
        total += sim.reward * open_rows
        if after is not None:
            after(sim, open_rows)
        open_rows &= sim.step_type != kernel.LAST
    return total
