"""The exact law of the inventory against very many draws of the simulator, and the strategies that are fitted by it."""

import dataclasses

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import expected_objective
from tfmm.calibration import fill_probes
from tfmm.policies.baselines import bellman_spread, grid_search, inventory_tables
from tfmm.simulation import kernel

_FEATURES = ["inventory", "spread", "imbalance", "drift"]


@pytest.fixture(scope="module")
def task(small_config):
    return task_of(small_config, environment={"features": _FEATURES, "interval_s": 1.0, "window_s": 60.0})


@pytest.fixture(scope="module", params=[{"hedge": "limit", "hedge_limit_orders": 1}, {"hedge": "action"}], ids=str)
def hedging(small_config, request):
    environment = {"features": _FEATURES, "interval_s": 1.0, "window_s": 60.0}
    return task_of(small_config, environment=environment, rules={"taker_fee_bps": 0.5, **request.param})


def skewed(task):
    half = np.array([[1.2 * task.scales[0].half_spread_tick]])
    table = inventory_tables.linear_tables(task, half, 2.0 * half)[0]
    return inventory_tables.InventoryTablePolicy("skewed", table, np.eye(1), task.parameters["order_lot"], {})


def test_it_is_what_very_many_draws_give(task):
    """20 000 sets of clients through one segment: mean objective, its parts, and the law of the last inventory."""
    sold, _, one, steps = drawn_and_expected(task, skewed(task))
    alone = one.outcomes["sold"][:steps] * (1.0 - one.outcomes["bought"][:steps])
    assert abs(sold - alone.sum()) < 0.02 * alone.sum()
    assert not one.outcomes["hedged_lot"].any()


def test_hedges_are_expected_too(hedging):
    """The same where a limit closes what is beyond one order, or a rule 60 % of what is held; and the fees."""
    rule = skewed(hedging)
    if hedging.config.rules.hedge == "action":
        share = np.full((1, 21, 1), 0.6)  # of 1, 2, ... orders: 1, 1, ...
        rule = dataclasses.replace(rule, tables=np.concatenate([rule.tables, share], axis=2))
    _, fees, one, steps = drawn_and_expected(hedging, rule)
    market = expected_objective.market_paths(hedging, "test")[0].market[:steps]
    prices = 0.5 * (market["bid_tick"] + market["ask_tick"])
    assert fees == pytest.approx(0.5e-4 * float(one.outcomes["hedged_lot"][:steps] @ prices), rel=0.02)
    assert fees > 0


def drawn_and_expected(task, rule):
    """Checks the objective and the last law; (mean number sold, mean fees, law.Expected, steps)."""
    windows = task.windows(task.segments["test"])[:1]
    rows = 20_000
    sim = task.simulator(task.segments["test"], rows, 11, windows=np.repeat(windows, rows, axis=0), distances=True)
    steps = 60
    sim.rows["random"] = np.random.default_rng(1).integers(0, 2**63, rows, np.uint64)
    sim.reset()
    totals, sold = np.zeros(rows), np.zeros(rows)
    for _ in range(steps):
        before = sim.books["inventory_lot"][:, 0].copy()
        sim.step(rule(sim))
        assert (sim.step_type == kernel.MID).all()
        totals += sim.reward
        sold += sim.books["inventory_lot"][:, 0] < before
    drawn = totals * task.reward_scale * task.money_unit(0)
    (one, *_) = expected_objective.evaluate(task, expected_objective.market_paths(task, "test"), rule, True)
    exact = one.objective[:steps].sum()
    assert abs(drawn.mean() - exact) < 4.0 * drawn.std() / np.sqrt(rows)
    assert drawn.std() / np.sqrt(rows) < 0.05 * abs(exact)
    held = np.rint(sim.books["inventory_lot"][:, 0] / task.parameters["order_lot"][0]).astype(int) + 10
    shares = np.bincount(held, minlength=21) / rows
    wanted = one.inventory_distribution[steps]
    assert wanted.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.abs(shares - wanted) < 5.0 * np.sqrt(wanted * (1 - wanted) / rows) + 1e-4).all()
    return sold.mean(), sim.books["fees"].mean(), one, steps


def test_a_policy_is_asked_what_the_simulator_would_ask_it(task):
    """The observation of every inventory is that of a dealer who holds it."""
    windows = task.windows(task.segments["test"])[:1]
    sim = task.simulator(task.segments["test"], 1, 3, windows=windows, distances=True)
    asked = []

    def remember(seen):
        asked.append(seen)
        return np.full((len(seen.books), 1, 2), 1e6)

    watched = expected_objective.market_paths(task, "test")[:1]
    expected_objective.evaluate(task, watched, remember, True)
    rule, held = skewed(task), []
    sim.reset()
    for t in range(50):
        place = int(np.rint(sim.books["inventory_lot"][0, 0] / task.parameters["order_lot"][0]))
        row = t * 21 + place + 10
        held.append(place)
        own = task.observe(asked[0])[row]
        np.testing.assert_array_equal(own, task.observe(sim)[0])
        for name in ("bid_tick", "ask_tick", "inventory_lot"):
            assert asked[0].books[name][row, 0] == sim.books[name][0, 0]
        sim.step(rule(sim))
    assert len(set(held)) > 3


@pytest.mark.parametrize(
    "changes",
    [
        {"environment": {"features": ["inventory", "bid_distance"]}},
        {"environment": {"features": _FEATURES, "liquidate": True}},
        {"environment": {"features": _FEATURES}, "clients": {"branching": 0.5}},
        {"environment": {"features": _FEATURES}, "rules": {"latency_s": 0.1}},
        {"environment": {"features": _FEATURES}, "rules": {"tape_fills": True}},
        {"environment": {"features": _FEATURES}, "rules": {"hedge": "action", "order_size": 2.0}},
    ],
)
def test_where_it_is_not_known(small_config, changes):
    assert not expected_objective.is_known(task_of(small_config, **changes))


def test_candidates_are_scored_by_it(task):
    """Two tables at once, each as by itself."""
    rule = skewed(task)
    other = dataclasses.replace(rule, tables=3.0 * rule.tables)
    tables = np.stack([rule.tables, other.tables])
    scores = grid_search.scores(
        task,
        2,
        lambda repeat: inventory_tables.CandidateTables(repeat(tables), np.eye(1), task.parameters["order_lot"]),
    )
    watched = expected_objective.market_paths(task, "train")
    own = [
        sum(e.objective.sum() for e in expected_objective.evaluate(task, watched, one, True)) for one in (rule, other)
    ]
    assert scores == pytest.approx(own, rel=1e-12)
    assert scores[0] != scores[1]


def test_bellman_over_the_market_is_its_own_mirror_and_pays(task):
    """(Q, drift) and (-Q, -drift) swap ask and bid; each earns more on train than the one before."""
    rules = bellman_spread.fit(task)
    assert [one.name for one in rules] == ["bellman_spread", "bellman_spread_drift"]
    for rule in rules:
        by_drift = (len(rule.marginal_value), -1, len(rule.cuts.drift) + 1)
        ask, bid = (rule.marginal_value[..., k].reshape(by_drift) for k in range(2))
        np.testing.assert_allclose(ask, bid[::-1, :, ::-1], atol=0.03)
        assert np.isnan(ask[0]).all() and np.isnan(bid[-1]).all()
    watched = expected_objective.market_paths(task, "train")
    earned = [
        sum(one.objective.sum() for one in expected_objective.evaluate(task, watched, rule, True))
        for rule in (inventory_tables.linear_skew(task), *rules)
    ]
    assert earned[0] < earned[1]
    assert earned[1] < earned[2] * 1.005


def test_dynamic_programming_that_hedges_earns_more_where_it_may(hedging):
    """Where a limit hedges, every rule does; where the action may, the rules named so, and they are the best."""
    rules = bellman_spread.fit(hedging)
    watched = expected_objective.market_paths(hedging, "train")
    several = {one.name: expected_objective.evaluate(hedging, watched, one, True) for one in rules}
    earned = {name: sum(one.objective.sum() for one in parts) for name, parts in several.items()}
    hedged = {name: sum(one.outcomes["hedged_lot"].sum() for one in parts) for name, parts in several.items()}
    if hedging.config.rules.hedge == "limit":
        assert list(earned) == ["bellman_spread", "bellman_spread_drift"]
        assert all(one > 0 for one in hedged.values())
        return
    assert list(earned) == ["bellman_spread", "bellman_spread_drift", "bellman_spread_drift_hedge"]
    assert [one > 0 for one in hedged.values()] == [False, False, True]
    assert max(earned, key=earned.get) == "bellman_spread_drift_hedge"
    measured = fill_probes.probe(hedging)
    tables = [inventory_tables.bellman(hedging, measured, hedges) for hedges in (False, True)]
    assert [one.name for one in tables] == ["bellman", "bellman_hedge"]
    plain, hedge = (
        sum(part.objective.sum() for part in expected_objective.evaluate(hedging, watched, one, True)) for one in tables
    )
    assert plain < hedge < earned["bellman_spread_drift_hedge"]
