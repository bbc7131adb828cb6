"""Action `ticks`: whole steps behind the best price, the place of a quote that rests, and what is seen of queues."""

import math
import tomllib

import msgspec
import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.calibration import scales as scales_lib
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market import schema, splits, tape
from tfmm.simulation import sizes
from tfmm.simulation.dealer import features, quoting

LOW, HIGH, KEEP = -2.0, 2.0, 0.2


def task_of(small_config, **environment):
    tree = tomllib.loads(loading.dumps(small_config))
    tree["environment"] |= {"action": "ticks", "tick_range": [LOW, HIGH], "keep_ticks": KEEP} | environment
    tree["rules"]["touch"] = "queue"
    return tape_task.TapeTask.create(loading.decode(tree, "test"))


def steps_behind(component, spread, live):
    """In words of the setting: never at the other side; what rests within half a step and KEEP stays."""
    wanted = max(LOW + (component + 1.0) / 2.0 * (HIGH - LOW), 1.0 - spread)
    if live is not None and abs(live - wanted) <= 0.5 + KEEP:
        return live
    return math.floor(wanted + 0.5)


def test_prices_are_those_of_plain_python(small_config):
    task, random, kept = task_of(small_config), np.random.default_rng(1), 0
    sim = task.training_simulator(task.segments["train"], 4)
    sim.reset()
    for _ in range(300):
        before, done = sim.instruments[:, 0].copy(), sim.rows["done"].copy()
        action = random.uniform(-1.0, 1.0, (4, 2))
        sim.step(action)
        for b in np.flatnonzero((before["has_market"] > 0) & (done == 0)):
            one, (ask, bid) = before[b], action[b]
            spread = one["ask_tick"] - one["bid_tick"]
            live_ask = one["my_ask_tick"] - one["ask_tick"] if one["my_ask_lot"] else None
            live_bid = one["bid_tick"] - one["my_bid_tick"] if one["my_bid_lot"] else None
            assert sim.sent["ask_tick"][b, 0] == one["ask_tick"] + steps_behind(ask, spread, live_ask)
            assert sim.sent["bid_tick"][b, 0] == one["bid_tick"] - steps_behind(bid, spread, live_bid)
            kept += sim.sent["ask_tick"][b, 0] == one["my_ask_tick"]
    assert kept > 100


def test_a_noisy_action_keeps_its_place(small_config):
    """Of noise of .6 steps about the best price nothing is left while the market stands still."""
    task, random = task_of(small_config, tick_range=[-1.0, 1.0], keep_ticks=0.25), np.random.default_rng(0)
    sim = task.training_simulator(task.segments["train"], 8)
    sim.reset()
    sim.step(np.zeros((8, 2)))
    moved = still = 0
    for _ in range(200):
        before, done = sim.instruments[:, 0].copy(), sim.rows["done"].copy()
        sim.step(random.uniform(-0.6, 0.6, (8, 2)))
        resting = (done == 0) & (before["my_bid_lot"] > 0) & (before["my_bid_tick"] == before["bid_tick"])
        still += resting.sum()
        moved += (resting & (sim.sent["bid_tick"][:, 0] != before["my_bid_tick"])).sum()
    assert (moved, still > 300) == (0, True)


@pytest.mark.parametrize(
    ("wanted", "live", "steps"),
    [
        (0.4, None, 0),
        (0.5, None, 1),
        (-0.5, None, 0),
        (0.7, 0, 0),
        (0.71, 0, 1),
        (0.3, 1, 1),
        (0.29, 1, 0),
        (1.6, 0, 2),
    ],
)
def test_steps_by_hand(wanted, live, steps):
    assert quoting.price_on_steps(wanted, live or 0, live is not None, 0.2 + 1e-12) == steps


def test_a_reversed_range_is_refused(small_config):
    with pytest.raises(errors.ConfigError, match=r"environment\.tick_range is \[3, 1\], wanted the smaller first"):
        task_of(small_config, tick_range=[3.0, 1.0])


def test_sizes_of_train_and_what_is_seen_of_queues():
    """Displayed 10 and 30 for 3 s, 30 and 50 for 1 s: a mean of (20 x 3 + 40) / 4 = 25, in lots of 5: 5. Traded 8 + 12
    in 4 s: 2.5 a second and side, .5 lots."""
    quotes = pd.DataFrame(
        {"ts": [0, 3 * 10**9, 4 * 10**9], "bid": 99.0, "bid_size": [10.0, 30.0, 1.0], "ask": 101.0,
         "ask_size": [30.0, 50.0, 1.0]}
    )  # fmt: skip
    trades = pd.DataFrame({"ts": [10**9, 2 * 10**9], "price": 101.0, "size": [8.0, 12.0], "side": 1})
    one = tape.Tape.from_frames(quotes, trades, schema.Instrument(symbol="X", tick_size=1.0, lot_size=5.0))
    segment = splits.Segment("day", 0, len(one.events), 0, 4 * 10**9)
    (scale,) = scales_lib.calibrate(one.events, one.instruments, [segment], 5.0)
    assert (scale.touch_size_lot, scale.traded_lot_s) == (5.0, 0.5)


def test_features_by_hand(small_config):
    """20 lots of 4 at the touch: log 5. 30 lots before us, half a lot traded a second: 30 / (30 + 5)."""
    task = task_of(small_config)
    sim = task.training_simulator(task.segments["train"], 1)
    sim.reset()
    sim.step(np.zeros((1, 2)))
    one, parameters = sim.instruments[0, 0], sim.parameters[0].copy()
    parameters["touch_size_lot"], parameters["traded_lot_s"] = 4.0, 0.5
    one["bid_size"], one["ask_size"] = 20.0 * parameters["lot_size"], 4.0 * parameters["lot_size"]
    one["my_bid_lot"], one["bid_ahead"] = 1, 30 * sizes.LOT
    one["my_ask_lot"], one["ask_ahead"] = 1, sizes.UNKNOWN
    out = np.zeros(len(features.NAMES), np.float32)
    features.observe(one, parameters, 0.0, math.nan, out)
    seen = dict(zip(features.NAMES, out.tolist(), strict=True))
    assert seen["bid_depth"] == pytest.approx(math.log(5.0), rel=1e-6)
    assert seen["ask_depth"] == 0.0
    assert seen["bid_ahead"] == pytest.approx(30 / 35, rel=1e-6)
    assert seen["ask_ahead"] == 1.0
    before = msgspec.structs.replace(task.scales[0], touch_size_lot=0.0, traded_lot_s=0.0)
    parameters["touch_size_lot"], parameters["traded_lot_s"] = before.touch_size_lot, before.traded_lot_s
    features.observe(one, parameters, 0.0, math.nan, out)
    assert out[features.BID_DEPTH] == out[features.BID_AHEAD] == 0.0
