"""The batched simulator: rows are independent, nothing looks ahead, money adds up."""

import itertools
import tomllib

import numpy as np
import pytest

from tfmm.backtest import closed_loop
from tfmm.calibration import scales as scales_lib
from tfmm.config import loading
from tfmm.environments.tape import parameters as parameters_lib, task as tape_task
from tfmm.market import generator, schema, tape
from tfmm.simulation import kernel, simulator, state
from tfmm.simulation.exchange import ledger
from tfmm.simulation.rewards import kinds

S = 1_000_000_000
ONE = schema.Instrument(symbol="X", tick_size=0.01)


class Piece:
    """A segment over a whole tape, in the field order that Simulator reads."""

    def __init__(self, events):
        self.session, self.start_row, self.stop_row = "day", 0, len(events)
        self.start_ns, self.stop_ns = int(events["ts"][0]), int(events["ts"][-1])

    def __iter__(self):
        return iter((self.session, self.start_row, self.stop_row, self.start_ns, self.stop_ns))


@pytest.fixture(scope="module")
def events():
    _, quotes, trades = generator.session(0, seed=9, hours=0.1)
    return tape.Tape.from_frames(quotes, trades, ONE).events


def make(events, rows=1, seed=0, windows=None, action="offsets", latency_s=0.0, **changes):
    tree = {
        "environment": {"action": action, "risk_aversion": changes.pop("risk_aversion", 0.01)},
        "rules": {"latency_s": latency_s, "maker_fee_bps": 0.5, "gap_s": 0.0, "inventory_limit_orders": 3},
    }
    scales = (scales_lib.Scales(half_spread_tick=2.0, sigma_tick=1.0, order_lot=100),)
    parameters = parameters_lib.build_parameters(loading.decode(tree, "test"), [ONE], scales)
    if changes.get("distances"):
        parameters["action"] = state.DISTANCES
    decisions = simulator.Decisions(1.0, window_s=40.0, warmup_s=5.0)
    market = simulator.Tape(events, [Piece(events)], windows)
    return simulator.Simulator(market, parameters, rows, decisions, kinds.Reward(scale=200.0), seed)


def play(sim, actions):
    """Copies of observation, reward and step type at every step."""
    sim.reset()
    out = [(sim.observation.copy(), sim.reward.copy(), sim.step_type.copy())]
    for action in actions:
        sim.step(action)
        out.append((sim.observation.copy(), sim.reward.copy(), sim.step_type.copy()))
    return [np.stack(column) for column in zip(*out, strict=True)]


def random_actions(steps, rows, seed=0):
    return np.random.default_rng(seed).uniform(-1, 1, (steps, rows, 1, 2))


def test_a_row_does_not_depend_on_the_batch(events):
    actions = random_actions(100, 5)
    together = play(make(events, 5, seed=7), actions)
    alone = make(events, 1, seed=7)
    for b in range(5):
        alone.seed(7)
        alone.rows["random"] = make(events, 5, seed=7).rows["random"][b]
        for whole, part in zip(together, play(alone, actions[:, b : b + 1]), strict=True):
            np.testing.assert_array_equal(whole[:, b], part[:, 0])


def test_the_future_changes_nothing_before_it(events):
    window = np.array([[0, events["ts"][0] + 10 * S, events["ts"][0] + 200 * S]])
    actions = random_actions(100, 1)
    cut = events["ts"][0] + 70 * S
    changed = events.copy()
    later = changed["ts"] > cut
    changed["lo_tick"][later] += 50
    changed["hi_tick"][later] += 55
    changed["lo_size"][later] *= 3
    before, after = play(make(events, windows=window), actions), play(make(changed, windows=window), actions)
    # decision k is at 10 + k s: up to k = 60 nothing differs, afterwards something does
    for left, right in zip(before, after, strict=True):
        np.testing.assert_array_equal(left[:61], right[:61])
    assert (before[0][61:] != after[0][61:]).any()
    assert (before[1][61:] != after[1][61:]).any()


def test_rewards_are_the_change_of_the_objective(events):
    window = np.array([[0, events["ts"][0] + 10 * S, events["ts"][0] + 250 * S]])
    sim = make(events, windows=window)
    _, rewards, kinds = play(sim, random_actions(240, 1, seed=3))
    assert kinds[:, 0].tolist() == [kernel.FIRST] + [kernel.MID] * 239 + [kernel.LAST]
    book = sim.instruments[0, 0]
    assert book["n_fills"] > 5
    equity = book["cash"] - book["fees"] + book["inventory_lot"] * (book["bid_tick"] + book["ask_tick"]) / 2
    assert ledger.equity(book, 0.0) == equity
    risk = 0.01 * 2.0 * book["abs_lot_s"]
    assert rewards.sum() == pytest.approx((equity - risk) / 200.0, rel=1e-5)


def test_no_quotes_earn_exactly_nothing(events):
    _, rewards, _ = play(make(events, 3, distances=True), np.full((120, 3, 1, 2), np.nan))
    assert (rewards == 0).all()


def mirror(events, level):
    """Prices reflected at a level, sides and sizes swapped."""
    out = events.copy()
    out["lo_tick"], out["hi_tick"] = level - events["hi_tick"], level - events["lo_tick"]
    out["lo_size"], out["hi_size"], out["side"] = events["hi_size"], events["lo_size"], -events["side"]
    return out


def test_the_mirrored_market_earns_the_same_on_the_other_side(events):
    window = np.array([[0, events["ts"][0] + 10 * S, events["ts"][0] + 200 * S]])
    actions = random_actions(180, 1, seed=5)
    level = int(events["lo_tick"][0] + events["hi_tick"][-1]) // 2 * 2
    plain, other = make(events, windows=window), make(mirror(events, level), windows=window)
    plain.parameters["maker_rate"] = other.parameters["maker_rate"] = 0.0  # a fee on notional is not symmetric in price
    left, right = play(plain, actions), play(other, actions[..., ::-1])
    np.testing.assert_allclose(left[1], right[1], atol=1e-5)
    np.testing.assert_allclose(left[0][:, 0, 0], -right[0][:, 0, 0], atol=1e-6)  # inventory
    np.testing.assert_allclose(left[0][:, 0, 2:5], -right[0][:, 0, 2:5], atol=1e-5)  # imbalance and flow


@pytest.mark.parametrize(
    ("latency_ns", "action"),
    list(itertools.product([0, 250_000_000, 2_500_000_000], ["offsets", "skew_spread", "ticks"])),
)
def test_the_schedule_that_was_sent_replays_to_the_same_book(small_config, latency_ns, action):
    """The closed loop and replay() share nothing but the kernel; backtest.run asserts inventory and fills."""
    tree = tomllib.loads(loading.dumps(small_config))
    tree["rules"]["latency_s"], tree["environment"]["action"] = latency_ns * 1e-9, action
    task = tape_task.TapeTask.create(loading.decode(tree, "test"))
    random = np.random.default_rng(2)
    (one,) = closed_loop.run(task, "test", lambda sim: random.uniform(-1, 0.2, (len(sim.rows), 2)), False, "random")
    assert len(one.fills) > 10
    assert one.fills["ts_ns"].min() > one.span[0]
    assert one.fills["ts_ns"].max() <= one.span[1]


@pytest.mark.parametrize(("clock", "latency_ns"), list(itertools.product(["events", "both"], [0, 2_500_000])))
def test_decisions_by_events(small_config, clock, latency_ns):
    """Decision times by plain Python; what was sent still replays to the same book."""
    tree = tomllib.loads(loading.dumps(small_config))
    tree["environment"].update(clock=clock, interval_quotes=7, interval_s=2.0)
    tree["rules"]["latency_s"] = latency_ns * 1e-9
    task = tape_task.TapeTask.create(loading.decode(tree, "test"))
    random = np.random.default_rng(2)
    (one,) = closed_loop.run(task, "test", lambda sim: random.uniform(-1, 0.2, (len(sim.rows), 2)), False, "random")
    events = one.tape.events
    quotes = events[events["kind"] == schema.QUOTE]
    now, end, times = one.span[0], one.span[1], []
    while now < end:
        times.append(now)
        later = quotes[quotes["ts"] > now]
        if clock == "events":
            now = max(int(later["ts"][6]), now + 1_000_000) if len(later) > 6 else end
        else:
            market = quotes[quotes["ts"] <= now][-1]
            moved = later[(later["lo_tick"] != market["lo_tick"]) | (later["hi_tick"] != market["hi_tick"])]
            first = int(moved["ts"][0]) if len(moved) else end
            now = min(max(first, now + 1_000_000), now + 2 * S, end)
        now = min(now, end)
    np.testing.assert_array_equal(one.schedule["ts_ns"], times)
    assert len(one.fills) > 5


def test_random_windows_stay_inside_and_features_are_bounded(events):
    sim = make(events, 16, seed=3)
    sim.reset()
    for action in random_actions(200, 16):
        sim.step(action)
        assert (sim.rows["start_ns"] >= events["ts"][0] + 5 * S).all()
        assert (sim.rows["end_ns"] <= events["ts"][-1]).all()
        assert np.isfinite(sim.observation).all()
        assert np.abs(sim.observation).max() <= 10.0
        assert np.abs(sim.instruments["inventory_lot"]).max() <= 300
    assert len(set(sim.rows["start_ns"])) == 16


def test_memory_per_row_is_small():
    assert state.ROW.itemsize + state.INSTRUMENT_STATE.itemsize + 2 * state.ORDER.itemsize < 4096
