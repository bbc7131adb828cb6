"""What quotes at random distances did on train, under the fill rules in force: the raw material of fitted baselines."""

from typing import NamedTuple

import numpy as np
from scipy import optimize

from tfmm.calibration import fill_intensity
from tfmm.models import inventory
from tfmm.simulation import rollout, state

_GRID = 24
_STRETCH_S = 600.0
_MOST_DECISIONS = 300_000
_FEWEST_QUOTES = 30
_SELL, _BUY = 0, 1


class Measured(NamedTuple):
    """Of one instrument.

    distance_tick: (J,) tried. n: (J,) quotes at each, both sides. chance: (J,) fills per decision, never rising with
    distance. gain: (J,) tick x order per decision, marked to the mid at its end, after fees.
    law: intensity.Intensity of the distance in ticks, None where fills do not tell.
    """

    distance_tick: np.ndarray
    n: np.ndarray
    chance: np.ndarray
    gain: np.ndarray
    law: fill_intensity.Intensity | None

    def facts(self):
        """JSON-able parameters of the law; distances in ticks, 95 % intervals."""
        if self.law is None:
            return {}
        return {
            "fill_rate_per_s": self.law.rate,
            "fill_rate_interval": list(self.law.rate_interval),
            "decay_per_tick": self.law.decay,
            "decay_interval": list(self.law.decay_interval),
            "fills": self.law.fills,
            "dispersion": self.law.dispersion,
            "p_value": self.law.p_value,
        }


def grid(task, count):
    """(count, N) distances from the mid, ticks, in even ratios from half the market's half-spread to 32 of them, or
    to 8 standard deviations of the mid over a decision interval where that is wider."""
    units = np.array([one.half_spread_tick for one in task.scales])
    moves = np.array([one.sigma_tick for one in task.scales]) * np.sqrt(task.config.environment.interval_s)
    return np.geomspace(0.5, max(32.0, 8.0 * float((moves / units).max())), count)[:, np.newaxis] * units


def measure(task, seed=0):
    """Quotes both sides of every instrument at random distances through train, or through an even part of it.

    Returns:
        One Measured per instrument.
    """
    train, tried = task.segments["train"], grid(task, _GRID)
    interval_s = task.config.environment.interval_s
    windows = task.windows(train, max(_STRETCH_S, 4.0 * interval_s))
    steps = (windows[:, 2] - windows[:, 1]) * 1e-9 / interval_s
    kept = max(1, min(len(windows), int(_MOST_DECISIONS / steps.mean())))
    windows = windows[np.linspace(0, len(windows) - 1, kept).astype(int)]
    sim = task.simulator(train, kept, windows=windows, distances=True, record=True, limited=False)
    random, shape = np.random.default_rng(seed), (*sim.books.shape, 2)
    instruments = np.arange(shape[1])[:, np.newaxis]
    now, log = {}, []

    def act(one):
        now["place"] = random.integers(0, _GRID, shape)
        now["mid"], now["ts"] = _mid(one), one.rows["ts"].copy()
        now["market"] = (one.books["has_market"] > 0) & (task.parameters["quoted"] > 0)
        return tried[now["place"], instruments]

    def after(one, open_rows):
        entry = np.zeros(shape, _QUOTE)
        entry["place"] = now["place"]
        entry["distance"] = np.stack([one.sent["ask_tick"] - now["mid"], now["mid"] - one.sent["bid_tick"]], axis=-1)
        entry["seconds"] = ((one.rows["ts"] - now["ts"]) * 1e-9)[:, np.newaxis, np.newaxis]
        entry["stretch"] = np.arange(kept)[:, np.newaxis, np.newaxis]
        entry["instrument"] = instruments
        _add_fills(entry, one, task)
        log.append(entry[open_rows[:, np.newaxis] & now["market"]].reshape(-1))

    rollout.run(sim, act, after)
    quotes = np.concatenate(log)
    return tuple(_summary(tried[:, n], quotes[quotes["instrument"] == n]) for n in range(shape[1]))


def solve(task, n, one, hedge):
    """models.inventory.Solution, tick x order, of instrument n with the Measured fills of it; hedge: inventory.Hedge or
    None."""
    return inventory.solve(one.chance, one.gain, task.holding_cost(n), hedge=hedge)


_QUOTE = np.dtype(
    [
        ("place", np.int32),
        ("instrument", np.int32),
        ("stretch", np.int32),
        ("filled", bool),
        ("distance", np.float32),
        ("gain", np.float32),
        ("seconds", np.float32),
    ]
)


def _mid(sim):
    return 0.5 * (sim.books["bid_tick"] + sim.books["ask_tick"])


def _add_fills(entry, sim, task):
    """Marks what the fills of a step did to its quotes (B, N, 2)."""
    fills = sim.fills[sim.fills["rule"] != state.HEDGE]
    place = fills["batch_row"], fills["instrument"], np.where(fills["side"] > 0, _BUY, _SELL)
    n = fills["instrument"]
    order, weight = task.parameters["order_lot"][n], task.parameters["weight"][n]
    earned = fills["side"] * (_mid(sim)[place[:2]] - fills["tick"]) * fills["lot"] - fills["fee"] / weight
    entry["filled"][place] = True
    np.add.at(entry["gain"], place, earned / order)


def _summary(tried, quotes):
    n = np.bincount(quotes["place"], minlength=len(tried))
    known = np.maximum(n, 1)
    chance = np.bincount(quotes["place"], quotes["filled"], len(tried)) / known
    falling = optimize.isotonic_regression(chance, weights=known, increasing=False).x
    gain = np.bincount(quotes["place"], quotes["gain"], len(tried)) / known
    enough = n >= _FEWEST_QUOTES
    law = fill_intensity.fit(quotes["distance"], quotes["filled"], quotes["seconds"], quotes["stretch"])
    return Measured(tried[enough], n[enough], falling[enough], gain[enough], law)
