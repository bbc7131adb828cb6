"""Rewards of expected fills: by hand, and against the realised profit on average."""

import itertools

import msgspec
import numpy as np
import pytest

from tfmm.calibration import inventory_value
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.market import schema


def task_of(small_config, store=None, **changes):
    tree = msgspec.to_builtins(small_config)
    tree["clients"] |= {"rate_s": 0.4}
    tree["rules"] |= {"tape_fills": False, "order_size": 1.0}
    tree["environment"] |= {"action": "offsets", "offset_range": [0.0, 6.0], "risk_aversion": 0.2}
    for section, values in changes.items():
        tree[section] |= values
    return tape_task.TapeTask.create(loading.decode(tree, "test"))


def rules_of(task):
    return task.parameters[0]


def mid_of(books):
    return 0.5 * (books["bid_tick"] + books["ask_tick"])


GAP_NS = 60_000_000_000
HEDGES = [
    {},
    {"hedge": "limit", "hedge_limit_orders": 1, "taker_fee_bps": 0.5},
    {"hedge": "action", "taker_fee_bps": 0.5},
    {"hedge": "limit", "hedge_limit_orders": 1, "taker_fee_per_unit": 0.002, "minimum_fee": 0.005},
]


@pytest.mark.parametrize("rules", HEDGES, ids=["none", "limit", "action", "fee per unit"])
def test_its_mean_is_that_of_the_realised_profit(small_config, rules):
    """The same rows, quotes and clients with both rewards; but for Q dM the difference is noise with mean 0."""
    task = task_of(small_config, environment={"reward": "expected_pnl"}, rules=rules)
    rows = 512
    creates = task.backtest_simulator, task.training_simulator
    sims = [create(task.segments["train"], rows, 3) for create in creates]
    random, totals = np.random.default_rng(0), np.zeros((2, rows))
    for sim in sims:
        sim.reset()
    for _ in range(50):
        action = random.uniform(-1.0, 0.5, (rows, len(task.action_names)))
        before = sims[0].instruments[:, 0].copy()
        for k, sim in enumerate(sims):
            sim.step(action)
            totals[k] += sim.reward
        inside = sims[0].step_type != 0
        moved = mid_of(sims[0].instruments[:, 0]) - mid_of(before)
        inventory = sims[0].instruments["start_inventory_lot"][:, 0]  # after the hedge
        totals[0] -= np.where(inside, inventory * moved, 0.0) / task.reward_scale
    np.testing.assert_array_equal(sims[0].instruments["inventory_lot"], sims[1].instruments["inventory_lot"])
    difference = totals[0] - totals[1]
    assert abs(difference.mean()) < 3.0 * difference.std() / np.sqrt(rows)
    assert difference.std() > 0.1
    assert (sims[0].instruments["fees"] > 0).any() == bool(rules)
    assert totals[1].var() < totals[0].var()


def test_every_instrument_is_filled_as_often_as_expected(small_config, pair_store):
    task = task_of(
        small_config,
        data={"store": str(pair_store)},
        rules={"order_size": (1.0, 20.0)},
        environment={"reward": "expected_pnl"},
    )
    sim = task.training_simulator(task.segments["train"], 256, 3, record=True)
    sim.reset()
    expected, variance, seen = np.zeros((3, 2, 2))
    for _ in range(60):
        sim.step(np.full((256, 4), -0.6))
        inside = sim.step_type != 0
        for k, name in enumerate(("bid_fill_probability", "ask_fill_probability")):
            chance = sim.instruments[name][inside]
            expected[:, k] += chance.sum(axis=0)
            variance[:, k] += (chance * (1.0 - chance)).sum(axis=0)
        fills = sim.fills[inside[sim.fills["batch_row"]]]
        np.add.at(seen, (fills["instrument"], (fills["side"] < 0).astype(int)), 1.0)
    assert (np.abs(seen - expected) < 4.0 * np.sqrt(variance)).all()
    assert (expected > 1000).all()


def along_the_tape(events, start, until, quote, inventory, power=1.0):
    """Whether clients take ask and bid (probabilities) and the mean of int |Q|^power dt, by steps of time; quote:
    prices or None. start: (cursor, ts, bid_tick, ask_tick, last_ns)."""
    cursor, now, bid_tick, ask_tick, last_ns = start
    kept, rates, lot_s, met = [1.0, 1.0], [0.0, 0.0], 0.0, True
    stops = [(e["ts"], e) for e in events[cursor : cursor + 5000] if e["ts"] <= until] + [(until, None)]
    for ts, event in stops:
        spread = max(ask_tick - bid_tick, 0.5)
        for k, beyond in enumerate((quote[0] and quote[0] - ask_tick, quote[1] and bid_tick - quote[1])):
            rates[k] = 0.0 if beyond is None or not met else 0.4 * min(1.0, np.exp(-beyond / spread))
        seconds = (ts - now) * 1e-9
        if seconds > 0:
            # the middles of short steps stand for all of them
            middles = (np.arange(400) + 0.5) * seconds / 400
            a, b = (one * np.exp(-rate * middles) for one, rate in zip(kept, rates, strict=True))
            down, up = (1 - a) * b, (1 - b) * a
            mean = (
                abs(inventory) ** power * (1 - down - up)
                + abs(inventory - 1) ** power * down
                + abs(inventory + 1) ** power * up
            )
            lot_s += mean.mean() * seconds
            kept = [one * np.exp(-rate * seconds) for one, rate in zip(kept, rates, strict=True)]
        now = ts
        if event is not None:
            met, last_ns = met and event["ts"] - last_ns <= GAP_NS, event["ts"]
            if event["kind"] == schema.QUOTE:
                bid_tick, ask_tick = event["lo_tick"], event["hi_tick"]
    return [1.0 - one for one in kept], lot_s


SQUARED = {"risk": "covariance", "omega": [[2.0]], "risk_power": 1.0}


@pytest.mark.parametrize("states", [1, 3])
@pytest.mark.parametrize("rules", HEDGES, ids=["none", "limit", "action", "fee per unit"])
@pytest.mark.parametrize("risk", [{}, SQUARED], ids=["absolute", "squared"])
def test_by_hand(small_config, risk, rules, states):
    """One step from a given inventory: the hedge, expected fills at the fair price, risk, change of the value."""
    environment = {"reward": "shaped_expected_pnl", "features": ["inventory", "drift"], "n_spread_states": states}
    task = task_of(small_config, environment=environment | risk, rules=rules)
    # orders are of one lot
    cost_per_s, power = (2.0 * 0.2 * task.reward_scale, 2.0) if risk else (rules_of(task)["risk"], 1.0)
    values = inventory_value.value_function(task).reshape(states, 21)
    cuts = inventory_value.solve_by_spread(task)[0].cuts if states > 1 else []

    def value_at(book):
        now = sum(book["ask_tick"] - book["bid_tick"] > cut for cut in cuts)
        visited.add(now)
        return values[now]

    visited = set()
    sim = task.training_simulator(task.segments["train"], 1, 5)
    sim.reset()
    events, hedges, moving = task.store.events, 0, 0
    action = np.array([[-0.6, -0.4, 0.7]])[:, : len(task.action_names)]
    for _ in range(80):
        before, seen = sim.instruments[0, 0].copy(), task.observe(sim)[0, 1]
        cursor, now = sim.rows["cursor"][0], sim.rows["ts"][0]
        sim.step(action)
        if sim.step_type[0] != 1:
            continue
        drift = task.observe(sim)[0, 1]
        book, sent = sim.instruments[0, 0], sim.sent[0, 0]
        ask, bid = max(sent["ask_tick"], before["bid_tick"] + 1), min(sent["bid_tick"], before["ask_tick"] - 1)
        inventory, v, wanted = before["inventory_lot"], value_at(before), 0.0
        if task.config.rules.hedge == "action" and inventory:
            # .7 of 1, 2, 3, ... orders of a lot: 1, 1, 2, ... sold at the bid or bought at the ask, fee on top
            closed, side = int(0.7 * abs(inventory) + 0.5), np.sign(inventory)
            touch = before["bid_tick"] if inventory > 0 else before["ask_tick"]
            fair = mid_of(before) + seen * rules_of(task)["half_spread_tick"]
            wanted = closed * (side * (touch - fair) - 0.5e-4 * touch)
            wanted += v[inventory - side * closed + 10] - v[inventory + 10]
            inventory -= side * closed
            hedges += closed
        quote = ask if inventory - 1 >= -10 else None, bid if inventory + 1 <= 10 else None
        start = cursor, now, before["bid_tick"], before["ask_tick"], before["last_ns"]
        p, lot_s = along_the_tape(events, start, sim.rows["ts"][0], quote, inventory, power)
        moving += len({tuple(e) for e in events[["lo_tick", "hi_tick"]][cursor : sim.rows["cursor"][0]]}) > 1
        fair = mid_of(book) + drift * rules_of(task)["half_spread_tick"]
        wanted += p[0] * (ask - fair) + p[1] * (fair - bid)
        wanted -= cost_per_s * lot_s
        after = dict(enumerate(value_at(book), -10))
        if task.config.rules.hedge == "limit":
            # a lot of .2 ticks pays the minimum of .5
            sold_for, bought_for = book["bid_tick"], book["ask_tick"]
            fees = [0.5e-4 * one if "taker_fee_bps" in rules else 0.5 for one in (sold_for, bought_for)]
            after[-2] = after[-1] + fair - bought_for - fees[1]
            after[2] = after[1] + sold_for - fair - fees[0]
            hedges += abs(inventory) == 1
        wanted += p[0] * (1 - p[1]) * (after.get(inventory - 1, 0.0) - after[inventory])
        wanted += p[1] * (1 - p[0]) * (after.get(inventory + 1, 0.0) - after[inventory])
        assert sim.reward[0] == pytest.approx(wanted / task.reward_scale, rel=1e-5, abs=1e-6)
    assert (hedges > 5) == bool(rules)
    assert moving > 5
    assert len(visited) == states


@pytest.mark.parametrize(("states", "reference"), [(1, "inventory_dp"), (4, "state_dp")])
@pytest.mark.parametrize("case", [*HEDGES, "two"], ids=["none", "limit", "action", "fee per unit", "two"])
def test_without_discount_it_is_the_advantage_over_the_reference_quote_on_the_same_tape(
    small_config, pair_store, case, states, reference
):
    """At a discount of 0: from one state, the reward of a quote less that of the reference quote without a hedge;
    0 for the reference quote itself, whatever the tape and the clients do."""
    environment = {"reward": "shaped_expected_pnl", "residual_range": 0.8, "features": ["inventory", "drift"]}
    environment |= {"n_spread_states": states, "reference": reference}
    more = {"rules": case}
    if case == "two":
        environment |= {"risk": "covariance", "omega": ((1.0, 0.9), (0.9, 1.0))}
        more = {"data": {"store": str(pair_store)}, "rules": {"order_size": (1.0, 20.0), "inventory_limit_orders": 2}}
    tasks = [task_of(small_config, **more, environment=environment, agent={"gamma": g}) for g in (0.0, 0.5)]
    width = len(tasks[0].action_names)
    sims = [one.training_simulator(one.segments["train"], 64, 5) for one in tasks]
    for sim in sims:
        sim.reset()
    no_residual, random, differences = np.zeros((64, width)), np.random.default_rng(0), []
    for _ in range(25):
        start, action = sims[0].get_state(), random.uniform(-1.0, 1.0, (64, width))
        rewards = {}
        for k, sim in enumerate(sims):
            for name, residual in (("reference", no_residual), ("own", action)):
                sim.set_state(start)
                sim.step(residual)
                rewards[name, k] = sim.reward.astype(float)
        np.testing.assert_allclose(rewards["reference", 0], 0.0, atol=1e-6)
        np.testing.assert_allclose(rewards["own", 0], rewards["own", 1] - rewards["reference", 1], atol=1e-5)
        differences.append(rewards["own", 0])
        for sim in sims:
            sim.set_state(start)
            sim.step(action)
    assert np.std(differences) > 0.01


def risk_of(one, two):
    return (one**2 + two**2 + 2 * 0.9 * one * two) ** 0.5


def test_joint_inventory_of_two_by_hand(small_config, pair_store):
    """Four fills that may or may not happen, 16 outcomes: E V(Q') - V(Q) of the joint inventory, and its risk once."""
    task = task_of(
        small_config,
        data={"store": str(pair_store)},
        rules={"order_size": (1.0, 20.0), "inventory_limit_orders": 2},
        environment={"reward": "shaped_expected_pnl", "risk": "covariance", "omega": ((1.0, 0.9), (0.9, 1.0))},
    )
    values = inventory_value.value_function(task)
    assert values.shape == (1, 25)
    assert values[0, 12] == 0.0
    v = inventory_value.solve_joint(task).value.reshape(5, 5)
    assert v[3, 1] > v[3, 3]  # what hedges each other is worth more than what adds up
    sim = task.training_simulator(task.segments["train"], 1, 5)
    sim.reset()
    seen = set()
    for _ in range(60):
        before = sim.instruments[0].copy()
        sim.step(np.array([[[-0.6, -0.4], [-0.5, -0.7]]]))
        if sim.step_type[0] != 1:
            continue
        after = sim.instruments[0]
        inventory = [round(one) for one in before["inventory_lot"] / task.parameters["order_lot"]]
        wanted = -task.risk.cost_per_s * risk_of(*inventory)
        for n, rules in enumerate(task.parameters):
            own = after["ask_fill_probability"][n] * (after["expected_ask_tick"][n] - mid_of(after[n]))
            own += after["bid_fill_probability"][n] * (mid_of(after[n]) - after["expected_bid_tick"][n])
            wanted += own * rules["order_lot"] * rules["weight"]
            assert (after["ask_fill_probability"][n] == 0.0) == (inventory[n] == -2)
        p = [after[name][n] for n in range(2) for name in ("ask_fill_probability", "bid_fill_probability")]
        for fills in itertools.product((0, 1), repeat=4):
            chance = np.prod([one if filled else 1.0 - one for one, filled in zip(p, fills, strict=True)])
            if chance > 0:
                moved = inventory[0] + fills[1] - fills[0], inventory[1] + fills[3] - fills[2]
                wanted += chance * (v[moved[0] + 2, moved[1] + 2] - v[inventory[0] + 2, inventory[1] + 2])
                # a fill comes in the middle of the second
                wanted -= chance * task.risk.cost_per_s * 0.5 * (risk_of(*moved) - risk_of(*inventory))
        assert sim.reward[0] == pytest.approx(wanted / task.reward_scale, rel=1e-4, abs=1e-5)
        seen.add(tuple(inventory))
    assert len(seen) > 5
