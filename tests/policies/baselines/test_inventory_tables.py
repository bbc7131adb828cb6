"""Baselines on one and on two instruments, against a replay of their own schedule."""

import dataclasses

import msgspec
import numpy as np
import pytest

from tfmm import errors, simulation
from tfmm.backtest import closed_loop
from tfmm.calibration import covariance, fill_probes, scales as scales_lib
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.market import schema, splits
from tfmm.policies.baselines import inventory_tables
from tfmm.simulation.exchange import replay


def task_of(config, path):
    return tape_task.TapeTask.create(loading.with_store(config, path))


@pytest.fixture(params=["one", "two"])
def task(request, small_config, small_store, pair_store):
    return task_of(small_config, small_store if request.param == "one" else pair_store)


def money(task):
    """Arguments of assess: risk in money, limits in size units, settings."""
    lots = np.array([one.lot_size for one in task.store.instruments])
    return summary.risk_of(task), task.parameters["limit_lot"] * lots, task.config.evaluation


def test_none_sends_nothing_and_earns_nothing(task):
    (run,) = closed_loop.run(task, "test", inventory_tables.none(task), True, "none")
    assert np.isnan(run.schedule["bid_px"]).all()
    assert np.isnan(run.schedule["ask_px"]).all()
    result = summary.assess([run], *money(task))
    assert all(result[key] == 0 for key in ("net_pnl", "objective", "n_fills", "mean_abs_inventory"))


def test_fixed_spread_is_centred_and_fills_by_the_rules(task):
    policy = inventory_tables.fixed_spread(task)
    (run,) = closed_loop.run(task, "test", policy, True, "fixed_spread")
    for n, instrument in enumerate(task.store.instruments):
        sent = run.schedule[run.schedule["instrument"] == n]
        sent = sent[~np.isnan(sent["bid_px"])]
        assert len(sent) > 100
        quotes = run.tape.events[(run.tape.events["instrument"] == n) & (run.tape.events["kind"] == schema.QUOTE)]
        last = np.searchsorted(quotes["ts"], sent["ts_ns"], side="right") - 1
        mid = (quotes["lo_tick"] + quotes["hi_tick"])[last] / 2
        bid, ask = np.rint(sent["bid_px"] / instrument.tick_size), np.rint(sent["ask_px"] / instrument.tick_size)
        np.testing.assert_array_equal(bid, np.floor(mid - policy.fitted["half_spread_tick"][n]))
        np.testing.assert_array_equal(ask, np.ceil(mid + policy.fitted["half_spread_tick"][n]))
    limits = tuple(money(task)[1])
    again = simulation.replay(run.tape, run.schedule, simulation.FillRules(inventory_limit=limits))
    assert again.fills[again.fills["ts_ns"] <= run.span[1]].tolist() == run.fills.tolist()


@pytest.mark.parametrize("make", [inventory_tables.fixed_spread, inventory_tables.linear_skew])
def test_the_chosen_is_the_best_candidate_on_train(small_config, small_store, make):
    """Scored again through schedules, replay and metrics instead of the simulator's rewards."""
    rules = msgspec.structs.replace(small_config.rules, touch="always", maker_fee_bps=-1.0)
    task = task_of(msgspec.structs.replace(small_config, rules=rules), small_store)
    chosen = make(task)

    def objective(policy):
        runs = closed_loop.run(task, "train", policy, True, "x")
        return summary.assess(runs, *money(task))["objective"]

    scores = []
    for half in fill_probes.distance_grid(task, inventory_tables.CANDIDATES)[:, 0]:
        for skew in (0.0, 0.5, 1.0) if make is inventory_tables.linear_skew else (0.0,):
            shift = np.arange(-10, 11) / 10 * skew * half
            table = np.column_stack([half - shift, half + shift])[np.newaxis]
            scores.append(objective(dataclasses.replace(chosen, tables=table)))
    assert len(set(scores)) > 3
    assert objective(chosen) >= max(scores) - 1e-9
    assert max(scores) > 0


def test_two_instruments_have_their_own_actions_features_and_limits(small_config, pair_store):
    task = task_of(small_config, pair_store)
    env = task.environment("train", 6, seed=1)
    assert env.action_spec().shape == (4,)
    assert task.action_names == ("ONE.skew", "ONE.half_spread", "TWO.skew", "TWO.half_spread")
    assert len(task.feature_names) == env.observation_spec().shape[0] == 2 * 13
    time_step = env.reset()
    random = np.random.default_rng(0)
    for _ in range(80):
        time_step = env.step(random.uniform(-1, 0, (6, 4)).astype(np.float32))
    lots = env.simulator.instruments["inventory_lot"]
    assert (np.abs(lots) <= task.parameters["limit_lot"]).all()
    assert (lots[:, 0] != lots[:, 1]).any()
    scaled = lots / task.parameters["limit_lot"]
    column = [task.feature_names.index(f"{name}.inventory") for name in ("ONE", "TWO")]
    np.testing.assert_allclose(time_step.observation[:, column], scaled, rtol=1e-6)


@pytest.mark.parametrize("latency_s", [0.0, 0.3, 3.0])
def test_closed_loop_and_replay_agree_for_two_instruments(small_config, pair_store, latency_s):
    rules = msgspec.structs.replace(small_config.rules, latency_s=latency_s, touch="always", maker_fee_bps=0.2)
    task = task_of(msgspec.structs.replace(small_config, rules=rules), pair_store)
    random = np.random.default_rng(4)
    (run,) = closed_loop.run(task, "test", lambda sim: random.uniform(-1, 0, (len(sim.rows), 4)), False, "random")
    assert set(run.fills["instrument"]) == {0, 1}
    assert set(run.fills["rule"]) <= {"MARKET", "TRADE", "TOUCH"}
    # orders are whole lots of their own instrument
    two = run.fills[run.fills["instrument"] == 1]
    np.testing.assert_allclose(two["qty"] / 10.0, np.rint(two["qty"] / 10.0))
    assert run.schedule.dtype == replay.SCHEDULE


@pytest.mark.parametrize(
    "risk",
    [
        {},
        {"risk": "covariance"},
        {"risk": "covariance", "risk_power": 1.0, "omega": ((1.0, 0.9), (0.9, 1.0))},
    ],
)
@pytest.mark.parametrize("latency_s", [0.0, 0.3])
def test_rewards_add_up_to_the_objective_of_the_report(small_config, pair_store, risk, latency_s):
    """Two instruments of different lots and multipliers, with clients: rewards of the closed loop against metrics."""
    tree = msgspec.to_builtins(small_config)
    tree["environment"] |= {"risk_aversion": 0.5, **risk}
    tree["rules"] |= {"latency_s": latency_s, "taker_fee_bps": 1.0, "marketable": "take"}
    tree["clients"] |= {"rate_s": 0.3}
    task = task_of(loading.decode(tree, "test"), pair_store)
    random = np.random.default_rng(4)
    rewards = []

    def act(sim):
        rewards.append(float(sim.reward[0]))
        return random.uniform(-1, 0, (len(sim.rows), 4))

    (run,) = closed_loop.run(task, "test", act, False, "random")
    assert {"CLIENT", "MARKET"} <= set(run.fills["rule"])
    result = summary.assess([run], *money(task))
    # the last reward comes after the last call of `act`; the last block of the report has it
    risk_money = summary.risk_of(task)
    paths = [path_lib.path(run.tape, run.fills, run.span, n) for n in range(2)]
    before_last = run.span[1] - round(task.config.environment.interval_s * 1e9)
    objective = path_lib.objective_at(paths, risk_money, np.array([before_last, run.span[1]]))
    assert objective[1] == pytest.approx(result["objective"], rel=1e-9)
    got = sum(rewards) * task.reward_scale * task.costs.money_unit(0)
    assert got == pytest.approx(objective[0], rel=1e-4, abs=1e-3)


def test_one_instrument_with_a_square_root_is_the_absolute_risk(small_config, small_store):
    tasks = []
    for risk in ({}, {"risk": "covariance", "omega": ((1.0,),)}):
        tree = msgspec.to_builtins(small_config)
        tree["environment"] |= {"risk_aversion": 0.5, **risk}
        tasks.append(task_of(loading.decode(tree, "test"), small_store))
    totals = []
    for one in tasks:
        random = np.random.default_rng(1)
        (run,) = closed_loop.run(
            one, "test", lambda sim, r=random: r.uniform(-1, 0, (len(sim.rows), 2)), False, "random"
        )
        totals.append(summary.assess([run], *money(one))["objective"])
    assert totals[0] == pytest.approx(totals[1], rel=1e-9)


def test_the_covariance_of_a_market_made_of_one_move():
    """Two instruments that move together, the second twice as far: correlation 1, variances 1 : 4, mean diagonal 1."""
    moves = np.random.default_rng(0).integers(-5, 6, 400)
    events = np.zeros(800, schema.EVENT)
    events["ts"] = np.repeat(np.arange(400) * 10 * 10**9, 2)
    events["instrument"] = np.tile([0, 1], 400)
    mid = 1000 + np.cumsum(moves)
    events["lo_tick"][0::2], events["lo_tick"][1::2] = mid - 1, 2 * mid - 1
    events["hi_tick"] = events["lo_tick"] + 2
    scales = tuple(scales_lib.Scales(half_spread_tick=1.0, sigma_tick=1.0, order_lot=1) for _ in range(2))
    whole = splits.Segment("day", 0, 800, 0, int(events["ts"][-1]))
    omega = covariance.covariance(events, scales, [1.0, 1.0], (whole,))
    np.testing.assert_allclose(omega, [[0.4, 0.8], [0.8, 1.6]], rtol=0.02)
    # independent moves: the correlation is shrunk to about nothing
    events["lo_tick"][1::2] = 1000 + np.cumsum(np.random.default_rng(1).integers(-5, 6, 400))
    events["hi_tick"] = events["lo_tick"] + 2
    assert abs(covariance.covariance(events, scales, [1.0, 1.0], (whole,))[0, 1]) < 0.05


@pytest.mark.parametrize("omega", [((1.0,),), ((1.0, 2.0), (2.0, 1.0)), ((1.0, 0.5), (0.4, 1.0))])
def test_a_wrong_omega_is_refused(small_config, pair_store, omega):
    environment = msgspec.structs.replace(small_config.environment, risk="covariance", omega=omega)
    with pytest.raises(errors.ConfigError, match=r"environment\.omega"):
        task_of(msgspec.structs.replace(small_config, environment=environment), pair_store)


def test_rules_for_each_instrument_of_a_config(small_config, pair_store):
    rules = msgspec.structs.replace(
        small_config.rules, latency_s=(0.1, 0.2), maker_fee_bps=(1.0, -1.0), order_size=(3.0, 40.0)
    )
    task = task_of(msgspec.structs.replace(small_config, rules=rules), pair_store)
    assert task.parameters["latency_ns"].tolist() == [100_000_000, 200_000_000]
    assert task.parameters["maker_rate"] == pytest.approx([1e-4, -1e-4])
    assert task.parameters["order_lot"].tolist() == [3, 4]
    with pytest.raises(errors.ConfigError, match=r"rules\.order_size has 3 values, wanted 1 or 2"):
        task_of(
            msgspec.structs.replace(small_config, rules=msgspec.structs.replace(rules, order_size=(1.0,) * 3)),
            pair_store,
        )
