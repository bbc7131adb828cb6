"""Corrections of the quote of dynamic programming: by hand, and without any correction that quote itself."""

import json

import msgspec
import numpy as np
import pytest

from tests.live.test_session import assert_streamed, policy_of, quote
from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.backtest import closed_loop, expected_objective
from tfmm.calibration import fill_probes, inventory_value
from tfmm.config import loading
from tfmm.live import messages, session as session_lib
from tfmm.policies.baselines import bellman_spread, inventory_tables, optimal_tick
from tfmm.simulation import state
from tfmm.simulation.dealer import features, optimal_tick as optimal_tick_lib, quoting
from tfmm.training import export

S = 10**9
RESIDUAL = {"residual_range": 0.5}
STATE_DP = RESIDUAL | {"reference": "state_dp", "n_spread_states": 3, "distance_unit": "spread"}
ON_TAPE = {"rules": {"tape_fills": True, "touch": "always"}, "clients": {"rate_s": 0.0}}


def test_by_hand():
    """Mid 1000, unit 4: b(1.5) = (2 + 1) / 2 and b(-1.5) = (3 + 5) / 2 are corrected by .5 x .2 and .5 x -.4."""
    rules = np.zeros((), state.PARAMETERS)
    rules["residual_range"] = 0.5
    rules["reference_ask"] = np.pad([5.0, 3.0, 2.5, 2.0, 1.0], state.REFERENCE_ORDERS - 2, mode="edge")
    bid, ask = quoting.quote_prices(state.RESIDUAL_INVENTORY_DP, 1000.0, 4.0, rules[()], 1.5, 0.2, -0.4)
    assert ask == pytest.approx(1000 + 4 * (1.5 + 0.1))
    assert bid == pytest.approx(1000 - 4 * (4.0 - 0.2))
    # far beyond the limit: that of the limit
    bid, ask = quoting.quote_prices(state.RESIDUAL_INVENTORY_DP, 1000.0, 4.0, rules[()], -1e9, 0.0, 0.0)
    assert (bid, ask) == pytest.approx((1000 - 4 * 1.0, 1000 + 4 * 5.0))


@pytest.mark.parametrize("curve", ["exponential", "power", "logistic"])
def test_the_best_tick_is_that_of_every_tick_tried(curve):
    """Both sides, odd and even spreads, coarse and fine ticks, every inventory: against a loop over all prices."""
    rules = np.zeros(1, state.PARAMETERS)[0]
    x = np.linspace(0.0, 6.0, 241) - 0.5
    p = {
        "exponential": np.minimum(1.0, np.exp(-1.4 * x)),
        "power": (1 + np.maximum(x, 0)) ** -1.4,
        "logistic": 1 / (1 + np.exp(1.4 * (x - 0.3))),
    }[curve]
    rules["reference_fill_probability"] = 1.0 - np.exp(-1.4 * p)
    rules["order_lot"], rules["half_spread_tick"] = 1, 3.0
    rules["n_reference_states"], rules["reference_cuts"][0] = 2, 4.0
    random = np.random.default_rng(0)
    table = np.sort(random.normal(0.0, 6.0, (2, 2 * state.REFERENCE_ORDERS + 1)))[:, ::-1]
    rules["reference_marginal_value_tick"][:2] = table
    seen = set()
    for _ in range(300):
        book = np.zeros(1, state.INSTRUMENT_STATE)[0]
        spread = int(random.choice([0, 1, 2, 3, 4, 5, 8, 40, 77]))
        book["bid_tick"], book["ask_tick"] = 1000, 1000 + spread
        book["drift"], inventory = random.normal(0.0, 0.3), int(random.integers(-60, 61))
        found = optimal_tick_lib.distances(book, rules, *optimal_tick_lib.marginal_values(book, rules, inventory))
        for distance, side in zip(found, (1, -1), strict=True):
            wide, mid = max(spread, 0.5), 1000 + 0.5 * spread
            w = table[int(spread > 4), side * inventory + state.REFERENCE_ORDERS] - side * 3.0 * book["drift"]
            first = 1001 if side > 0 else 999 + spread
            tried = np.array([side * (first + side * k - mid) for k in range(int(6 * wide - 1 + 0.5 * spread) + 1)])
            gain = np.interp(tried / wide, x + 0.5, rules["reference_fill_probability"]) * (tried + w)
            index = int(np.argmax(gain)) if gain.max() > 0.0 else len(gain) - 1
            assert gain[round(distance - tried[0])] == pytest.approx(gain[index], rel=1e-9, abs=1e-12)
            assert (mid + side * distance) % 1 == 0.0
            seen.add(index == len(gain) - 1)
    assert seen == {False, True}


def test_corrections_of_the_moment_by_hand():
    """Spread 4 and P = e^-(d/4): the best d of all is 4 - w, of whole ticks the one with the largest P (d + w). A
    correction a takes a x .5 half-spreads = a ticks from w = .6, and a drift of .5 half-spreads a tick from a sale."""
    rules = np.zeros(1, state.PARAMETERS)[0]
    rules["order_lot"], rules["reference_fill_probability"] = 1, np.exp(-np.linspace(0.0, 6.0, 241))
    rules["residual_range"], rules["n_reference_states"], rules["half_spread_tick"] = 0.5, 1, 2.0
    rules["reference_marginal_value_tick"] = 0.6
    book = np.zeros(1, state.INSTRUMENT_STATE)[0]
    book["bid_tick"], book["ask_tick"], book["drift"] = 1000, 1004, 0.5
    ticks_away, found = np.arange(-1.0, 20.0), []
    for first, second in ((0.0, 0.0), (1.0, -1.0), (-1.0, 1.0), (0.4, 0.9)):
        below, above = quoting.prices(book, rules, state.RESIDUAL_STATE_DP, first, second, 0.0)
        ask, bid = (
            ticks_away[np.argmax(np.exp(-ticks_away / 4.0) * (ticks_away + w))]
            for w in (0.6 - 1.0 - first, 0.6 + 1.0 - second)
        )
        assert (below, above) == (1002 - bid, 1002 + ask)
        assert quoting.ask_on_tick(above) == above and quoting.bid_on_tick(below) == below
        assert abs(ask - (4.0 - 0.6 + 1.0 + first)) <= 1.0
        found.append(above)
    assert found[1] > found[0] > found[2]


def test_no_correction_is_the_baseline_fill_by_fill(small_config):
    """Fills of the tape: the distances that were measured are whole units, so that nothing is rounded otherwise."""
    changes = {"environment": RESIDUAL | {"offset_range": [0.0, 200.0]}, **ON_TAPE}
    task = task_of(small_config, **changes)
    wanted = inventory_tables.bellman(task, fill_probes.probe(task))
    sides = {"zero": (lambda sim: np.zeros((len(sim.instruments), 1, 2)), False), "bellman": (wanted, True)}
    runs = {name: closed_loop.run(task, "test", *one, name)[0] for name, one in sides.items()}
    np.testing.assert_array_equal(runs["zero"].fills, runs["bellman"].fills)
    assert len(runs["zero"].fills) > 5
    both = np.isfinite(runs["bellman"].schedule["ask_px"])
    np.testing.assert_array_equal(runs["zero"].schedule["ask_px"][both], runs["bellman"].schedule["ask_px"][both])


@pytest.mark.parametrize(
    "changes", [{}, ON_TAPE, {"environment": {"reference_price": "touch", "distance_unit": "spread"}}]
)
def test_the_table_is_its_own_mirror_and_leans_against_inventory(small_config, changes):
    environment = RESIDUAL | {"features": ["inventory", "spread"]} | changes.get("environment", {})
    task = task_of(small_config, **changes | {"environment": environment})
    base = np.array(task.scales[0].reference_ask)
    assert base.shape == (21,)
    assert base[0] == 6.0 or changes  # nothing is sold at the limit: the far end of offset_range
    assert (np.diff(base[1:]) <= 1e-9).all() and base[2] > base[18]
    assert task.reflection.action.source.tolist() == [1, 0]
    if not changes:
        distance, solution = inventory_value.solve_known(task, 0)
        ask = solution.quotes(distance)[1:, 0] / task.scales[0].half_spread_tick
        np.testing.assert_allclose(base[1:], ask, rtol=0.02)


def test_the_exact_law_of_no_correction_is_that_of_the_table(small_config):
    """An expected backtest asks for all inventories at once, a simulator for one."""
    environment = RESIDUAL | {"features": ["inventory", "spread", "imbalance"]}
    task = task_of(small_config, environment=environment)
    one = task.scales[0]
    ask = np.array(one.reference_ask) * one.half_spread_tick
    table = np.stack([ask, ask[::-1]], axis=-1)[np.newaxis]
    rule = inventory_tables.InventoryTablePolicy("table", table, np.eye(1), task.parameters["order_lot"], {})
    paths = expected_objective.market_paths(task, "test")
    (own, *_), (other, *_) = (
        expected_objective.evaluate(task, paths, lambda seen: np.zeros((len(seen.instruments), 2)), False),
        expected_objective.evaluate(task, paths, rule, True),
    )
    np.testing.assert_array_equal(own.objective, other.objective)
    assert own.objective.sum() != 0.0


def test_the_expected_backtest_of_no_residual_of_state_dp(small_config):
    """Against the same rule in numpy: policies.baselines.optimal_tick with the marginal value of a fill by state of the
    spread, and drift."""
    task = task_of(small_config, environment=STATE_DP | {"features": ["inventory", "spread", "drift"]})
    found, rules = inventory_value.solve_by_spread(task)[0], task.parameters[0]
    distance = np.linspace(0.0, 6.0, 241)
    chance = 1.0 - np.exp(-0.4 * np.exp(-np.maximum(distance - 0.5, 0.0)))
    np.testing.assert_allclose(task.scales[0].reference_fill_probability, chance, rtol=1e-9)
    fine = np.linspace(0.0, 6.0, 6001)

    def rule(seen):
        spread = (seen.instruments["ask_tick"] - seen.instruments["bid_tick"])[:, 0].astype(float)
        mid = 0.5 * (seen.instruments["ask_tick"] + seen.instruments["bid_tick"])[:, 0]
        inventory = np.rint(seen.instruments["inventory_lot"][:, 0] / rules["order_lot"]).astype(int)
        index = np.digitize(spread, found.cuts, right=True)
        moves = seen.observation[:, features.DRIFT] * rules["half_spread_tick"]
        sides = (
            (1, found.marginal_value[inventory + 10, index]),
            (-1, found.marginal_value[10 - inventory, index]),
        )
        taken = np.interp(fine, distance, chance)
        both = np.stack(
            [optimal_tick.best(side * mid, spread, fine, taken, value - side * moves) for side, value in sides],
            axis=-1,
        )
        # where no price earns anything, the farthest one
        last = 1.0 - 0.5 * spread + np.floor(6.5 * spread - 1.0)
        return np.where(np.isnan(both), last[:, np.newaxis], both)[:, np.newaxis]

    paths = expected_objective.market_paths(task, "test")
    (own, *_), (other, *_) = (
        expected_objective.evaluate(task, paths, lambda seen: np.zeros((len(seen.instruments), 2)), False),
        expected_objective.evaluate(task, paths, rule, True),
    )
    np.testing.assert_allclose(own.objective, other.objective, rtol=1e-6, atol=1e-9)
    bellman = next(one for one in bellman_spread.fit(task) if one.name == "bellman_spread_drift")
    best = expected_objective.evaluate(task, paths, bellman, True)[0].objective.sum()
    assert own.objective.sum() == pytest.approx(best, rel=0.1)


@pytest.mark.parametrize("base", [RESIDUAL | {"distance_unit": "spread"}, STATE_DP], ids=["inventory_dp", "state_dp"])
def test_streamed_quotes_equal_the_backtest(small_config, base):
    """Hedged by action: the quote is that of the inventory after the hedge."""
    changes = {"environment": base | {"features": ["inventory", "spread", "drift"]}, "rules": {"hedge": "action"}}
    run, *_ = assert_streamed(task_of(small_config, **changes), spread=3.0)
    assert {"CLIENT", "HEDGE"} <= set(run.fills["rule"])


def test_an_action_becomes_a_quote_by_the_exported_description_alone(small_config):
    task = task_of(small_config, environment=RESIDUAL | {"distance_unit": "spread"})
    run, _, answers = assert_streamed(task)
    about = json.loads(json.dumps(export.describe(task, 0)))
    assert about["action_map"]["ask_residual"] == "ask = m + u (b(Q) + residual_range a)"
    base, residual_range = about["scales"][0]["reference_ask"], about["config"]["environment"]["residual_range"]
    quotes = run.tape.events[run.tape.events["kind"] == 0]
    for (answer,), action in zip(answers, run.actions, strict=False):
        now = quotes[np.searchsorted(quotes["ts"], answer["ts"], side="right") - 1]
        inventory = (run.fills["side"] * run.fills["qty"])[run.fills["ts_ns"] <= answer["ts"]].sum()
        mid, half = 0.5 * (now["lo_tick"] + now["hi_tick"]), 0.5 * max(now["hi_tick"] - now["lo_tick"], 0.5)
        for name, side, a in (("ask", 1, action[0]), ("bid", -1, action[1])):
            distance = half * (np.interp(side * inventory, np.arange(-10, 11), base) + residual_range * float(a))
            tick = np.ceil(side * mid + distance - 1e-6) * side
            assert answer[name] == pytest.approx(tick * about["instruments"][0]["tick_size"], abs=1e-9)


def test_of_state_dp_it_does_too(small_config):
    """The best of all ticks as the description says, the marginal value changed by the residual; without drift."""
    task = task_of(small_config, environment=STATE_DP | {"features": ["inventory", "spread"]})
    run, _, answers = assert_streamed(task)
    about = json.loads(json.dumps(export.describe(task, 0)))
    assert about["action_map"]["ask_tick_residual"].startswith("ask = m + d; d >= 1 - S/2 with m + d a whole tick")
    scales, config = about["scales"][0], about["config"]
    residual_range = config["environment"]["residual_range"]
    quotes, compared = run.tape.events[run.tape.events["kind"] == 0], 0
    for (answer,), action in zip(answers, run.actions, strict=False):
        now = quotes[np.searchsorted(quotes["ts"], answer["ts"], side="right") - 1]
        inventory = (run.fills["side"] * run.fills["qty"])[run.fills["ts_ns"] <= answer["ts"]].sum()
        mid, s = 0.5 * (now["lo_tick"] + now["hi_tick"]), float(now["hi_tick"] - now["lo_tick"])
        w = scales["reference_marginal_value"][sum(s > cut for cut in scales["reference_cuts"])]
        for name, side, a in (("ask", 1, action[0]), ("bid", -1, action[1])):
            d = 1.0 - 0.5 * s + np.arange(int(6 * s))
            taken = np.interp(d / s, np.linspace(0.0, 6.0, 241), scales["reference_fill_probability"])
            worth = np.interp(side * inventory, np.arange(-10, 11), w) - 0.5 * s * residual_range * float(a)
            price = mid + side * d[np.argmax(taken * (d + worth))]
            assert answer[name] / about["instruments"][0]["tick_size"] == pytest.approx(price)
            compared += 1
    assert compared > 50


def test_of_the_moment_it_does_not_know_another_world(small_config):
    """Clients of another curve and rate, there and not in training: the same quotes; other fills."""
    task = task_of(small_config, environment=STATE_DP | {"features": ["inventory", "spread", "drift"]})
    clients = msgspec.structs.replace(task.config.clients, k=2.0, rate_s=0.1)
    other = task.in_scenario(msgspec.structs.replace(task.config, clients=clients))
    rows, quotes, fills = np.arange(100), [], []
    for one in (task, other):
        paths, act = expected_objective.market_paths(one, "test"), lambda seen: np.zeros((len(seen.instruments), 2))
        quotes.append(expected_objective.quotes(one, paths[0], rows, act, False))
        fills.append(expected_objective.evaluate(one, paths, act, False)[0].outcomes["sold"].sum())
    np.testing.assert_array_equal(*quotes)
    assert fills[1] < 0.5 * fills[0]


@pytest.mark.parametrize("base", [RESIDUAL, STATE_DP], ids=["inventory_dp", "state_dp"])
def test_a_reported_fill_does_not_move_the_quote_that_was_told(small_config, base):
    task = task_of(small_config, environment=base)
    session = session_lib.Session(policy_of(task), fills="reported")
    list(session.take(quote(0)))
    ((told,),) = session.take(quote(6 * S))
    list(session.take(messages.Fill(ts=6 * S, side=-1, price=100.1, size=4.0)))
    ((after,),) = session.take(messages.Time(ts=6 * S + 1))
    book = session.stream.instruments[0, 0]
    assert told["ts"] == 5 * S and after["ts"] == 6 * S and book["inventory_lot"] == -4
    assert (book["my_ask_tick"], book["my_bid_tick"]) == (round(told["ask"] * 100), round(told["bid"] * 100))
    assert after["ask"] > told["ask"]


def test_wrong_settings_are_config_errors(small_config):
    tree = msgspec.to_builtins(small_config)
    tree["environment"] |= RESIDUAL
    with pytest.raises(
        errors.ConfigError, match=r"environment\.residual_range is 0\.5 with skew_spread, wanted offsets"
    ):
        loading.decode(tree, "test")
    with pytest.raises(errors.ConfigError, match=r"environment\.reference is state_dp, but rules\.tape_fills is true"):
        task_of(small_config, environment=STATE_DP, rules={"tape_fills": True})
    with pytest.raises(
        errors.ConfigError, match=r"reference is state_dp, but environment\.reference_price is touch, wanted mid"
    ):
        task_of(small_config, environment=STATE_DP | {"reference_price": "touch"})
    with pytest.raises(errors.ConfigError, match=r"inventory_limit_orders is 65 with environment\.residual_range 0\.5"):
        task_of(small_config, environment=RESIDUAL, rules={"inventory_limit_orders": 65})
