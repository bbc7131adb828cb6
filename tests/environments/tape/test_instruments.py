"""Instruments that are only seen, and quotes around a synthetic market: worked numbers on two instruments."""

import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.backtest import closed_loop
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market import schema, tape
from tfmm.market.ingest import store_writer
from tfmm.policies.baselines import registry

SECONDS = 900
REAL = schema.Instrument(symbol="REAL", tick_size=0.01)
SYNTHETIC = schema.Instrument(symbol="SYN", tick_size=0.005)


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    """REAL at 99.95/100.05 and its synthetic quotes, which move between 99.9/100.0 and 100.0/100.1 each minute."""
    path = tmp_path_factory.mktemp("markets") / "store"

    def sessions():
        for day in range(3):
            ts = (day * 86_400 + np.arange(SECONDS)) * 10**9
            low = np.where(np.arange(SECONDS) // 60 % 2, 100.0, 99.9)
            real = pd.DataFrame({"ts": ts, "bid": 99.95, "bid_size": 5.0, "ask": 100.05, "ask_size": 5.0})
            other = pd.DataFrame({"ts": ts + 1, "bid": low, "bid_size": 5.0, "ask": low + 0.1, "ask_size": 5.0})
            side = np.where(np.arange(SECONDS) % 2, 1, -1)
            trades = pd.DataFrame({"ts": ts + 5, "price": 100.0 + 0.2 * side, "size": 1.0, "side": side})
            none = trades.iloc[:0]
            parts = [tape.Tape.from_frames(real, trades, REAL), tape.Tape.from_frames(other, none, SYNTHETIC)]
            yield f"day{day}", tape.Tape.merge(parts), {}

    store_writer.create(path, [REAL, SYNTHETIC], sessions())
    return path


def task_of(store, rows=2, **environment):
    tree = {
        "data": {"store": str(store)},
        "rules": {"order_size": 1.0},
        "environment": {
            "synthetic": {"REAL": "SYN"}, "rows": rows, "window_s": 300.0, "warmup_s": 5.0, "action": "offsets",
            "offset_range": [0.0, 4.0], "features": ["inventory", "synthetic_deviation"], **environment,
        },
    }  # fmt: skip
    return tape_task.TapeTask.create(loading.decode(tree, "test"))


def sent_after(task, seconds):
    """(order of REAL, observation) of row 0, quoting 4 x .25 = 1 and 4 x .5 = 2 half-spreads away."""
    windows = task.windows(task.segments["train"])[:1]
    sim = task.backtest_simulator(task.segments["train"], 1, windows=windows)
    sim.reset()
    for _ in range(seconds):
        sim.step(np.array([[-0.5, 0.0]]))
    return sim.sent[0, 0], task.observe(sim)[0]


def test_only_the_real_one_is_quoted_and_seen(store):
    task = task_of(store)
    assert task.action_names == ("ask_offset", "bid_offset")
    assert task.feature_names == ("inventory", "synthetic_deviation")
    assert task.parameters["quoted"].tolist() == [1, 0]
    env = task.environment("train", 2, seed=0)
    env.reset()
    for _ in range(30):
        env.step(np.zeros((2, 2), np.float32))
    assert not env.simulator.sent["bid_lot"][:, 1].any()
    assert not env.simulator.instruments["n_fills"][:, 1].any()


# the first window starts 5 s into the session, so after 30 steps the synthetic mid is 99.95, after 70 it is 100.05;
# half the spread of REAL is 5 ticks: 100.00 - 99.95 is one of them
@pytest.mark.parametrize(("seconds", "deviation"), [(30, 1.0), (70, -1.0)])
def test_deviation_by_hand(store, seconds, deviation):
    assert sent_after(task_of(store), seconds)[1].tolist() == [0.0, deviation]


@pytest.mark.parametrize(
    ("reference", "seconds", "ask", "bid"),
    [
        ("mid", 30, 100.05, 99.90),  # 100.00 + 1 x .05, 100.00 - 2 x .05
        ("touch", 30, 100.10, 99.85),  # 100.05 + .05, 99.95 - .10
        ("synthetic", 30, 100.00, 99.85),  # 99.95 + .05, 99.95 - .10
        ("synthetic", 70, 100.10, 99.95),
    ],
)
def test_references_by_hand(store, reference, seconds, ask, bid):
    order, _ = sent_after(task_of(store, reference_price=reference), seconds)
    assert order["ask_tick"] * 0.01 == pytest.approx(ask)
    assert order["bid_tick"] * 0.01 == pytest.approx(bid)


def test_backtests_of_policies_and_baselines(store):
    task = task_of(store)
    (run,) = closed_loop.run(task, "test", lambda sim: np.full((1, 2), -0.5), False, "x")
    assert set(run.fills["instrument"]) == {0}
    known = {one.name: one for one in registry.fit_all(task)}
    (run,) = closed_loop.run(task, "test", known["bellman"], True, "bellman")
    # trades print .2 from the mid: whoever quotes inside is filled by each of them
    assert len(run.fills) > 500


def test_quoting_both_and_naming_wrong_ones(store):
    assert task_of(store, quoted=["SYN"], features=["inventory"]).action_names == ("ask_offset", "bid_offset")
    for environment, text in (
        ({"quoted": ["NONE"]}, r"environment\.quoted: NONE is not in the store, wanted some of REAL, SYN"),
        ({"synthetic": {"REAL": "XYZ"}}, r"environment\.synthetic: XYZ"),
        ({"synthetic": {}, "reference_price": "synthetic", "quoted": ["REAL"]}, "REAL has no entry"),
    ):
        with pytest.raises(errors.ConfigError, match=text):
            task_of(store, **environment)


def test_distances_in_spreads_of_the_moment(store):
    """1 and 2 half-spreads of .05 each, not the mean of train."""
    task = task_of(store, distance_unit="spread")
    assert task.parameters["unit_tick"][0] == 0.0
    order, _ = sent_after(task, 30)
    assert order["ask_tick"] * 0.01 == pytest.approx(100.05)
    assert order["bid_tick"] * 0.01 == pytest.approx(99.90)


def test_a_store_without_trades_is_for_clients_alone(tmp_path):
    """As of FX ticks: what the tape should fill is refused, clients alone are welcome."""
    path = tmp_path / "store"

    def sessions():
        for day in range(3):
            ts = (day * 86_400 + np.arange(SECONDS)) * 10**9
            quotes = pd.DataFrame({"ts": ts, "bid": 99.95, "bid_size": 5.0, "ask": 100.05, "ask_size": 5.0})
            trades = pd.DataFrame({"ts": ts[:0], "price": 1.0, "size": 1.0, "side": 1})
            yield f"day{day}", tape.Tape.from_frames(quotes, trades, REAL), {}

    store_writer.create(path, [REAL], sessions())
    tree = {
        "data": {"store": str(path)}, "environment": {"window_s": 60.0, "warmup_s": 10.0},
        "rules": {"order_size": 1.0},
    }  # fmt: skip
    with pytest.raises(errors.DataError, match="train has no trades of REAL, which fills of the tape want"):
        tape_task.TapeTask.open(loading.decode(tree, "test"))
    tree["rules"]["tape_fills"] = False
    tree["clients"] = {"rate_s": 1.0}
    assert tape_task.TapeTask.open(loading.decode(tree, "test")).segments["train"]
