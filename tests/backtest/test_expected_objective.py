"""Expected objectives against many simulated sets of clients, and the baselines that are fitted with them."""

import dataclasses

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import expected_objective
from tfmm.calibration import fill_probes
from tfmm.policies.baselines import bellman_spread, grid_search, inventory_tables
from tfmm.simulation import kernel

_FEATURES = ["inventory", "spread", "imbalance", "drift"]


_SQUARED = {"risk": "covariance", "omega": [[1.5]], "risk_power": 1.0}


@pytest.fixture(scope="module")
def task(small_config):
    return task_of(small_config, environment={"features": _FEATURES, "interval_s": 1.0, "window_s": 60.0})


@pytest.fixture(scope="module")
def squared(small_config):
    environment = {"features": _FEATURES, "interval_s": 1.0, "window_s": 60.0}
    return task_of(small_config, environment=environment | _SQUARED)


_HEDGES = [
    {"hedge": "limit", "hedge_limit_orders": 1},
    {"hedge": "action"},
    {
        "hedge": "limit",
        "hedge_limit_orders": 1,
        "taker_fee_bps": 0.0,
        "taker_fee_per_unit": 0.002,
        "minimum_fee": 0.005,
    },
]


@pytest.fixture(scope="module", params=_HEDGES, ids=str)
def hedging(small_config, request):
    environment = {"features": _FEATURES, "interval_s": 1.0, "window_s": 60.0}
    return task_of(small_config, environment=environment, rules={"taker_fee_bps": 0.5, **request.param})


def skewed(task):
    half = np.array([[1.2 * task.scales[0].half_spread_tick]])
    table = inventory_tables.linear_tables(task, half, 2.0 * half)[0]
    return inventory_tables.InventoryTablePolicy("skewed", table, np.eye(1), task.parameters["order_lot"], {})


def total(task, paths, policy):
    """Expected objective of all segments."""
    return sum(one.objective.sum() for one in expected_objective.evaluate(task, paths, policy, True))


def test_it_is_the_mean_of_many_simulations(task):
    """20 000 sets of clients in one segment: mean objective, its parts, and the distribution of the last inventory."""
    sold, _, expected, steps = simulated_and_expected(task, skewed(task))
    only_sold = expected.outcomes["sold"][:steps] * (1.0 - expected.outcomes["bought"][:steps])
    assert abs(sold - only_sold.sum()) < 0.02 * only_sold.sum()
    assert not expected.outcomes["hedged_lot"].any()


def test_the_square_of_the_inventory_is_expected_too(squared, task):
    """The same where holding Q orders costs a multiple of Q^2, other than |Q|."""
    _, _, expected, _ = simulated_and_expected(squared, skewed(squared))
    paths = expected_objective.market_paths(task, "test")
    absolute = expected_objective.evaluate(task, paths, skewed(task), True)[0]
    assert expected.outcomes["risk_lot_s"].sum() > 1.1 * absolute.outcomes["risk_lot_s"].sum()


def test_hedges_are_expected_too(hedging):
    """The same where a limit closes what exceeds one order, or a policy closes 60 % of the inventory; and the fees."""
    policy = skewed(hedging)
    if hedging.config.rules.hedge == "action":
        share = np.full((1, 21, 1), 0.6)  # of 1, 2, ... orders: 1, 1, ...
        policy = dataclasses.replace(policy, tables=np.concatenate([policy.tables, share], axis=2))
    _, fees, expected, steps = simulated_and_expected(hedging, policy)
    market = expected_objective.market_paths(hedging, "test")[0].market[:steps]
    prices = 0.5 * (market["bid_tick"] + market["ask_tick"])
    # each hedge is of one lot, and pays the minimum of half a tick where .2 ticks are less
    a_lot = 0.5e-4 * prices if hedging.config.rules.taker_fee_bps else np.full(steps, 0.5)
    assert fees == pytest.approx(float(expected.outcomes["hedged_lot"][:steps] @ a_lot), rel=0.02)
    assert fees > 0


def simulated_and_expected(task, policy):
    """Checks the objective and the last inventory; (mean number of sales, mean fees, ExpectedBacktest, steps)."""
    windows = task.windows(task.segments["test"])[:1]
    rows = 20_000
    sim = task.backtest_simulator(
        task.segments["test"], rows, 11, windows=np.repeat(windows, rows, axis=0), distances=True
    )
    steps = 60
    sim.rows["random"] = np.random.default_rng(1).integers(0, 2**63, rows, np.uint64)
    sim.reset()
    totals, sold = np.zeros(rows), np.zeros(rows)
    for _ in range(steps):
        before = sim.instruments["inventory_lot"][:, 0].copy()
        sim.step(policy(sim))
        assert (sim.step_type == kernel.MID).all()
        totals += sim.reward
        sold += sim.instruments["inventory_lot"][:, 0] < before
    simulated = totals * task.reward_scale * task.costs.money_unit(0)
    (expected, *_) = expected_objective.evaluate(task, expected_objective.market_paths(task, "test"), policy, True)
    exact = expected.objective[:steps].sum()
    assert abs(simulated.mean() - exact) < 4.0 * simulated.std() / np.sqrt(rows)
    assert simulated.std() / np.sqrt(rows) < 0.05 * abs(exact)
    index = np.rint(sim.instruments["inventory_lot"][:, 0] / task.parameters["order_lot"][0]).astype(int) + 10
    shares = np.bincount(index, minlength=21) / rows
    wanted = expected.inventory_distribution[steps]
    assert wanted.sum() == pytest.approx(1.0, abs=1e-12)
    assert (np.abs(shares - wanted) < 5.0 * np.sqrt(wanted * (1 - wanted) / rows) + 1e-4).all()
    return sold.mean(), sim.instruments["fees"].mean(), expected, steps


def test_a_policy_sees_what_the_simulator_would_show_it(task):
    """The observation of every inventory is that of a simulator with this inventory."""
    windows = task.windows(task.segments["test"])[:1]
    sim = task.backtest_simulator(task.segments["test"], 1, 3, windows=windows, distances=True)
    shown = []

    def remember(states):
        shown.append(states)
        return np.full((len(states.instruments), 1, 2), 1e6)

    paths = expected_objective.market_paths(task, "test")[:1]
    expected_objective.evaluate(task, paths, remember, True)
    policy, inventories = skewed(task), []
    sim.reset()
    for t in range(50):
        orders = int(np.rint(sim.instruments["inventory_lot"][0, 0] / task.parameters["order_lot"][0]))
        row = t * 21 + orders + 10
        inventories.append(orders)
        np.testing.assert_array_equal(task.observe(shown[0])[row], task.observe(sim)[0])
        for name in ("bid_tick", "ask_tick", "inventory_lot"):
            assert shown[0].instruments[name][row, 0] == sim.instruments[name][0, 0]
        sim.step(policy(sim))
    assert len(set(inventories)) > 3


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
def test_where_it_is_unknown(small_config, changes):
    assert not expected_objective.is_known(task_of(small_config, **changes))


def test_candidates_are_scored_by_the_expected_objective(task):
    """Two tables at once have the scores of each table evaluated separately."""
    narrow = skewed(task)
    wide = dataclasses.replace(narrow, tables=3.0 * narrow.tables)
    tables = np.stack([narrow.tables, wide.tables])
    scores = grid_search.scores(
        task,
        2,
        lambda repeat: inventory_tables.CandidateTables(repeat(tables), np.eye(1), task.parameters["order_lot"]),
    )
    paths = expected_objective.market_paths(task, "train")
    separate = [total(task, paths, policy) for policy in (narrow, wide)]
    assert scores == pytest.approx(separate, rel=1e-12)
    assert scores[0] != scores[1]


def test_bellman_spread_is_symmetric_and_earns_more(task):
    """(Q, drift) and (-Q, -drift) exchange ask and bid; each policy earns more on train than the one before."""
    policies = bellman_spread.fit(task)
    assert [policy.name for policy in policies] == ["bellman_spread", "bellman_spread_drift"]
    for policy in policies:
        by_drift = (len(policy.marginal_value), -1, len(policy.cuts.drift) + 1)
        ask, bid = (policy.marginal_value[..., k].reshape(by_drift) for k in range(2))
        np.testing.assert_allclose(ask, bid[::-1, :, ::-1], atol=0.03)
        assert np.isnan(ask[0]).all() and np.isnan(bid[-1]).all()
    paths = expected_objective.market_paths(task, "train")
    earned = [total(task, paths, policy) for policy in (inventory_tables.linear_skew(task), *policies)]
    assert earned[0] < earned[1]
    assert earned[1] < earned[2] * 1.005


def test_dynamic_programming_with_hedges_earns_more(hedging):
    """Where a limit hedges, every policy does; where the action may, the policies named so do, and earn the most."""
    policies = bellman_spread.fit(hedging)
    paths = expected_objective.market_paths(hedging, "train")
    backtests = {policy.name: expected_objective.evaluate(hedging, paths, policy, True) for policy in policies}
    earned = {name: sum(one.objective.sum() for one in parts) for name, parts in backtests.items()}
    hedged = {name: sum(one.outcomes["hedged_lot"].sum() for one in parts) for name, parts in backtests.items()}
    if hedging.config.rules.hedge == "limit":
        assert list(earned) == ["bellman_spread", "bellman_spread_drift"]
        assert all(one > 0 for one in hedged.values())
        return
    assert list(earned) == ["bellman_spread", "bellman_spread_drift", "bellman_spread_drift_hedge"]
    assert [one > 0 for one in hedged.values()] == [False, False, True]
    assert max(earned, key=earned.get) == "bellman_spread_drift_hedge"
    probed = fill_probes.probe(hedging)
    tables = [inventory_tables.bellman(hedging, probed, with_hedge) for with_hedge in (False, True)]
    assert [policy.name for policy in tables] == ["bellman", "bellman_hedge"]
    plain, hedge = (total(hedging, paths, policy) for policy in tables)
    assert plain < hedge < earned["bellman_spread_drift_hedge"]
