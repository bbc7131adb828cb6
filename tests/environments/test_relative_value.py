"""Which components of an observation no action changes, and what subtracting the value of the market alone does."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.config import loading
from tfmm.environments import factory
from tfmm.simulation.dealer import features

ROWS = 32
QUEUES = {"tape_fills": True, "touch": "queue", "cash_limit": 1e6, "partial": True}


def exogenous_and_own(task, steps=60):
    """(T, 2, B, F) observations of two dealers who act at random on the same market, and the mask."""
    seen = []
    for seed in (0, 1):
        env, random = task.environment("train", ROWS, 3), np.random.default_rng(seed)
        shape = (ROWS, len(task.action_names))
        observations = [env.reset().observation.copy()]
        for _ in range(steps):
            step = env.step(random.uniform(-1.0, 1.0, shape).astype(np.float32))
            observations.append(step.observation.copy())
        seen.append(observations)
    return np.stack(seen, axis=1), task.exogenous.astype(bool)


@pytest.mark.parametrize("rules", [{}, QUEUES], ids=["clients", "queues"])
def test_no_action_changes_what_is_exogenous(small_config, rules):
    environment = {"features": list(features.NAMES), "rows": ROWS, "offset_range": [-1.0, 3.0]}
    agent = {"relative_value": True}
    seen, exogenous = exogenous_and_own(task_of(small_config, environment=environment, rules=rules, agent=agent))
    np.testing.assert_array_equal(seen[:, 0][..., exogenous], seen[:, 1][..., exogenous])
    changed = (seen[:, 0] != seen[:, 1]).any(axis=(0, 1))
    used = {"inventory", "inventory_change", "bid_distance", "ask_distance"}
    used |= {"bid_queue", "ask_queue", "bid_ahead", "ask_ahead", "cash"} if rules else set()
    assert used <= {features.NAMES[n] for n in np.flatnonzero(changed)}


@pytest.mark.parametrize(
    "change", [[], ["model.mid=mean_reverting"], ["model.delay=2"], ["model.branching=0.3"]], ids=str
)
def test_no_action_changes_what_is_exogenous_in_a_model(change):
    changes = [f"environment.rows={ROWS}", "agent.relative_value=true", *change]
    task = factory.open_task(loading.load("configs/simple_model.toml", changes))
    seen, exogenous = exogenous_and_own(task)
    np.testing.assert_array_equal(seen[:, 0][..., exogenous], seen[:, 1][..., exogenous])
    assert (seen[:, 0] != seen[:, 1]).any(axis=(0, 1))[~exogenous].all()


def test_it_leaves_the_best_policy_as_it_is():
    """Value iteration on a market of 4 states: V less gamma E[V(x', 0) | x], and the same best quotes everywhere."""
    random, gamma, limit = np.random.default_rng(5), 0.97, 3
    moves = random.dirichlet(np.ones(4), 4)
    income = random.uniform(0.2, 1.0, (4, 3))  # of a market state and a quote
    fill = np.array([0.9, 0.5, 0.2]) * random.uniform(0.5, 1.0, (4, 1))  # of either side, with quote 0 to 2
    inventory = np.arange(-limit, limit + 1)
    risk = 0.05 * np.abs(inventory)
    quotes = [(ask, bid) for ask in range(3) for bid in range(3)]

    def after(values, x, q, ask, bid):
        """E of the values (4, 2 L + 1) after the interval; a side that would leave the limit is not quoted."""
        sold, bought = fill[x, ask] * (q > 0), fill[x, bid] * (q < 2 * limit)
        down, up = sold * (1 - bought), bought * (1 - sold)
        reward = sold * income[x, ask] + bought * income[x, bid] - risk[q]
        nexts = moves[x] @ values
        value = down * nexts[max(q - 1, 0)] + up * nexts[min(q + 1, 2 * limit)] + (1 - down - up) * nexts[q]
        return reward + gamma * value

    solved = []
    for relative in (False, True):
        values = np.zeros((4, 2 * limit + 1))
        for _ in range(2000):
            flat = values[:, [limit]] if relative else 0.0
            all_q = np.array(
                [[[after(values - flat, x, q, *k) for k in quotes] for q in range(2 * limit + 1)] for x in range(4)]
            )
            converged = np.abs(all_q.max(axis=-1) - values).max() < 1e-11
            values = all_q.max(axis=-1)
            if converged:
                break
        solved.append((values, all_q.argmax(axis=-1)))
    (values, best), (relative_values, relative_best) = solved
    np.testing.assert_array_equal(best, relative_best)
    np.testing.assert_allclose(relative_values, values - gamma * (moves @ values[:, limit])[:, np.newaxis], atol=1e-7)
    assert len(np.unique(best)) > 2


def test_an_environment_without_an_exogenous_market_is_refused():
    with pytest.raises(errors.ConfigError, match=r"relative_value is true, but environment.name is dealer_hedging"):
        loading.load("configs/dealer_hedging.toml", ["agent.relative_value=true"])
