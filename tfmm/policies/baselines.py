"""The strategies a desk would run instead, fitted on train only.

Each is a function of the simulator's state: distances of ask and bid from the mid in ticks, NaN for no quote.
"""

import dataclasses

import numpy as np

from tfmm.simulation import kernel

HALF_SPREADS = (0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, 12.0, 16.0, 24.0, 32.0)
"""Candidates for fixed_spread, in mean half-spreads of the market on train."""


@dataclasses.dataclass(frozen=True)
class Baseline:
    """A named strategy with constant distances.

    Attributes:
        name: str. distance_tick: (N,) half-spread it quotes, NaN: does not quote. fitted: its parameters.
    """

    name: str
    distance_tick: np.ndarray
    fitted: dict

    def __call__(self, sim):
        """(B, N, 2) float64 ask and bid distance, ticks, for a simulator in `distances` mode."""
        out = np.empty((*sim.books.shape, 2))
        out[...] = self.distance_tick[:, np.newaxis]
        return out


def none(problem):
    """Does not quote."""
    return Baseline("none", np.full(len(problem.scales), np.nan), {})


def fixed_spread(problem):
    """Quotes mid +/- h; h is the candidate with the best objective on train, the same multiple for all instruments."""
    units = np.array([one.half_spread_tick for one in problem.scales])
    train = problem.segments["train"]
    windows = problem.windows(train)
    rows = len(HALF_SPREADS) * len(windows)
    multiple = np.repeat(HALF_SPREADS, len(windows))
    actions = np.broadcast_to((multiple[:, np.newaxis] * units)[..., np.newaxis], (rows, len(units), 2))
    sim = problem.simulator(train, rows, windows=np.tile(windows, (len(HALF_SPREADS), 1)), distances=True)
    total = run(sim, lambda _: actions).reshape(len(HALF_SPREADS), -1).sum(axis=1)
    best = int(np.argmax(total))
    return Baseline(
        "fixed_spread",
        HALF_SPREADS[best] * units,
        {
            "half_spreads_of_the_market": HALF_SPREADS[best],
            "half_spread_tick": (HALF_SPREADS[best] * units).tolist(),
            "train_objective_by_candidate": dict(zip(map(str, HALF_SPREADS), total.tolist(), strict=True)),
        },
    )


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
        total[open_rows] += sim.reward[open_rows]
        if after is not None:
            after(sim, open_rows)
        open_rows &= sim.step_type != kernel.LAST
    return total
