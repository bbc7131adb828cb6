"""Expectations in an evaluation: totals, sessions and blocks agree, and a policy is asked as the agent was."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.backtest import expected_objective
from tfmm.evaluation import objectives
from tfmm.policies.baselines import inventory_tables


@pytest.fixture(scope="module")
def task(small_config):
    return task_of(small_config, environment={"features": ["inventory", "spread"]})


def test_totals_sessions_and_blocks_agree(task):
    several = objectives.of_baseline(
        task, inventory_tables.fixed_spread(task), expected_objective.market_paths(task, "train")
    )
    results, parts = {}, {"sessions": {one.session: {} for one in several}, "instruments": {"X": {}}}
    objectives.add(results, parts, several)
    total = results["expected_objective"]
    assert total == pytest.approx(sum(one.objective.sum() for one in several)) and total != 0.0
    assert total == pytest.approx(sum(part["expected_objective"] for part in parts["sessions"].values()))
    assert parts["instruments"]["X"]["expected_objective"] == total
    metric, gains = objectives.blocks(None, several, None, 1.0)
    assert metric == "expected_objective"
    seconds = sum((one.ts[-1] - one.ts[0]) // 10**9 for one in several)
    assert len(gains) == seconds
    assert gains.sum() == pytest.approx(total, rel=0.02)
    metric, whole = objectives.blocks(None, several, None, 10.0)
    np.testing.assert_allclose(whole[0], gains[:10].sum(), rtol=1e-9)


def test_a_policy_of_actions_is_the_baseline_of_the_same_distances(task):
    """Offsets that do not depend on anything: what a table of these distances earns."""
    asked = []

    def policy(observation):
        asked.append(observation.shape[1])
        return np.full((len(observation), 2), -0.5, np.float32)

    half = 0.25 * 6.0 * task.scales[0].half_spread_tick  # a quarter of the range [0, 6]
    tables = inventory_tables.linear_tables(task, np.array([[half]]), np.zeros((1, 1)))[0]
    same = inventory_tables.InventoryTablePolicy("same", tables, np.eye(1), task.parameters["order_lot"], {})
    paths = expected_objective.market_paths(task, "test")
    one, other = objectives.of_policy(task, policy, paths), objectives.of_baseline(task, same, paths)
    assert set(asked) == {2}
    for mine, theirs in zip(one, other, strict=True):
        np.testing.assert_allclose(mine.objective, theirs.objective, rtol=1e-9)
