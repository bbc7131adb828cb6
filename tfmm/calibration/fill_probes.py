"""Fills of quotes at random distances on train, under the fill rules in force: what fitted baselines are made of."""

from typing import Any, NamedTuple

import numpy as np
from scipy import optimize

from tfmm.arrays import Floats, Ints
from tfmm.calibration import fill_intensity
from tfmm.calibration.task import TapeTask
from tfmm.models import inventory
from tfmm.simulation import rollout, state

_N_DISTANCES = 24
_STRETCH_S = 600.0
_MAX_DECISIONS = 300_000
_MIN_QUOTES = 30
_MEAN_REST = 60.0
_SELL, _BUY = 0, 1


class ProbedFills(NamedTuple):
    """Fills of one instrument by distance, both sides together.

    Attributes:
        distance_tick: (J,) float64 distances from the mid. n_quotes: (J,) int64 at each distance.
        fill_probability: (J,) float64 of a quote within a decision interval, not increasing in the distance.
        gain: (J,) float64, tick x order per decision: fills marked to the mid at the interval's end, after fees.
        intensity: of the distance in ticks; None where it cannot be estimated.
    """

    distance_tick: Floats
    n_quotes: Ints
    fill_probability: Floats
    gain: Floats
    intensity: fill_intensity.FillIntensity | None

    def facts(self) -> dict[str, Any]:
        """JSON-able parameters of the intensity, distances in ticks, intervals of 95 %; empty without an intensity."""
        if self.intensity is None:
            return {}
        return {
            "fill_rate_per_s": self.intensity.A,
            "fill_rate_interval": list(self.intensity.A_interval),
            "decay_per_tick": self.intensity.k,
            "decay_interval": list(self.intensity.k_interval),
            "fills": self.intensity.n_fills,
            "dispersion": self.intensity.dispersion,
            "p_value": self.intensity.p_value,
        }


def distance_grid(task: TapeTask, count: int) -> Floats:
    """(count, N) float64 distances from the mid, ticks, in equal ratios.

    The smallest is half of the instrument's mean half-spread, the largest 32 half-spreads, or 8 standard deviations of
    the mid over a decision interval where that is wider.
    """
    units = np.array([scale.half_spread_tick for scale in task.scales])
    moves = np.array([scale.sigma_tick for scale in task.scales]) * np.sqrt(task.config.environment.interval_s)
    return np.geomspace(0.5, max(32.0, 8.0 * float((moves / units).max())), count)[:, np.newaxis] * units


def stretches(task: TapeTask, stretch_s: float, most_decisions: int) -> Ints:
    """(W, 3) int64 windows of train that probes go through: all of them, or an even choice of so many decisions.

    Args:
        stretch_s: length of a window, or four decision intervals where these are longer.
    """
    interval_s = task.config.environment.interval_s
    windows = task.windows(task.segments["train"], max(stretch_s, 4.0 * interval_s))
    steps = (windows[:, 2] - windows[:, 1]) * 1e-9 / interval_s
    count = max(1, min(len(windows), int(most_decisions / steps.mean())))
    return windows[np.linspace(0, len(windows) - 1, count).astype(int)]


def probe(task: TapeTask, seed: int = 0) -> tuple[ProbedFills, ...]:
    """Quotes both sides of every instrument at random distances through train, or through an even part of it.

    A distance is drawn at every decision. With touch = "queue", where a quote that never rests stays last in its
    queue, it is kept for a geometric number of decisions, 60 on average, or until a fill, as a policy keeps it whose
    quotes depend on the inventory alone.

    Returns:
        One ProbedFills per instrument.
    """
    train, tried = task.segments["train"], distance_grid(task, _N_DISTANCES)
    windows = stretches(task, _STRETCH_S, _MAX_DECISIONS)
    n_windows = len(windows)
    sim = task.probe_simulator(train, windows, record=True)
    random, shape = np.random.default_rng(seed), (*sim.instruments.shape, 2)
    instruments = np.arange(shape[1])[:, np.newaxis]
    decision: dict[str, Any] = {"index": np.zeros(shape, np.int64), "over": np.ones(shape, bool)}
    log, rests = [], task.config.rules.touch == "queue"

    def act(now):
        drawn = random.integers(0, _N_DISTANCES, shape)
        renewed = decision["over"] | (random.random(shape) * _MEAN_REST < 1.0) if rests else True
        decision["index"] = np.where(renewed, drawn, decision["index"])
        decision["mid"], decision["ts"] = _mid(now), now.rows["ts"].copy()
        decision["quoted"] = (now.instruments["has_market"] > 0) & (task.parameters["quoted"] > 0)
        return tried[decision["index"], instruments]

    def after(now, open_rows):
        entry, mid = np.zeros(shape, _QUOTE), decision["mid"]
        entry["index"] = decision["index"]
        entry["distance"] = np.stack([now.sent["ask_tick"] - mid, mid - now.sent["bid_tick"]], axis=-1)
        entry["seconds"] = ((now.rows["ts"] - decision["ts"]) * 1e-9)[:, np.newaxis, np.newaxis]
        entry["stretch"] = np.arange(n_windows)[:, np.newaxis, np.newaxis]
        entry["instrument"] = instruments
        _add_fills(entry, now, task)
        decision["over"] = entry["filled"]
        log.append(entry[open_rows[:, np.newaxis] & decision["quoted"]].reshape(-1))

    rollout.run(sim, act, after)
    quotes = np.concatenate(log)
    return tuple(_summary(tried[:, n], quotes[quotes["instrument"] == n]) for n in range(shape[1]))


def solve(task: TapeTask, n: int, fills: ProbedFills, hedge: inventory.Hedge | None) -> inventory.Solution:
    """The optimal policy of instrument n, tick x order, if its quotes are filled as the probes were."""
    return inventory.solve(fills.fill_probability, fills.gain, task.costs.holding_cost(n), hedge=hedge)


_QUOTE = np.dtype(
    [
        ("index", np.int32),
        ("instrument", np.int32),
        ("stretch", np.int32),
        ("filled", bool),
        ("distance", np.float32),
        ("gain", np.float32),
        ("seconds", np.float32),
    ]
)


def _mid(sim):
    return 0.5 * (sim.instruments["bid_tick"] + sim.instruments["ask_tick"])


def _add_fills(entry, sim, task):
    """Adds the fills of a step to its quotes (B, N, 2)."""
    fills = sim.fills[sim.fills["rule"] != state.HEDGE]
    index = fills["batch_row"], fills["instrument"], np.where(fills["side"] > 0, _BUY, _SELL)
    n = fills["instrument"]
    order, weight = task.parameters["order_lot"][n], task.parameters["weight"][n]
    earned = fills["side"] * (_mid(sim)[index[:2]] - fills["tick"]) * fills["lot"] - fills["fee"] / weight
    entry["filled"][index] = True
    np.add.at(entry["gain"], index, earned / order)


def _summary(tried, quotes):
    n_quotes = np.bincount(quotes["index"], minlength=len(tried))
    weights = np.maximum(n_quotes, 1)
    share = np.bincount(quotes["index"], quotes["filled"], len(tried)) / weights
    fill_probability = optimize.isotonic_regression(share, weights=weights, increasing=False).x
    gain = np.bincount(quotes["index"], quotes["gain"], len(tried)) / weights
    enough = n_quotes >= _MIN_QUOTES
    intensity = fill_intensity.fit(quotes["distance"], quotes["filled"], quotes["seconds"], quotes["stretch"])
    return ProbedFills(tried[enough], n_quotes[enough], fill_probability[enough], gain[enough], intensity)
