"""bellman_joint: its quotes against all ticks, and its reward against policies that ignore the other instruments."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import mid_of, task_of
from tfmm.calibration import drift as drift_lib, fill_probes, inventory_value
from tfmm.policies.baselines import bellman_joint, inventory_tables
from tfmm.simulation import rollout
from tfmm.simulation.dealer import features
from tfmm.simulation.rewards import expected_fills


@pytest.fixture(scope="module")
def task(small_config, pair_store):
    return task_of(
        small_config,
        data={"store": str(pair_store)},
        rules={"order_size": (1.0, 20.0), "inventory_limit_orders": 3},
        environment={"risk": "covariance", "omega": ((1.0, 0.9), (0.9, 1.0)), "risk_aversion": 0.4},
    )


def test_no_tick_is_better(task):
    """Expected profit of a quote on each tick, by present spread, drift and change of the value function."""
    policy = bellman_joint.fit(task)[1]
    coefficients = np.array([one.drift for one in drift_lib.fit_once(task)])
    value_change = inventory_value.solve_joint(task).value_change.reshape(7, 7, 2, 2)
    sim = task.backtest_simulator(task.segments["train"], 1, 5, distances=True)
    sim.reset()
    seen = set()
    for _ in range(40):
        quotes = policy(sim)[0]
        for n in range(2):
            state, rules = sim.instruments[0, n], task.parameters[n]
            orders = np.rint(sim.instruments["inventory_lot"][0] / task.parameters["order_lot"]).astype(int) + 3
            seen.add(tuple(orders))
            spread, mid = max(state["ask_tick"] - state["bid_tick"], 0.5), mid_of(state)
            drift = sim.observation[0, n * len(features.NAMES) :][2:8].astype(float) @ coefficients[n]
            for side, sign in ((0, 1), (1, -1)):
                change = value_change[orders[0], orders[1], n, side] / (rules["order_lot"] * rules["weight"])

                def earned(ticks, n=n, rules=rules, spread=spread, drift=drift, change=change, sign=sign):
                    p = expected_fills.fill_probability(ticks - 0.5 * spread, spread, 1.0, rules)
                    return p * (ticks + change - sign * drift * rules["half_spread_tick"])

                first = np.ceil(sign * mid) - sign * mid
                ticks = np.arange(first, 6.0 * spread + 1e-9)
                best = max(map(earned, ticks)) if np.isfinite(change) else 0.0
                if np.isnan(quotes[n, side]):
                    assert best <= 1e-9 or np.isnan(change)
                else:
                    assert earned(quotes[n, side]) == pytest.approx(best, rel=1e-3)
        sim.step(quotes[np.newaxis])
    assert len(seen) > 5


def test_it_earns_more_than_policies_that_ignore_the_other_instruments(task):
    """Two instruments that move together, with the same clients for all policies."""
    windows = np.repeat(task.windows(task.segments["train"])[:1], 400, axis=0)
    separate = inventory_tables.bellman(task, fill_probes.probe(task), per_instrument=True)
    assert separate.name == "bellman_each"
    np.testing.assert_array_equal(separate.risk_weights, np.eye(2))
    totals = []
    for policy in (separate, *bellman_joint.fit(task)):
        sim = task.backtest_simulator(task.segments["train"], len(windows), 2, windows=windows, distances=True)
        totals.append(rollout.run(sim, policy))
    for total in totals[1:]:
        difference = total - totals[0]
        assert difference.mean() > 5.0 * difference.std() / np.sqrt(len(difference))


def test_where_it_does_not_exist(small_config, pair_store):
    for risk, tape in (("absolute", False), ("covariance", True)):
        changes = {"data": {"store": str(pair_store)}, "environment": {"risk": risk}}
        rules = {"tape_fills": tape, "order_size": 20.0}
        assert bellman_joint.fit(task_of(small_config, rules=rules, **changes)) == ()
