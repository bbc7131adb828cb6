"""The strategies a desk would run instead, fitted on train only.

Each is a function of the simulator's state: distances of ask and bid from the mid in ticks, NaN for no quote.
"""

import dataclasses

import numpy as np

from tfmm.simulation import kernel

CANDIDATES = 14
"""Half-spreads tried for fixed_spread."""


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


def candidates(problem):
    """(CANDIDATES, N) half-spreads tried for fixed_spread, ticks.

    They run in even ratios from half the market's half-spread to 32 of them, or to 8 standard
    deviations of the mid over a decision interval where that is wider.
    """
    units = np.array([one.half_spread_tick for one in problem.scales])
    moves = np.array([one.sigma_tick for one in problem.scales]) * np.sqrt(problem.config.environment.interval_s)
    return np.geomspace(0.5, max(32.0, 8.0 * float((moves / units).max())), CANDIDATES)[:, np.newaxis] * units


def fixed_spread(problem):
    """Quotes mid +/- h, h the candidate with the best objective on train."""
    tried = candidates(problem)
    train = problem.segments["train"]
    windows = problem.windows(train)
    rows = CANDIDATES * len(windows)
    distances = np.repeat(tried, len(windows), axis=0)
    actions = np.broadcast_to(distances[..., np.newaxis], (*distances.shape, 2))
    sim = problem.simulator(train, rows, windows=np.tile(windows, (CANDIDATES, 1)), distances=True)
    total = run(sim, lambda _: actions).reshape(CANDIDATES, -1).sum(axis=1)
    best = tried[int(np.argmax(total))]
    return Baseline("fixed_spread", best, {"half_spread_tick": best.tolist()})


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
