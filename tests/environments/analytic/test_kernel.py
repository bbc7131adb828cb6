"""Analytic models: against a plain-Python dealer on the same draws, and against the exact values."""

import math

import msgspec
import numpy as np
import pytest

from tfmm import errors
from tfmm.config import loading
from tfmm.environments import factory
from tfmm.environments.analytic import kernel, quotes, task as analytic_task

_MASK = 2**64 - 1
BASE = {"beta": 0.99, "risk": 0.05}
MODELS = {
    "simple": {},
    "start without inventory": {"random_start": False, "window_steps": 7, "limit": 2},
    "logistic clients": {"curve": "logistic", "middle": 0.5, "k": 3.0, "rate": 0.7},
    "power clients": {"curve": "power", "k": 2.0},
    "table": {"curve": "table", "table": tuple(np.linspace(1.0, 0.0, 17).tolist())},
    "expected": {"reward": "expected_pnl", "rate": 0.5},
    "two currencies": {"omega": ((1.0, 0.5), (0.5, 2.0)), "risk_power": 0.7, "limit": 3},
    "jumps": {"mid": "jump", "jump_rate": 0.3, "jump_size": 2.0},
    "moving mid": {"mid": "brownian", "sigma": 0.5},
    "mean reversion": {"mid": "mean_reverting", "sigma": 0.5, "reversion": 0.1, "mid_reward": "expected_pnl"},
    "mean reversion, expected": {
        "mid": "mean_reverting", "sigma": 0.5, "reversion": 0.1, "reward": "expected_pnl", "mid_reward": "expected_pnl"
    },
    "clustered clients": {"branching": 0.6, "decay": 0.5, "rate": 0.4},
    "random spread": {"spread_sigma": 0.2},
    "delay": {"delay": 2},
}  # fmt: skip
HEDGE = {"rate": 0.3, "hedge_rate": 0.8, "hedge_cost": 0.5, "hedge_impact": 0.2, "hedge_permanent": 0.01}


def task_of(name="simple_model", **changes):
    settings = loading.decode(
        {"environment": {"name": name}, "model": {**BASE, **msgspec.to_builtins(changes)}}, "test"
    )
    return factory.open_task(settings)


class PlainDealer:
    """One dealer, the rules of environments.analytic.kernel in plain Python."""

    def __init__(self, settings, word):
        self.m, self.word = settings, int(word)
        self.count = len(settings.omega)
        self.actions = 2 * self.count + (settings.hedge_rate > 0)
        self.begin()

    def uniform(self):
        self.word = (self.word + 0x9E3779B97F4A7C15) & _MASK
        z = ((self.word ^ (self.word >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & _MASK
        return ((z ^ (z >> 31)) >> 11) / 2**53

    def normal(self):
        radius = math.sqrt(-2.0 * math.log(1.0 - self.uniform()))
        return radius * math.cos(2.0 * math.pi * self.uniform())

    def begin(self):
        m = self.m
        self.step_number, self.end = 0, round(m.horizon / m.step) or m.window_steps
        if m.random_start and m.horizon:
            self.step_number = int(self.uniform() * self.end)
        self.inventory, self.mid = [0] * self.count, [0.0] * self.count
        for n in range(self.count):
            if m.random_start:
                self.inventory[n] = int(self.uniform() * (2 * m.limit + 1)) - m.limit
            if m.mid == "mean_reverting":
                self.mid[n] = m.sigma / math.sqrt(2 * m.reversion) * self.normal()
        self.excess = [[0.0, 0.0] for _ in range(self.count)]
        self.log_spread = [0.0] * self.count
        far = [1.0] * self.actions
        if m.hedge_rate:
            far[-1] = 0.0
        self.queue = [far] * m.delay

    def advance(self, action):
        m = self.m
        self.queue.append([min(1.0, max(-1.0, float(one))) for one in action])
        action = self.queue.pop(0)
        inventory = np.array(self.inventory, float)
        total = -m.risk * m.step * float(inventory @ np.array(m.omega) @ inventory) ** m.risk_power
        for n in range(self.count):
            before, spread, expected = self.inventory[n], math.exp(self.log_spread[n]), float(self.inventory[n])
            for side, sign in ((0, -1), (1, 1)):
                arrival_draw, decision_draw = self.uniform(), self.uniform()
                arrives = min(1.0, (m.rate * (1 - m.branching) + self.excess[n][side]) * m.step)
                distance = m.distance_range[0] + (action[2 * n + side] + 1) / 2 * (
                    m.distance_range[1] - m.distance_range[0]
                )
                trades = (
                    float(quotes.fill_curve(m)._replace(arrival_probability=1.0)(distance))
                    if abs(before + sign) <= m.limit
                    else 0.0
                )
                if arrival_draw < arrives and decision_draw < trades:
                    self.inventory[n] += sign
                    if m.reward == "realised_pnl":
                        total += distance * spread
                if m.reward == "expected_pnl":
                    total += arrives * trades * distance * spread
                expected += sign * arrives * trades
                self.excess[n][side] += m.branching * m.decay * (arrival_draw < arrives)
                self.excess[n][side] *= math.exp(-m.decay * m.step)
            if m.hedge_rate:
                beyond = max(0.0, abs(action[-1]) - 0.1) / 0.9
                rate, drawn = np.sign(action[-1]) * beyond * m.hedge_rate, self.uniform()
                outward = abs(before) >= m.limit - 1 and rate * before > 0
                if not outward:
                    unit = m.hedge_cost + m.hedge_permanent * abs(before) + m.hedge_impact * abs(rate)
                    total -= unit * abs(rate) * m.step
                    if drawn < abs(rate) * m.step:
                        self.inventory[n] += 1 if rate > 0 else -1
            if m.mid != "constant":
                drift, move = self.move(self.mid[n])
                counted = expected if m.reward == "expected_pnl" else self.inventory[n]
                total += counted * drift if m.mid_reward == "expected_pnl" else self.inventory[n] * move
                self.mid[n] += move
            if m.spread_sigma:
                self.log_spread[n] += -m.spread_reversion * self.log_spread[n] + m.spread_sigma * self.normal()
        self.step_number += 1
        return total

    def move(self, mid):
        m = self.m
        if m.mid == "brownian":
            return 0.0, m.sigma * math.sqrt(m.step) * self.normal()
        if m.mid == "jump":
            jumps, up = self.uniform() < m.jump_rate * m.step, self.uniform() < 0.5
            return 0.0, (m.jump_size if up else -m.jump_size) * jumps
        drift = -m.reversion * m.step * mid
        return drift, drift + m.sigma * math.sqrt(m.step) * self.normal()


@pytest.mark.parametrize("name", [*MODELS, "dealer_hedging", "avellaneda_stoikov"])
def test_agrees_with_plain_python_on_the_same_draws(name):
    if name == "dealer_hedging":
        task = task_of(name, **HEDGE)
    elif name == "avellaneda_stoikov":
        task = factory.open_task(loading.load("configs/avellaneda_stoikov.toml"))
    else:
        task = task_of(**MODELS[name])
    sim = task.simulator(3, seed=11)
    slow = [PlainDealer(task.config.model, word) for word in sim.rows["random"]]
    sim.reset()
    random = np.random.default_rng(1)
    for _ in range(250):
        actions = random.uniform(-1.2, 1.2, (3, len(task.action_names)))
        was_last = sim.step_type == kernel.LAST
        sim.step(actions)
        for b, one in enumerate(slow):
            if was_last[b]:
                one.begin()
                assert sim.step_type[b] == kernel.FIRST
            else:
                assert sim.reward[b] == pytest.approx(one.advance(actions[b]), rel=1e-6, abs=1e-6)
                assert (sim.step_type[b] == kernel.LAST) == (one.step_number >= one.end)
            assert sim.rows["inventory"][b, : one.count].tolist() == one.inventory
            np.testing.assert_allclose(sim.rows["mid"][b, : one.count], one.mid, rtol=1e-9, atol=1e-12)
        assert sim.observation.shape[1] == len(task.feature_names)
        column = task.feature_names.index("inventory") if "inventory" in task.feature_names else 1
        inventories = [one.inventory[-1 if one.count > 1 else 0] / one.m.limit for one in slow]
        np.testing.assert_allclose(sim.observation[:, column], inventories, rtol=1e-6)


@pytest.mark.parametrize(
    "name", [name for name in MODELS if name != "delay"] + ["dealer_hedging", "avellaneda_stoikov"]
)
def test_the_baseline_is_what_a_dealer_without_inventory_earns_from_the_same_clients(name):
    """Against plain Python dealers that lose their inventory before every step."""
    settings = {"environment": {"name": name if name not in MODELS else "simple_model"}}
    if name == "avellaneda_stoikov":
        settings = msgspec.to_builtins(loading.load("configs/avellaneda_stoikov.toml"))
    else:
        settings["model"] = {**BASE, **msgspec.to_builtins(HEDGE if name == "dealer_hedging" else MODELS[name])}
    settings["environment"] |= {"reward_baseline": "flat_dealer", "baseline_distance": 0.7}
    task = factory.open_task(loading.decode(settings, "test"))
    plain, subtracted = task.simulator(3, seed=11), task.with_baseline().simulator(3, seed=11)
    flat = [PlainDealer(task.config.model, word) for word in plain.rows["random"]]
    low, high = task.config.model.distance_range
    constant = np.full(len(task.action_names), 2.0 * (0.7 - low) / (high - low) - 1.0)
    if name == "dealer_hedging":
        constant[-1] = 0.0
    plain.reset(), subtracted.reset()
    random = np.random.default_rng(1)
    earned = 0.0
    for _ in range(250):
        actions = random.uniform(-1.0, 1.0, (3, len(task.action_names)))
        begins = plain.step_type == kernel.LAST
        plain.step(actions)
        subtracted.step(actions)
        np.testing.assert_array_equal(subtracted.observation, plain.observation)
        for b, one in enumerate(flat):
            if begins[b]:
                one.begin()
            else:
                one.inventory = [0] * one.count
                baseline = one.advance(constant)
                earned += abs(baseline)
                assert plain.reward[b] - subtracted.reward[b] == pytest.approx(baseline, rel=1e-5, abs=1e-5)
    assert earned > 1.0


def test_the_baseline_takes_the_most_profitable_distance_and_leaves_evaluations_alone():
    """At k = 1 that is one spread, whose expected income is the reward centre; only rewards of train lack it."""
    settings = {"environment": {"name": "simple_model", "reward_baseline": "flat_dealer"}, "model": BASE}
    task = factory.open_task(loading.decode(settings | {"model": {**BASE, "reward": "expected_pnl"}}, "test"))
    rewards = {}
    for split in ("train", "test"):
        sim = task.environment(split, 8, 0).simulator
        sim.reset()
        sim.step(np.zeros((8, 2)))
        rewards[split] = sim.reward.copy()
    np.testing.assert_allclose(rewards["test"] - rewards["train"], task.reward_centre, rtol=1e-6)
    assert task.with_baseline().parameters.baseline_distance == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("name", ["simple_model", "avellaneda_stoikov"])
def test_what_fills_could_have_been(name):
    """Drawn changes of the inventory are as often up and down as the probabilities that come with the reward say."""
    changes = ["agent.td_target=expected_fills", "model.reward=expected_pnl"]
    task = factory.open_task(loading.load(f"configs/{name}.toml", changes))
    env, random = task.environment("train", 64, 3), np.random.default_rng(0)
    steps, inventory = [env.reset()], task.feature_names.index("inventory")
    for _ in range(300):
        steps.append(env.step(random.uniform(-1.0, 0.5, (64, 2)).astype(np.float32)))
        inside = steps[-1].step_type != kernel.FIRST
        moved = (steps[-1].observation - steps[-2].observation)[inside, inventory]
        per_order = task.observation_per_order[inventory]
        np.testing.assert_allclose(moved, steps[-1].reward[inside, 3] * per_order, atol=1e-6)
    rewards = np.concatenate([step.reward[step.step_type != kernel.FIRST] for step in steps])
    _, sold, bought, change = rewards.T
    for probability, drawn in ((sold * (1 - bought), change == -1), (bought * (1 - sold), change == 1)):
        deviation = np.sqrt((probability * (1 - probability)).sum())
        assert abs(drawn.sum() - probability.sum()) < 4 * deviation
        assert drawn.sum() > 100
    for change, message in (
        ("model.reward=realised_pnl", "model.reward is realised_pnl, wanted expected_pnl"),
        ("model.branching=0.5", "model.branching is 0.5, wanted 0"),
        ("model.omega=[[1.0, 0.0], [0.0, 1.0]]", "model.omega has 2 rows, wanted one"),
    ):
        if name == "simple_model":
            with pytest.raises(errors.ConfigError, match=message):
                _ = factory.open_task(loading.load(f"configs/{name}.toml", [*changes, change])).observation_per_order


def test_rows_do_not_depend_on_the_batch_or_its_threads():
    task = task_of()
    few, many = task.simulator(2, seed=5), task.simulator(2048, seed=5)
    few.reset(), many.reset()
    actions = np.random.default_rng(0).uniform(-1, 1, (50, 2048, 2))
    for action in actions:
        few.step(action[:2])
        many.step(action)
        np.testing.assert_array_equal(few.reward, many.reward[:2])
        np.testing.assert_array_equal(few.observation, many.observation[:2])


def test_a_restored_state_continues_exactly():
    sim = task_of(delay=1, branching=0.3).simulator(4, seed=2)
    sim.reset()
    sim.step(np.zeros((4, 2)))
    kept = sim.get_state()
    first = [(sim.step(np.full((4, 2), 0.1)), sim.reward.copy())[1] for _ in range(20)]
    sim.set_state(kept)
    again = [(sim.step(np.full((4, 2), 0.1)), sim.reward.copy())[1] for _ in range(20)]
    np.testing.assert_array_equal(first, again)


@pytest.mark.parametrize("name", ["simple_model", "avellaneda_stoikov", "dealer_hedging", "two_currencies"])
@pytest.mark.parametrize("reward", ["realised_pnl", "expected_pnl"])
def test_the_optimal_policy_earns_its_exact_value(name, reward):
    """The discounted reward over 3000 paths is within three standard errors of V*, the fills drawn or expected."""
    config = loading.load(f"configs/{name}.toml", [f"model.reward={reward}"])
    task = analytic_task.AnalyticTask.create(config)
    table = task.exact.by_inventory(np.zeros((len(task.exact.observations()), len(task.action_names))))
    best = table[:, [k for k, column in enumerate(task.exact.columns) if column.startswith("optimal_")]]
    if name == "avellaneda_stoikov":
        best = task.exact.optimal_distances()
    low, high = config.model.distance_range
    actions = np.where(np.isnan(best), 1.0, (best - low) / (high - low) * 2.0 - 1.0)
    if name == "dealer_hedging":
        share = best[:, 2] / config.model.hedge_rate
        actions[:, 2] = np.sign(share) * (0.1 + 0.9 * np.abs(share))
    known = {one.tobytes(): action for one, action in zip(task.exact.observations(), actions, strict=True)}
    mean, error = task.discounted_reward(lambda seen: np.array([known[one.tobytes()] for one in seen]), 3000, seed=4)
    value = task.exact.gap(actions)
    assert value["ratio"] == pytest.approx(1.0, abs=1e-4)
    assert abs(mean - value["value"]) < 3.0 * error
    assert error < 0.01 * value["value"]
