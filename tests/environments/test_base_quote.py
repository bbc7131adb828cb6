"""Corrections of the quote of dynamic programming: by hand, and without any correction that quote itself."""

import json

import msgspec
import numpy as np
import pytest

from tests.policies.test_streaming import assert_streamed, policy_of, quote
from tests.simulation.test_lesson import problem_of
from tfmm import config as config_lib
from tfmm import errors
from tfmm.environments import lessons, measurement
from tfmm.evaluation import backtest
from tfmm.policies import baselines, law, streaming
from tfmm.simulation import quoting, state
from tfmm.training import export

S = 10**9
RESIDUAL = {"residual": 0.5}
ON_TAPE = {"rules": {"tape_fills": True, "touch": "always"}, "clients": {"rate_s": 0.0}}


def test_by_hand():
    """Mid 1000, unit 4: b(1.5) = (2 + 1) / 2 and b(-1.5) = (3 + 5) / 2 are corrected by .5 x .2 and .5 x -.4."""
    rules = np.zeros((), state.PARAMETERS)
    rules["residual"] = 0.5
    rules["base_ask"] = np.pad([5.0, 3.0, 2.5, 2.0, 1.0], state.BASE_ORDERS - 2, mode="edge")
    bid, ask = quoting.quote_prices(state.CORRECTIONS, 1000.0, 4.0, rules[()], 1.5, 0.2, -0.4)
    assert ask == pytest.approx(1000 + 4 * (1.5 + 0.1))
    assert bid == pytest.approx(1000 - 4 * (4.0 - 0.2))
    # far beyond the limit: that of the limit
    bid, ask = quoting.quote_prices(state.CORRECTIONS, 1000.0, 4.0, rules[()], -1e9, 0.0, 0.0)
    assert (bid, ask) == pytest.approx((1000 - 4 * 1.0, 1000 + 4 * 5.0))


def test_no_correction_is_the_baseline_fill_by_fill(small_config):
    """Fills of the tape: the distances that were measured are whole units, so that nothing is rounded otherwise."""
    changes = {"environment": RESIDUAL | {"offset_range": [0.0, 200.0]}, **ON_TAPE}
    problem = problem_of(small_config, **changes)
    wanted = baselines.bellman(problem, measurement.measure(problem))
    sides = {"zero": (lambda sim: np.zeros((len(sim.books), 1, 2)), False), "bellman": (wanted, True)}
    runs = {name: backtest.run(problem, "test", *one, name)[0] for name, one in sides.items()}
    np.testing.assert_array_equal(runs["zero"].fills, runs["bellman"].fills)
    assert len(runs["zero"].fills) > 5
    both = np.isfinite(runs["bellman"].schedule["ask_px"])
    np.testing.assert_array_equal(runs["zero"].schedule["ask_px"][both], runs["bellman"].schedule["ask_px"][both])


@pytest.mark.parametrize("changes", [{}, ON_TAPE, {"environment": {"reference": "touch", "distance_unit": "spread"}}])
def test_the_table_is_its_own_mirror_and_leans_against_inventory(small_config, changes):
    environment = RESIDUAL | {"features": ["inventory", "spread"]} | changes.get("environment", {})
    problem = problem_of(small_config, **changes | {"environment": environment})
    base = np.array(problem.scales[0].base_ask)
    assert base.shape == (21,)
    assert base[0] == 6.0 or changes  # nothing is sold at the limit: the far end of offset_range
    assert (np.diff(base[1:]) <= 1e-9).all() and base[2] > base[18]
    assert problem.mirror.action.place.tolist() == [1, 0]
    if not changes:
        distance, solution = lessons.solve(problem, 0)
        ask = solution.quotes(distance)[1:, 0] / problem.scales[0].half_spread_tick
        np.testing.assert_allclose(base[1:], ask, rtol=0.02)


def test_the_exact_law_of_no_correction_is_that_of_the_table(small_config):
    """The law asks for every inventory at once what the simulator would ask for one by one."""
    environment = RESIDUAL | {"features": ["inventory", "spread", "imbalance"]}
    problem = problem_of(small_config, environment=environment)
    one = problem.scales[0]
    ask = np.array(one.base_ask) * one.half_spread_tick
    table = np.stack([ask, ask[::-1]], axis=-1)[np.newaxis]
    rule = baselines.Baseline("table", table, np.eye(1), problem.parameters["order_lot"], {})
    watched = law.watch(problem, "test")
    (own, *_), (other, *_) = (
        law.expected(problem, watched, lambda seen: np.zeros((len(seen.books), 2)), False),
        law.expected(problem, watched, rule, True),
    )
    np.testing.assert_array_equal(own.objective, other.objective)
    assert own.objective.sum() != 0.0


def test_streamed_quotes_equal_the_backtest(small_config):
    """Hedged by action: the quote is that of what is left."""
    changes = {"environment": RESIDUAL | {"distance_unit": "spread"}, "rules": {"hedge": "action"}}
    run, *_ = assert_streamed(problem_of(small_config, **changes), spread=3.0)
    assert {"CLIENT", "HEDGE"} <= set(run.fills["rule"])


def test_an_action_becomes_a_quote_by_the_exported_description_alone(small_config):
    problem = problem_of(small_config, environment=RESIDUAL | {"distance_unit": "spread"})
    run, _, answers = assert_streamed(problem)
    about = json.loads(json.dumps(export.describe(problem, 0)))
    assert about["action_map"]["ask_correction"] == "ask = m + u (b(Q) + residual a)"
    base, residual = about["scales"][0]["base_ask"], about["config"]["environment"]["residual"]
    quotes = run.tape.events[run.tape.events["kind"] == 0]
    for (answer,), action in zip(answers, run.actions, strict=False):
        now = quotes[np.searchsorted(quotes["ts"], answer["ts"], side="right") - 1]
        held = (run.fills["side"] * run.fills["qty"])[run.fills["ts_ns"] <= answer["ts"]].sum()
        mid, half = 0.5 * (now["lo_tick"] + now["hi_tick"]), 0.5 * max(now["hi_tick"] - now["lo_tick"], 0.5)
        for name, side, a in (("ask", 1, action[0]), ("bid", -1, action[1])):
            distance = half * (np.interp(side * held, np.arange(-10, 11), base) + residual * float(a))
            tick = np.ceil(side * mid + distance - 1e-6) * side
            assert answer[name] == pytest.approx(tick * about["instruments"][0]["tick_size"], abs=1e-9)


def test_a_reported_fill_does_not_move_the_quote_that_was_told(small_config):
    problem = problem_of(small_config, environment=RESIDUAL)
    session = streaming.Session(policy_of(problem), fills="reported")
    list(session.take(quote(0)))
    ((told,),) = session.take(quote(6 * S))
    list(session.take(streaming.Fill(ts=6 * S, side=-1, price=100.1, size=4.0)))
    ((after,),) = session.take(streaming.Time(ts=6 * S + 1))
    book = session.stream.books[0, 0]
    assert told["ts"] == 5 * S and after["ts"] == 6 * S and book["inventory_lot"] == -4
    assert (book["my_ask_tick"], book["my_bid_tick"]) == (round(told["ask"] * 100), round(told["bid"] * 100))
    assert after["ask"] > told["ask"]


def test_wrong_settings_are_config_errors(small_config):
    tree = msgspec.to_builtins(small_config)
    tree["environment"] |= RESIDUAL
    with pytest.raises(errors.ConfigError, match=r"environment\.residual is 0\.5 with skew_spread, wanted offsets"):
        config_lib.decode(tree, "test")
    with pytest.raises(errors.ConfigError, match=r"inventory_limit_orders is 65 with environment\.residual 0\.5"):
        problem_of(small_config, environment=RESIDUAL, rules={"inventory_limit_orders": 65})
