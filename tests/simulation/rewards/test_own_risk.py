"""Where one instrument is quoted, covariance risk is its own: Omega = 1 and u = 1/2 are absolute risk."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import control_variate, expected_objective
from tfmm.simulation.rewards.kinds import RewardKind

REFERENCES = {
    "none": {},
    "inventory_dp": {"residual_range": 1.0},
    "state_dp": {"residual_range": 1.0, "reference": "state_dp", "n_spread_states": 3},
}
ROWS, STEPS = 512, 60


def tasks(small_config, store=None, agent=None, **environment):
    """The same task with absolute and with covariance risk."""
    changes, omega, rules = {}, [[1.0]], {}
    if store is not None:
        changes = {"data": {"store": str(store)}}
        omega, rules = [[1.0, 0.7], [0.7, 1.0]], {"order_size": (1.0, 20.0)}
        environment |= {"quoted": ["ONE"]}
    risks = {}, {"risk": "covariance", "omega": omega, "risk_power": 0.5}
    return [
        task_of(small_config, rules=rules, environment=environment | risk, agent=agent or {}, **changes)
        for risk in risks
    ]


def rewards(task):
    sim, random = task.training_simulator(task.segments["train"], ROWS, 3), np.random.default_rng(0)
    sim.reset()
    out = []
    for _ in range(STEPS):
        sim.step(random.uniform(-1.0, 0.5, (ROWS, len(task.action_names))))
        out.append(sim.reward.copy())
    assert np.abs(sim.instruments["inventory_lot"]).max() > 1
    return np.array(out)


@pytest.mark.parametrize("reference", REFERENCES)
@pytest.mark.parametrize("kind", RewardKind, ids=lambda one: one.name)
def test_every_reward_is_that_of_absolute_risk(small_config, kind, reference):
    """The same clients come to both, so that rewards whose risk is drawn are equal too."""
    agent = {"gamma": 0.9 if reference == "none" else 0.0}
    both = tasks(small_config, agent=agent, reward=kind.name.lower(), **REFERENCES[reference])
    simulators = [task.training_simulator(task.segments["train"], 1) for task in both]
    assert [sim._reward.kind for sim in simulators] == [kind, kind]
    absolute, covariance = (rewards(task) for task in both)
    np.testing.assert_allclose(covariance, absolute, rtol=1e-5, atol=2e-5)
    assert absolute.std() > 0.01


@pytest.mark.parametrize("kind", ["expected_pnl", "shaped_expected_pnl"])
def test_an_instrument_that_is_only_seen_changes_nothing(small_config, pair_store, kind):
    absolute, covariance = (rewards(task) for task in tasks(small_config, pair_store, reward=kind))
    np.testing.assert_allclose(covariance, absolute, rtol=1e-5, atol=2e-5)
    assert absolute.std() > 0.01


def test_the_objectives_of_backtests_are_those_of_absolute_risk(small_config, pair_store):
    """Expected where one instrument is on the tape, adjusted by a control variate where another is seen."""
    found = []
    for task in tasks(small_config, features=["inventory", "drift"]):
        assert expected_objective.is_known(task)
        paths = expected_objective.market_paths(task, "test")
        runs = expected_objective.evaluate(
            task, paths, lambda seen: np.full((len(seen.instruments), 1, 2), -0.5), False
        )
        found.append(np.concatenate([one.objective for one in runs]))
    np.testing.assert_allclose(found[1], found[0], rtol=1e-9)
    variates = []
    for task in tasks(small_config, pair_store, features=["inventory", "drift"]):
        assert control_variate.is_known(task)
        expectation = control_variate.expectation_task(task)
        variate, total = control_variate.ControlVariate(task), []
        sim = expectation.training_simulator(task.segments["train"], 64, 3, record=True)
        sim.reset()
        for _ in range(40):
            variate.begin_interval(sim)
            sim.step(np.full((64, 1, 2), -0.5))
            total.append(variate.end_interval(sim) * (sim.step_type > 0))
        variates.append(np.array(total))
    np.testing.assert_allclose(variates[1], variates[0], rtol=1e-5, atol=1e-5 * np.abs(variates[0]).max())
    assert variates[0].std() > 0.0


@pytest.mark.parametrize("power", [0.5, 1.0, 0.75])
def test_the_cost_of_an_inventory_is_a_power_of_it(small_config, power):
    task = task_of(small_config, environment={"risk": "covariance", "omega": [[2.0]], "risk_power": power})
    assert not task.risk.is_joint
    unit = task.config.environment.risk_aversion * task.reward_scale / task.parameters["order_lot"][0]
    interval_s = task.config.environment.interval_s
    for orders, cost in zip(range(-10, 11), task.costs.holding_cost(0), strict=True):
        assert cost == pytest.approx(unit * interval_s * (2.0 * orders**2) ** power, rel=1e-12)
