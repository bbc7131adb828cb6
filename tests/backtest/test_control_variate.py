"""The control variate: its mean is 0, and the objective minus the control variate has a smaller variance."""

import dataclasses

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import closed_loop, control_variate, expected_objective
from tfmm.evaluation import evaluate, objectives
from tfmm.evaluation.metrics import summary
from tfmm.simulation import rollout

ROWS = 400
RESIDUAL = {"residual_range": 1.0, "features": ["inventory", "drift"]}
JOINT = {
    "rules": {"order_size": (1.0, 20.0), "inventory_limit_orders": 4},
    "environment": RESIDUAL | {"risk": "covariance", "omega": ((1.0, 0.9), (0.9, 1.0))},
}


def objective_and_variate(task, action, windows):
    """(realised objective, control variate) of every row, money, the same clients for every action."""
    out, variate = [], control_variate.ControlVariate(task)
    expectation = control_variate.expectation_task(task)
    for create, is_expected in ((task.backtest_simulator, False), (expectation.training_simulator, True)):
        sim = create(task.segments["test"], len(windows), 7, windows=windows, record=True)
        total = np.zeros(len(windows))

        def act(sim, is_expected=is_expected):
            if is_expected:
                variate.begin_interval(sim)
            return action(sim)

        def after(sim, open_rows, is_expected=is_expected, total=total):
            money = task.reward_scale * task.costs.money_unit(0)
            total += (variate.end_interval(sim) if is_expected else sim.reward * money) * open_rows

        rollout.run(sim, act, after)
        out.append(total)
    return out


def constant(values):
    return lambda sim: np.tile(np.array(values), (len(sim.rows), 1))


SQUARED = {"risk": "covariance", "omega": [[1.5]], "risk_power": 1.0}


@pytest.mark.parametrize("risk", [{}, SQUARED], ids=["absolute", "squared"])
def test_minus_its_control_variate_the_objective_has_the_exact_mean(small_config, risk):
    """One instrument, where the inventory distribution is known too."""
    task = task_of(small_config, environment=RESIDUAL | risk)
    windows = np.tile(task.windows(task.segments["test"]), (ROWS, 1))
    realised, variates = objective_and_variate(task, constant([0.2, 0.1]), windows)
    exact = expected_objective.evaluate(
        task,
        expected_objective.market_paths(task, "test"),
        lambda states: np.tile([0.2, 0.1], (len(states.instruments), 1)),
        False,
    )
    wanted = sum(one.objective.sum() for one in exact)
    found = realised - variates
    assert found.std() < 0.5 * realised.std()
    assert found.mean() == pytest.approx(wanted, abs=3.5 * found.std() / np.sqrt(ROWS))
    assert abs(variates.mean()) < 3.5 * variates.std() / np.sqrt(ROWS)
    assert not control_variate.is_known(task)


@pytest.mark.parametrize("risk", ["covariance", "absolute"])
def test_the_difference_of_two_policies_has_a_smaller_variance(small_config, pair_store, risk):
    environment = (
        JOINT["environment"] if risk == "covariance" else RESIDUAL | {"reference": "state_dp", "n_spread_states": 3}
    )
    task = task_of(small_config, data={"store": str(pair_store)}, rules=JOINT["rules"], environment=environment)
    assert control_variate.is_known(task)
    windows = np.tile(task.windows(task.segments["test"]), (ROWS, 1))
    runs = [objective_and_variate(task, constant(one), windows) for one in ([0.2] * 4, [0.0] * 4)]
    for realised, variates in runs:
        assert abs(variates.mean()) < 3.5 * variates.std() / np.sqrt(ROWS)
        assert (realised - variates).std() < 0.4 * realised.std()
    (first, first_variate), (second, second_variate) = runs
    difference = first - second
    assert (difference - first_variate + second_variate).std() < 0.4 * difference.std()


def test_backtests_are_compared_without_it(small_config, pair_store):
    task = task_of(small_config, data={"store": str(pair_store)}, **JOINT)
    acts = {"near": constant([0.0] * 4), "far": constant([0.2] * 4)}
    runs = closed_loop.run_all(task, "test", acts, False)
    for name in acts:
        first = runs[name][0].session
        results, parts = {"objective": 5.0}, {"sessions": {first: {"objective": 5.0}}}
        control_variate.add(results, parts, runs[name])
        total = sum(one.control_variate[1].sum() for one in runs[name])
        assert results[control_variate.METRIC] == pytest.approx(5.0 - total) and total != 0.0
        of_first = sum(one.control_variate[1].sum() for one in runs[name] if one.session == first)
        assert parts["sessions"][first][control_variate.METRIC] == pytest.approx(5.0 - of_first)
        for one in runs[name]:
            ends, money = one.control_variate
            assert ends.shape == money.shape and ends[-1] == one.span[1] and (np.diff(ends) > 0).all()
    # one block of the whole segment: the realised objective minus the control variate
    whole_s = (runs["near"][0].span[1] - runs["near"][0].span[0]) * 1e-9
    metric, blocks = objectives.blocks(runs["near"][:1], None, _risk(task), whole_s)
    assert metric == control_variate.METRIC
    realised = summary.block_objectives(runs["near"][:1], _risk(task), whole_s)
    assert blocks[0] == pytest.approx(realised[0] - runs["near"][0].control_variate[1].sum())
    # a rival of other rules may have none: then all are compared by the objective
    none = dict.fromkeys(runs)
    results = {name: {"objective": 1.0, control_variate.METRIC: 2.0} for name in runs}
    (entry,), _ = evaluate._compare(runs, none, results, _risk(task), task.config)
    assert entry["metric"] == control_variate.METRIC
    runs["far"] = [dataclasses.replace(one, control_variate=None) for one in runs["far"]]
    del results["far"][control_variate.METRIC]
    (entry,), best = evaluate._compare(runs, none, results, _risk(task), task.config)
    assert (entry["metric"], best) == ("objective", "far")


def _risk(task):
    return summary.risk_of(task)
