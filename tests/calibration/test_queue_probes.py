"""Fills of quotes that rest on a tape whose queues are known: at the best price each sixth trade fills."""

import numpy as np
import pandas as pd
import pytest

from tfmm.calibration import fill_probes, queue_probes
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market import schema, tape
from tfmm.market.ingest import store_writer
from tfmm.policies.baselines import bellman_queue, registry
from tfmm.simulation import rollout, sizes

SECONDS, SHOWN, EVERY_S = 6000, 5, 2
MARKET = np.dtype([("bid_tick", int), ("ask_tick", int), ("bid_size", float), ("ask_size", float), ("price_step", int)])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """Five are always displayed on both sides of a spread of one; each side trades one every other second."""
    ts = (np.arange(SECONDS) * 1e9).astype(np.int64)
    quotes = pd.DataFrame({"ts": ts, "bid": 100.0, "bid_size": SHOWN, "ask": 101.0, "ask_size": SHOWN}).astype(
        {"bid_size": float, "ask_size": float}
    )
    at = ts[::EVERY_S] + 500_000_000
    sides = [
        pd.DataFrame({"ts": at + side, "price": 100.5 + 0.5 * side, "size": 1.0, "side": side}) for side in (-1, 1)
    ]
    trades = pd.concat(sides).sort_values("ts")
    one = tape.Tape.from_frames(quotes, trades, schema.Instrument(symbol="SIM", tick_size=1.0, lot_size=1.0))
    folder = tmp_path_factory.mktemp("queue") / "store"
    store_writer.create(folder, one.instruments, iter([("day", one, {})]))
    return folder


def task_of(store, **rules):
    tree = {
        "data": {"store": str(store), "fractions": [0.6, 0.2, 0.2]},
        "environment": {"warmup_s": 1.0, "risk_aversion": 0.001},
        "rules": {"order_size": 1.0, "touch": "queue", **rules},
    }
    return tape_task.TapeTask.create(loading.decode(tree, "test"))


def fills_of_resting_quotes(distances, mean_rest, decisions=400_000):
    """Share of decisions with a fill at the best price, in plain Python; up to half a tick a quote is there."""
    random = np.random.default_rng(5)
    at_best = distances <= 0.5
    quoted = filled = ahead = 0
    was_there, over = False, True
    for k in range(decisions):
        if over or random.random() * mean_rest < 1.0:
            there = at_best[random.integers(len(distances))]
            ahead = ahead if there and was_there and not over else SHOWN
            was_there, over = there, False
        quoted += was_there
        if k % EVERY_S == 0 and was_there:
            over = ahead == 0
            filled += over
            ahead = max(0, ahead - 1)
    return filled / quoted


def test_fills_by_distance_are_those_of_quotes_that_rest(store):
    task = task_of(store)
    (one,) = fill_probes.probe(task)
    at_best = one.distance_tick <= 0.5
    wanted = fills_of_resting_quotes(fill_probes.distance_grid(task, 24)[:, 0], 60.0)
    share = np.average(one.fill_probability[at_best], weights=one.n_quotes[at_best])
    assert wanted == pytest.approx(0.07, abs=0.01)  # less than 1/12, which a quote that never leaves would have
    assert share == pytest.approx(wanted, rel=0.15)
    assert one.fill_probability[~at_best].max() == 0.0


def test_without_a_queue_a_distance_is_drawn_at_every_decision(store):
    """As before: each trade at the best price fills, every other second."""
    (one,) = fill_probes.probe(task_of(store, touch="always"))
    at_best = one.distance_tick <= 0.5
    assert np.average(one.fill_probability[at_best], weights=one.n_quotes[at_best]) == pytest.approx(0.5, abs=0.03)


def test_fills_by_place(store):
    """With nobody before us every other decision fills and earns half a tick; elsewhere none does."""
    ((cuts, queue),) = queue_probes.fit(task_of(store))
    market = queue_probes.markets(np.array((100, 101, 5.0, 5.0, 1), MARKET), cuts)
    fill = queue.outcome[market, market, :, -1]
    front = queue_probes.places(np.array([0.0]), np.array([False]), np.array([0]), cuts)[0]
    # the place holds as many sizes before us as the first cut has whole lots, and 0; the last of them is filled
    sizes_in_front = np.floor(cuts.ahead[0] / sizes.LOT) + 1
    assert fill[front] == pytest.approx(0.5 / sizes_in_front, rel=0.15)
    np.testing.assert_allclose(queue.gain[market], 0.5 * fill, atol=0.01)
    assert fill[[queue_probes.NEW, queue_probes.BEHIND, queue_probes.DEEP, queue_probes.NONE]].max() < 0.01
    np.testing.assert_allclose(queue.outcome.sum(axis=-1), 1.0)
    np.testing.assert_allclose(queue.drift, 0.0, atol=1e-12)


def test_the_policy_joins_and_stays_and_earns_what_the_queue_leaves(store):
    """Each sixth trade fills: in 1200 s of validation 600 trades a side, about 100 fills, half a tick each."""
    task = task_of(store, inventory_limit_orders=3)
    policy = {one.name: one for one in registry.fit_all(task)}["bellman_queue"]
    segments = task.segments["validation"]
    sim = task.backtest_simulator(segments, 1, windows=task.windows(segments), distances=True)
    rollout.run(sim, policy)
    fills = sim.instruments["n_fills"][0, 0]
    seconds = float(np.diff(task.windows(segments)[0, 1:])[0]) * 1e-9
    assert fills == pytest.approx(2 * seconds / EVERY_S / (SHOWN + 1), abs=4)
    one = sim.instruments[0, 0]
    assert one["cash"] + one["inventory_lot"] * 100.5 == pytest.approx(0.5 * fills)


def test_hedges_and_other_rules_have_no_queue(store):
    assert bellman_queue.fit(task_of(store, touch="always")) == ()
    assert bellman_queue.fit(task_of(store, hedge="limit")) == ()
