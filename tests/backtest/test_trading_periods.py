"""Closed hours inside a session: the same trading in two pieces, 60 hours apart, is worth what it is in one."""

import dataclasses

import msgspec
import numpy as np
import pandas as pd
import pytest

from tfmm.backtest import closed_loop, expected_objective
from tfmm.calibration import market_sample
from tfmm.config import loading
from tfmm.environments.tape.task import TapeTask
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.evaluation.report import figures
from tfmm.market import schema, tape
from tfmm.market.ingest import store_writer

NS = 10**9
START = 1_704_459_600 * NS  # Friday 2024-01-05 13:00 UTC
OPEN_S, CLOSED_S = 600, 60 * 3600
RISK = 0.001


def day(number, closed_s, jump=0):
    """Frames of a day: 600 s, closed hours, 600 s with the mid `jump` ticks higher; a quote each 250 ms."""
    random = np.random.default_rng([18, number])
    count = 2 * OPEN_S * 4
    ts = START + number * 7 * 86_400 * NS + np.arange(1, count + 1) * NS // 4
    ts[count // 2 :] += closed_s * NS
    # a walk that is reflected at 3000 and 3002, so that inventory earns little beside the spread
    bid = 3000 + np.abs(np.cumsum(random.choice([-1, 0, 0, 0, 0, 1], count)) % 4 - 2)
    bid[count // 2 :] += jump
    sizes = random.integers(1, 200, (2, count))
    quotes = pd.DataFrame({"ts": ts, "bid": bid, "bid_size": sizes[0], "ask": bid + 1, "ask_size": sizes[1]})
    side = random.choice([1, -1], count)[1::4]
    at = slice(1, None, 4)
    trades = pd.DataFrame({"ts": ts[at] + 1000, "price": np.where(side > 0, bid[at] + 1, bid[at]),
                           "size": random.integers(1, 20, len(side)), "side": side})  # fmt: skip
    return quotes, trades


def task_of(path, closed_s, jump=0, days=3, more=None):
    instrument = schema.Instrument(symbol="rb", tick_size=1.0)
    sessions = (
        (f"W{number}", tape.Tape.from_frames(*day(number, closed_s, jump), instrument), {}) for number in range(days)
    )
    store_writer.create(path / "store", [instrument], sessions)
    text = {
        "data": {"store": str(path / "store")},
        "rules": {"touch": "always", "order_size": 5.0, "inventory_limit_orders": 5},
        "environment": {"rows": 64, "window_s": 120.0, "warmup_s": 10.0, "risk_aversion": 0.03},
    }
    for section, settings in (more or {}).items():
        text[section] = text.get(section, {}) | settings
    return TapeTask.create(loading.decode(text, "test"))


@pytest.fixture(scope="module")
def tasks(tmp_path_factory):
    return {
        name: task_of(tmp_path_factory.mktemp(name), closed_s) for name, closed_s in (("open", 0), ("closed", CLOSED_S))
    }


def at_the_touch(sim):
    """Quotes half a tick from the mid, at the best prices, that lean against the inventory beyond two orders."""
    lots = sim.instruments["inventory_lot"]
    return np.stack([np.where(lots < -10, 3.0, 0.5), np.where(lots > 10, 3.0, 0.5)], axis=-1)


def test_random_windows_never_span_closed_hours_and_fill_as_in_one_piece(tasks):
    fills, seconds = {}, {}
    for name, task in tasks.items():
        periods = [period for session in task.store.sessions for period in session.trading]
        sim = task.backtest_simulator(task.segments["train"], 64, seed=1, distances=True)
        sim.reset()
        total, lengths = 0, []
        for _ in range(480):
            before = sim.instruments["n_fills"].sum(axis=1)
            sim.step(at_the_touch(sim))
            total += np.maximum(sim.instruments["n_fills"].sum(axis=1) - before, 0).sum()
            started = sim.rows[sim.step_type == 0]
            lengths.extend((started["end_ns"] - started["start_ns"]) // NS)
            for row in started:
                assert any(one.first_ns <= row["start_ns"] and row["end_ns"] <= one.last_ns for one in periods)
            for row in sim.rows:
                assert any(one.first_ns <= row["ts"] <= one.last_ns for one in periods)
        fills[name], seconds[name] = total / (480 * 64), set(lengths)
    assert seconds == {"open": {120}, "closed": {120}}
    assert fills["open"] > 0.05 and fills["closed"] == pytest.approx(fills["open"], rel=0.05)


def test_the_objective_per_hour_is_that_of_one_piece(tasks):
    hours, per_hour = {}, {}
    for name, task in tasks.items():
        runs = closed_loop.run(task, "test", at_the_touch, True, "touch")
        hours[name] = sum(run.span[1] - run.span[0] for run in runs) / 3.6e12
        metrics = summary.assess(runs, np.array([RISK]), np.array([25.0]), task.config.evaluation)
        per_hour[name] = metrics["objective"] / hours[name], metrics["mean_abs_inventory"]
        # r |Q| dt is charged over the hours of trading alone
        charged = metrics["net_pnl"] - metrics["objective"]
        assert charged == pytest.approx(RISK * metrics["mean_abs_inventory"] * hours[name] * 3600)
    # of 1200 s each piece loses 10 s to the warm-up
    assert hours["open"] == pytest.approx(1190 / 3600, abs=1e-3)
    assert hours["closed"] == pytest.approx(1180 / 3600, abs=1e-3)
    # nothing else differs: inventory is carried over
    (one, held), (two, also) = per_hour["open"], per_hour["closed"]
    assert one > 100 and two == pytest.approx(one, rel=0.03) and also == pytest.approx(held, rel=0.03)


def test_validation_counts_hours_of_trading(tasks):
    def flat(observation):
        return np.zeros((len(observation), 2), np.float32)

    (one, _), (two, _) = (tasks[name].score(flat) for name in ("open", "closed"))
    key = "validation/objective_per_hour"
    assert two[key] == pytest.approx(one[key], rel=0.2)


def test_nothing_is_decided_or_filled_while_closed_and_the_reopening_jump_fills_nothing(tmp_path):
    """The market reopens 100 ticks higher: a quote left over the weekend would be taken at the old price."""
    task = task_of(tmp_path, CLOSED_S, jump=100)
    (session,) = [one for one in task.store.sessions if one.name == "W2"]
    morning, evening = session.trading
    first, second = closed_loop.run(task, "test", at_the_touch, True, "touch")
    assert (first.session, second.session) == ("W2", "W2")
    assert morning.first_ns <= first.span[0] < first.span[1] <= morning.last_ns
    assert evening.first_ns <= second.span[0] < second.span[1] <= evening.last_ns
    for run in (first, second):
        assert len(run.fills) > 50
        for times in (run.schedule["ts_ns"], run.fills["ts_ns"]):
            assert run.span[0] <= times.min() and times.max() <= run.span[1]
    ts, mid, _ = path_lib.mids(second.tape, 0)
    at_fill = mid[np.searchsorted(ts, second.fills["ts_ns"], side="right") - 1]
    assert np.abs(second.fills["px"] - at_fill).max() < 5
    # the decisions carry on from the open of the market, never over the closed hours
    assert np.diff(second.schedule["ts_ns"]).max() == NS


def test_inventory_is_carried_over_and_earns_the_move_of_the_mid(tmp_path):
    """Held over the closed hours is what the morning ended with; 100 ticks on it are earned at the reopening."""
    task = task_of(tmp_path, CLOSED_S, jump=100)

    def bids(sim):
        """Buys at the best bid, and never sells."""
        return np.tile([np.nan, 0.5], (len(sim.rows), 1, 1))

    first, second = closed_loop.run(task, "test", bids, True, "bids")
    assert first.positions is None and first.fills["qty"].sum() == 25.0 and len(second.fills) == 0
    assert second.positions["inventory_lot"].tolist() == [25] and second.opening(0)[0] == 25.0
    ts, mid, _ = path_lib.mids(first.tape, 0)
    assert second.opening(0)[1] == mid[ts <= first.span[1]][-1]
    ts, mid, _ = path_lib.mids(second.tape, 0)
    evening = path_lib.of_backtest(second)
    # 25 lots from the mid of the morning's last decision to that of the evening's last
    assert evening.net[-1] == pytest.approx(25.0 * (mid[ts <= second.span[1]][-1] - second.opening(0)[1]))
    assert evening.inventory.tolist() == [25.0] * len(evening.ts)
    risk = np.array([RISK])
    seconds = (second.span[1] - second.span[0]) * 1e-9
    objective = path_lib.objective_at([evening], risk, np.array([second.span[1]]))[0]
    assert evening.net[-1] - objective == pytest.approx(RISK * 25.0 * seconds)
    # the jump is part of the first block
    blocks = summary.block_objectives([second], risk, 59.0)
    assert blocks[0] > 25.0 * 95 and np.abs(blocks[1:]).max() < 25.0 * 5
    assert summary.assess([second], risk, np.array([25.0]), task.config.evaluation)["net_pnl"] == evening.net[-1]


def test_expected_inventory_is_carried_over_as_drawn_inventory_is(tmp_path):
    """Clients alone: the expected objective is the mean of many backtests, over a jump of the mid by 100 ticks."""
    text = {"clients": {"rate_s": 0.05}, "rules": {"tape_fills": False}}
    task = task_of(tmp_path, CLOSED_S, jump=100, more=text)

    def bids(states):
        return np.tile([np.nan, 0.5], (len(states.instruments), 1, 1))

    paths = expected_objective.market_paths(task, "test")
    first, second = expected_objective.evaluate(task, paths, bids, True)
    np.testing.assert_array_equal(second.inventory_distribution[0], first.inventory_distribution[-1])
    held = float(second.inventory_distribution[0] @ np.arange(-5, 6)) * 5.0
    assert held > 20.0 and second.profit[0] == pytest.approx(held * 100.0, rel=0.1)
    runs = closed_loop.run(task, "test", bids, True, "bids")
    drawn = sum(float(path_lib.of_backtest(run).net[-1]) for run in runs)
    assert first.profit.sum() + second.profit.sum() == pytest.approx(drawn, rel=0.1)


def test_sums_over_periods_are_those_of_the_session_and_of_all(tasks):
    task = tasks["closed"]
    runs = closed_loop.run(task, "train", at_the_touch, True, "touch")
    assert [run.session for run in runs] == [one.name for one in task.store.sessions[:1] for _ in range(2)]
    arguments = np.array([RISK]), np.array([25.0]), task.config.evaluation
    whole = summary.assess(runs, *arguments)
    sessions = summary.breakdown(runs, *arguments)["sessions"]
    assert list(sessions) == ["W0"]
    for name in ("net_pnl", "objective", "fees", "n_fills", "traded_notional"):
        parts = sum(summary.assess([run], *arguments)[name] for run in runs)
        assert parts == pytest.approx(whole[name]) and sessions["W0"][name] == pytest.approx(whole[name])
    blocks = summary.block_objectives(runs, np.array([RISK]), 59.0)
    # each piece has 590 s after the warm-up, less a part of a second: 9 blocks of 59 s, the rest cut off
    assert len(blocks) == 18
    assert whole["max_abs_inventory"] <= 25.0


def test_figures_name_a_later_period_by_its_time(tasks):
    runs = closed_loop.run(tasks["closed"], "train", at_the_touch, True, "touch")
    labels = [text.get_text() for text in figures.inventory(runs, np.array([25.0]), [0]).axes[0].get_xticklabels()]
    # trading begins at 13:00:00.25, the second period 600 s and 60 h later; 10 s warm the features up
    assert labels == ["W0", "01:10"]


def test_a_short_rest_of_a_period_does_not_shorten_the_sample_of_the_market(tasks):
    task = tasks["open"]
    whole = market_sample.sample(task)
    # 1190 s are stretches of 600 and 590 s; with a further segment of 25 s there would be a third of 15 s
    rest = task.segments["train"][0]._replace(stop_ns=task.segments["train"][0].start_ns + 25 * NS)
    segments = {**task.segments, "train": (*task.segments["train"], rest)}
    with_rest = market_sample.sample(dataclasses.replace(task, segments=segments))
    assert with_rest.bid_tick.shape == whole.bid_tick.shape == (588, 2, 1)


def test_ratios_are_annualised_by_the_hours_of_trading_where_sessions_have_breaks(tasks):
    """Two periods of 599.75 s, from their first to their last quote: a third of an hour."""
    assert summary.settings_of(tasks["closed"]).trading_hours_per_day == pytest.approx(1200 / 3600, rel=1e-3)
    assert summary.settings_of(tasks["open"]).trading_hours_per_day == 24.0
    given = msgspec.structs.replace(tasks["closed"].config.evaluation, trading_hours_per_day=6.5)
    config = msgspec.structs.replace(tasks["closed"].config, evaluation=given)
    task = dataclasses.replace(tasks["closed"], config=config)
    assert summary.settings_of(task).trading_hours_per_day == 6.5
