"""The rule of the whole book: its quotes against every tick there is, and its earnings against one book each."""

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
    """What a quote on each tick earns at the spread of the moment, the drift and the change of the book's value."""
    rule = bellman_joint.rules(task)[1]
    coefficients = np.array([one.drift for one in drift_lib.known(task)])
    change = inventory_value.whole(task).value_change.reshape(7, 7, 2, 2)
    sim = task.simulator(task.segments["train"], 1, 5, distances=True)
    sim.reset()
    seen = set()
    for _ in range(40):
        quotes = rule(sim)[0]
        for n in range(2):
            book, rules = sim.books[0, n], task.parameters[n]
            held = np.rint(sim.books["inventory_lot"][0] / task.parameters["order_lot"]).astype(int) + 3
            seen.add(tuple(held))
            spread, mid = max(book["ask_tick"] - book["bid_tick"], 0.5), mid_of(book)
            own = sim.observation[0, n * len(features.NAMES) :][2:8].astype(float) @ coefficients[n]
            for side, sign in ((0, 1), (1, -1)):
                value = change[held[0], held[1], n, side] / (rules["order_lot"] * rules["weight"])

                def earned(ticks, n=n, rules=rules, spread=spread, own=own, value=value, sign=sign):
                    p = expected_fills.chance(ticks - 0.5 * spread, spread, 1.0, rules)
                    return p * (ticks + value - sign * own * rules["half_spread_tick"])

                first = np.ceil(sign * mid) - sign * mid
                ticks = np.arange(first, 6.0 * spread + 1e-9)
                best = max(map(earned, ticks)) if np.isfinite(value) else 0.0
                if np.isnan(quotes[n, side]):
                    assert best <= 1e-9 or np.isnan(value)
                else:
                    assert earned(quotes[n, side]) == pytest.approx(best, rel=1e-3)
        sim.step(quotes[np.newaxis])
    assert len(seen) > 5


def test_it_earns_more_than_every_instrument_by_itself(task):
    """The same clients: the book of two that move together against a dealer of each."""
    windows = np.repeat(task.windows(task.segments["train"])[:1], 400, axis=0)
    alone = inventory_tables.bellman(task, fill_probes.measure(task), each=True)
    assert alone.name == "bellman_each"
    np.testing.assert_array_equal(alone.pressure, np.eye(2))
    totals = []
    for rule in (alone, *bellman_joint.rules(task)):
        sim = task.simulator(task.segments["train"], len(windows), 2, windows=windows, distances=True)
        totals.append(rollout.run(sim, rule))
    for own in totals[1:]:
        more = own - totals[0]
        assert more.mean() > 5.0 * more.std() / np.sqrt(len(more))


def test_where_there_is_none(small_config, pair_store):
    for risk, tape in (("absolute", False), ("covariance", True)):
        changes = {"data": {"store": str(pair_store)}, "environment": {"risk": risk}}
        rules = {"tape_fills": tape, "order_size": 20.0}
        assert bellman_joint.rules(task_of(small_config, rules=rules, **changes)) == ()
