"""Fills by distance, measured on tapes whose fill intensity is known."""

import numpy as np
import pandas as pd
import pytest

from tfmm.calibration import fill_intensity, fill_probes
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market import schema, tape
from tfmm.market.ingest import store_writer
from tfmm.policies.baselines import inventory_tables, registry

RATE, DECAY, SECONDS = 0.4, 1.0 / 40.0, 4000
MID = 10_000


def exponential_tape(seed):
    """Clients hit each side at rate A and eat through to an exponential depth: a quote at d is hit at A exp(-k d)."""
    random = np.random.default_rng(seed)
    parts = []
    for side in (1, -1):
        ts = np.cumsum(random.exponential(1.0 / RATE, int(RATE * SECONDS * 2)))
        ts = ts[ts < SECONDS]
        depth = np.floor(random.exponential(1.0 / DECAY, len(ts))) + 1.0  # beyond d just where the real depth is
        parts.append(pd.DataFrame({"ts": ts, "price": MID + side * depth, "size": 1.0, "side": side}))
    trades = pd.concat(parts).sort_values("ts")
    trades["ts"] = (trades["ts"] * 1e9).astype(np.int64)
    times = np.arange(SECONDS) * 10**9
    ask = MID + 4.0 + (np.arange(SECONDS) % 2)
    quotes = pd.DataFrame({"ts": times, "bid": 2 * MID - ask, "bid_size": 1.0, "ask": ask, "ask_size": 1.0})
    return tape.Tape.from_frames(quotes, trades, schema.Instrument(symbol="SIM", tick_size=1.0, lot_size=1.0))


def exponential_task(path, seed, **rules):
    one = exponential_tape(seed)
    store_writer.create(path, one.instruments, iter([("day", one, {})]))
    tree = {
        "data": {"store": str(path), "fractions": [0.8, 0.1, 0.1]},
        "environment": {"warmup_s": 1.0},
        "rules": {"order_size": 1.0, **rules},
    }
    return tape_task.TapeTask.create(loading.decode(tree, "test"))


def test_A_and_k_are_recovered_inside_their_intervals(tmp_path):
    """95 % intervals of A and of k hold the truth for at least 18 of 20 tapes."""
    hits, fits = np.zeros(2, int), 0
    for seed in range(20):
        (one,) = fill_probes.probe(exponential_task(tmp_path / str(seed), seed), seed)
        low, high = one.intensity.A_interval
        hits[0] += low <= RATE <= high
        low, high = one.intensity.k_interval
        hits[1] += low <= DECAY <= high
        fits += one.intensity.p_value > 0.01
        assert pytest.approx(RATE, rel=0.25) == one.intensity.A
    assert (hits >= 18).all(), hits
    assert fits >= 18


def test_fill_probabilities_and_gains_are_the_exact_ones(tmp_path):
    task = exponential_task(tmp_path / "one", 1, maker_fee_bps=5.0)
    (one,) = fill_probes.probe(task)
    fill_probability = 1.0 - np.exp(-RATE * np.exp(-DECAY * one.distance_tick))
    error = np.sqrt(fill_probability * (1.0 - fill_probability) / one.n_quotes)
    assert (np.abs(one.fill_probability - fill_probability) < 4.0 * error + 0.01).all()
    assert (np.diff(one.fill_probability) <= 0).all()
    # the mid stands still: a fill earns its distance less 5 bp of the price, 5 ticks
    np.testing.assert_allclose(one.gain, one.fill_probability * (one.distance_tick - 5.0), atol=0.8)


def test_fitted_baselines_use_the_intensity_and_lean_against_inventory(tmp_path):
    task = exponential_task(tmp_path / "one", 2)
    known = {one.name: one for one in registry.fit_all(task)}
    assert list(known) == [
        "none",
        "fixed_spread",
        "linear_skew",
        "avellaneda_stoikov",
        "glft",
        "bellman",
        "alpha_skew",
        "alpha_skew_floor",
    ]
    for name in ("avellaneda_stoikov", "glft", "bellman"):
        ask, bid = known[name].tables[0, 1:-1].T
        assert (np.diff(ask) <= 0).all()
        assert (np.diff(bid) >= 0).all()
        # an income of A exp(-k d) d is largest at 1 / k; in steps of a second, a little further out
        assert 0.6 / DECAY < ask[9] < 1.6 / DECAY
    assert known["glft"].fitted["intensity"][0]["decay_per_tick"] == pytest.approx(DECAY, rel=0.2)


def test_too_few_fills_leave_an_instrument_without_an_intensity(tmp_path):
    task = exponential_task(tmp_path / "one", 3, order_size=1.0, latency_s=3.0)
    quiet = fill_probes._summary(np.array([1.0, 2.0]), np.zeros(100, fill_probes._QUOTE))
    assert quiet.intensity is None
    one = inventory_tables.glft(task, (quiet,))
    assert np.isnan(one.tables).all()


def test_a_single_stretch_has_errors_too():
    random = np.random.default_rng(0)
    distance = random.uniform(1.0, 80.0, 4000)
    filled = random.random(4000) < 1.0 - np.exp(-RATE * np.exp(-DECAY * distance))
    one = fill_intensity.fit(distance, filled, 1.0, np.zeros(4000))
    assert one.A_interval[0] < RATE < one.A_interval[1]
    assert one.k_interval[0] < DECAY < one.k_interval[1]
