"""The baseline of a flat dealer: against a simulator whose inventory is taken away before every step."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.calibration import fill_probes, flat_quote
from tfmm.config import loading
from tfmm.environments import factory
from tfmm.simulation import state
from tfmm.simulation.rewards.kinds import RewardKind
from tfmm.training import reward_noise

ROWS, STEPS, SPREADS = 64, 150, 0.6
FLAT = {"reward_baseline": "flat_dealer", "baseline_distance": SPREADS}
CLIENTS = {"rules": {"tape_fills": False, "order_size": 1.0}}
CASES = {
    "clients": (CLIENTS, {}),
    "clients, joint risk": (CLIENTS, {"risk": "covariance", "omega": [[1.0]], "risk_power": 1.0}),
    "clients, hedge": ({"rules": {"hedge": "limit", "hedge_limit_orders": 0, "taker_fee_bps": 0.5}}, {}),
    "tape": ({"rules": {"tape_fills": True, "touch": "always", "maker_fee_bps": -0.2}, "clients": {"rate_s": 0.0}}, {}),
    "queue": ({"rules": {"tape_fills": True, "touch": "queue", "partial": True}}, {}),
    "latency": ({"rules": {"tape_fills": True, "touch": "queue", "latency_s": 0.3}}, {}),
    "liquidation": ({"rules": {"tape_fills": True}}, {"liquidate": True, "window_s": 60.0}),
}
DRAWN = ["realised_pnl", "markout", "shaped_markout"]
EXPECTED = ["expected_pnl", "shaped_expected_pnl"]


def task_with(small_config, case, **environment):
    changes, more = CASES[case]
    return task_of(small_config, agent={"gamma": 0.9}, environment=more | environment, **changes)


def steps_of(sim, act):
    """(STEPS, B) rewards of a simulator, its inventory as it was at the last step."""
    sim.reset()
    out = []
    for _ in range(STEPS):
        sim.step(act(sim))
        out.append(sim.reward.copy())
    return np.array(out)


def without_inventory(sim):
    """The distances of the flat dealer's quotes, after all that he held is taken away."""
    for name in ("inventory_lot", "cash", "fees", "abs_lot_s"):
        sim.instruments[name] = 0
    sim.rows["risk_s"] = sim.rows["risk_now"] = 0.0
    spread = np.maximum(sim.instruments["ask_tick"] - sim.instruments["bid_tick"], state.LOCKED_TICK)
    return np.repeat(SPREADS * spread[..., np.newaxis], 2, axis=2)


def random_actions(task, seed):
    random = np.random.default_rng(seed)
    return lambda sim: random.uniform(-1.0, 1.0, (ROWS, len(task.action_names)))


def baselines(small_config, case, kind, seed):
    """(STEPS, B): what the baseline subtracts from the rewards of random quotes."""
    plain, flat = (task_with(small_config, case, reward=kind, **one) for one in ({}, FLAT))
    rewards = [
        steps_of(task.training_simulator(task.segments["train"], ROWS, 5), random_actions(task, seed))
        for task in (plain, flat)
    ]
    return rewards[0] - rewards[1]


@pytest.mark.parametrize(
    ("case", "kind"),
    [(case, kind) for case in CASES for kind in (DRAWN if case != "clients, joint risk" else ["realised_pnl"])]
    + [(case, kind) for case in CASES if case.startswith("clients") for kind in EXPECTED],
)
def test_it_is_what_quotes_at_one_distance_earn_without_inventory(small_config, case, kind):
    found = baselines(small_config, case, kind, seed=0)
    task = task_with(small_config, case, reward=kind)
    alone = task.training_simulator(task.segments["train"], ROWS, 5, distances=True)
    wanted = steps_of(alone, without_inventory)
    np.testing.assert_allclose(found, wanted, rtol=1e-4, atol=2e-5)
    assert np.mean(wanted != 0.0) > 0.05


@pytest.mark.parametrize("case", CASES)
def test_no_action_changes_it(small_config, case):
    """So at every discount all policies have the same order with it and without it."""
    one, other = (baselines(small_config, case, "realised_pnl", seed) for seed in (0, 1))
    np.testing.assert_allclose(one, other, atol=2e-5)


def test_it_takes_most_of_the_noise_from_expected_rewards(small_config):
    """Quotes at twice its distance, no price of risk, limits far away: the deviation is less than half."""
    rules = {"tape_fills": False, "order_size": 1.0, "inventory_limit_orders": 60}
    deviations = []
    for baseline in ({}, FLAT):
        environment = {"reward": "expected_pnl", "risk_aversion": 0.0} | baseline
        task = task_of(small_config, rules=rules, agent={"gamma": 0.9}, environment=environment)
        sim = task.training_simulator(task.segments["train"], ROWS, 5)
        deviations.append(steps_of(sim, lambda sim: np.full((ROWS, 2), -0.2)).std())
    assert deviations[1] < 0.5 * deviations[0]


@pytest.mark.parametrize("name", ["market_making", "simple_model"])
def test_the_share_of_the_variance_that_is_left(small_config, name):
    """Against the rewards themselves, with and without the baseline, of the same uniform actions."""
    if name == "market_making":
        task = task_with(small_config, "clients", reward="realised_pnl", **FLAT)
        without = task_with(small_config, "clients", reward="realised_pnl")
    else:
        tree = {"environment": {"name": name, **FLAT}}
        task = factory.open_task(loading.decode(tree, "test"))
        without = factory.open_task(loading.decode({"environment": {"name": name}}, "test"))
    variances = []
    for one in (task, without):
        env, random = one.environment("train", 64, 11), np.random.default_rng(11)
        env.reset()
        steps = [env.step(random.uniform(-1.0, 1.0, (64, 2)).astype(np.float32)) for _ in range(200)]
        variances.append(np.var(np.concatenate([step.reward[step.step_type != 0] for step in steps])))
    assert reward_noise.variance_ratio(task) == pytest.approx(variances[0] / variances[1], rel=1e-5)
    assert variances[0] != pytest.approx(variances[1], rel=0.01)


def test_the_distance_is_the_most_profitable_one(small_config):
    """Known fills, .4 clients a second: of (1 - exp(-.4 exp(-k (d - 1/2)))) d; else the best of the probes."""
    known = task_of(small_config, clients={"k": 0.8}, environment=FLAT | {"baseline_distance": 0.0})
    tried = np.linspace(0.5, 4.0, 3501)
    gain = (1.0 - np.exp(-0.4 * np.exp(-0.8 * (tried - 0.5)))) * tried
    assert flat_quote.fit(known) == pytest.approx([tried[gain.argmax()]], abs=0.02)
    assert flat_quote.fit(task_with(small_config, "tape", **FLAT)).tolist() == [SPREADS]
    task = task_with(small_config, "tape", **FLAT | {"baseline_distance": 0.0})
    (fills,), spread = fill_probes.probe(task), 2.0 * task.scales[0].half_spread_tick
    best = fills.distance_tick[np.argmax(fills.gain)] / spread if fills.gain.max() > 0 else 0.5
    assert flat_quote.fit(task) == pytest.approx([best])


def test_a_restored_state_continues_with_the_same_baseline(small_config):
    task = task_with(small_config, "queue", **FLAT)
    sim = task.training_simulator(task.segments["train"], ROWS, 5)
    steps_of(sim, random_actions(task, 0))
    kept, rewards = sim.get_state(), []
    for _ in range(2):
        sim.set_state(kept)
        rewards.append([])
        act = random_actions(task, 1)
        for _ in range(20):
            sim.step(act(sim))
            rewards[-1].append(sim.reward.copy())
    np.testing.assert_array_equal(*rewards)


def test_every_kind_of_reward_is_tried_here():
    assert {kind.name.lower() for kind in RewardKind} == {*DRAWN, *EXPECTED}
