"""Client flow: arrivals, probabilities, sizes; the same clients whatever is quoted; hedging and liquidation."""

import numpy as np
import pytest
from scipy import stats

from tfmm.calibration import scales as scales_lib
from tfmm.config import loading
from tfmm.environments.tape import parameters as parameters_lib
from tfmm.market import schema
from tfmm.simulation import kernel, simulator, state
from tfmm.simulation.clients import arrivals as arrivals_lib
from tfmm.simulation.dealer import features

S = 10**9
ONE = schema.Instrument(symbol="X", tick_size=1.0)
HALF_SPREAD = 5


def still_market(seconds=40_000):
    """Quotes of 995 / 1005 every ten seconds."""
    events = np.zeros(seconds // 10, schema.EVENT)
    events["ts"] = np.arange(len(events)) * 10 * S
    events["lo_tick"], events["hi_tick"] = 1000 - HALF_SPREAD, 1000 + HALF_SPREAD
    events["lo_size"] = events["hi_size"] = 1.0
    return events


class Whole:
    def __init__(self, events):
        self.events = events

    def __iter__(self):
        return iter(("day", 0, len(self.events), int(self.events["ts"][0]), int(self.events["ts"][-1])))


def make(rows=1, events=None, order_lot=1, limit_orders=10**9, window_s=0.0, threads=1, rules=None, **settings):
    """A recording simulator in `distances` mode on a market that stands still."""
    events = still_market() if events is None else events
    tree = {
        "environment": {"liquidate": settings.pop("liquidate", False)},
        "clients": settings,
        "rules": {"tape_fills": False, "taker_fee_bps": 10.0, "gap_s": 0.0, "inventory_limit_orders": limit_orders}
        | (rules or {}),
    }
    scales = (scales_lib.Scales(half_spread_tick=HALF_SPREAD, sigma_tick=1.0, order_lot=order_lot),)
    parameters = parameters_lib.build_parameters(loading.decode(tree, "test"), [ONE], scales)
    parameters["action"] = state.DISTANCES
    windows = None if window_s else np.array([[0, 0, int(events["ts"][-1])]])
    return simulator.Simulator(
        simulator.Tape(events, [Whole(events)], windows),
        parameters,
        rows,
        simulator.Decisions(1.0, window_s),
        seed=3,
        threads=threads,
        record=threads == 1,
    )


def play(sim, steps, ask=HALF_SPREAD, bid=HALF_SPREAD):
    """All fills of a row that quotes constant distances from the mid."""
    sim.reset()
    actions = np.broadcast_to(np.array([ask, bid], float), (*sim.instruments.shape, 2))
    out = []
    for _ in range(steps):
        sim.step(actions)
        out.append(sim.fills)
    return np.concatenate(out)


TABLE = tuple(np.linspace(1, 0.2, 17).tolist())
CURVES = [
    ({"curve": "exponential", "k": 1.5}, lambda x: min(1.0, np.exp(-1.5 * x))),
    ({"curve": "power", "k": 2.0}, lambda x: min(1.0, (1 + max(x, 0.0)) ** -2.0)),
    ({"curve": "logistic", "k": 3.0, "middle": 0.2}, lambda x: 1 / (1 + np.exp(3.0 * (x - 0.2)))),
    ({"curve": "table", "table": TABLE}, lambda x: np.interp(x, state.TABLE_X, TABLE)),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "expected"), CURVES, ids=[one["curve"] for one, _ in CURVES])
def test_clients_take_a_price_with_its_probability(settings, expected):
    """Chi-square over about 120 000 clients, three distances; and the formula itself."""
    sim = make(rate_s=1.0, **settings)
    for x in (-2.0, -0.5, 0.0, 0.3, 1.1, 5.0):
        assert arrivals_lib.fill_probability(x, sim.parameters[0]) == pytest.approx(expected(x), rel=1e-12)
    statistic, steps = 0.0, 20_000
    for distance in (HALF_SPREAD, HALF_SPREAD + 3, HALF_SPREAD + 8):
        # orders so large that none is used up
        sim = make(rate_s=1.0, order_lot=10_000, size_orders=1e-4, **settings)
        filled = len(play(sim, steps, distance, distance))
        arrived = 2.0 * steps
        probability = expected((distance - HALF_SPREAD) / (2 * HALF_SPREAD))
        # filled clients are Poisson with mean arrived x probability
        statistic += (filled - arrived * probability) ** 2 / (arrived * probability)
    assert statistic < stats.chi2.ppf(0.9999, 3)


def arrivals(sim, steps):
    """Number of clients in each step, seen through quotes that everyone takes."""
    fills = play(sim, steps, 0, 0)
    return np.bincount((fills["ts"] - fills["ts"].min()) // S, minlength=steps)


def test_poisson_arrivals_are_dispersed_as_poisson_and_hawkes_arrivals_more():
    calm = arrivals(make(rate_s=0.8, order_lot=10_000, size_orders=1e-4), 20_000)
    assert calm.mean() == pytest.approx(1.6, rel=0.04)
    assert calm.var() / calm.mean() == pytest.approx(1.0, abs=0.05)
    rush = make(rate_s=0.8, order_lot=10_000, size_orders=1e-4, branching=0.6, decay_s=2.0)
    rush = arrivals(rush, 20_000)
    assert rush.mean() == pytest.approx(1.6, rel=0.08)
    tens = rush[: len(rush) // 20 * 20].reshape(-1, 20).sum(axis=1)
    # 1 / (1 - .6)^2 = 6.25 over long windows
    assert 3.5 < tens.var() / tens.mean() < 8.0


def test_sizes_are_exponential_and_a_fill_is_at_most_the_quote():
    fills = play(make(rate_s=1.0, order_lot=1000, size_orders=0.05, random_size=True), 8_000, 0, 0)
    assert fills["lot"].mean() == pytest.approx(50.5, rel=0.05)
    assert fills["lot"].std() == pytest.approx(49.0, rel=0.1)
    capped = play(make(rate_s=1.0, order_lot=40, size_orders=2.0), 500, 0, 0)
    assert set(capped["lot"]) == {40}
    assert set(capped["rule"]) == {state.CLIENT}
    assert (capped["fee"] == 0).all()


def test_the_same_clients_come_whatever_is_quoted():
    wide, narrow = (make(rate_s=1.0, order_lot=10_000, size_orders=1e-4) for _ in range(2))
    far = play(wide, 3_000, HALF_SPREAD + 8, HALF_SPREAD + 8)
    near = play(narrow, 3_000, HALF_SPREAD, HALF_SPREAD)
    assert len(far) < len(near)
    assert set(far["ts"]) <= set(near["ts"])


def test_rows_meet_the_same_clients_on_one_and_two_threads():
    actions = np.random.default_rng(0).uniform(0, 20, (50, 8, 1, 2))
    out = []
    for threads in (1, 2):
        sim = make(rows=8, rate_s=1.0, window_s=30.0, threads=threads)
        sim.reset()
        rewards = []
        for one in actions:
            sim.step(one)
            rewards.append(sim.reward.copy())
        out.append((np.stack(rewards), sim.observation.copy(), sim.instruments.copy()))
    for left, right in zip(*out, strict=True):
        np.testing.assert_array_equal(left, right)
    assert (out[0][0] != 0).any()


def test_no_clients_and_no_tape_fills_earn_nothing():
    assert len(play(make(), 200, 0, 0)) == 0


def test_a_hedge_closes_what_is_beyond_its_limit_at_the_touch():
    sim = make(rate_s=1.0, rules={"hedge": "limit", "hedge_limit_orders": 2})
    fills = play(sim, 400, HALF_SPREAD, 1000)
    # only asks are taken: short, bought back at the ask of 1005 with 10 bp
    hedges = fills[fills["rule"] == state.HEDGE]
    assert len(hedges) > 10
    assert set(hedges["side"]) == {1}
    assert set(hedges["tick"]) == {1000 + HALF_SPREAD}
    assert hedges["fee"] == pytest.approx(hedges["lot"] * 1005 * 1e-3)
    inventory_lot = np.cumsum(fills["side"].astype(np.int64) * fills["lot"])
    last = np.flatnonzero(np.diff(fills["ts"] // S) > 0)
    assert (np.abs(inventory_lot[last]) <= 3).all()
    assert sim.instruments["inventory_lot"][0, 0] == inventory_lot[-1]


def test_a_liquidated_window_ends_flat():
    sim = make(rows=2, rate_s=1.0, window_s=20.0, liquidate=True)
    sim.reset()
    ends = 0
    for _ in range(200):
        sim.step(np.full((2, 1, 2), [HALF_SPREAD, 1000.0]))
        over = sim.step_type == kernel.LAST
        assert (sim.instruments["inventory_lot"][over, 0] == 0).all()
        ends += over.sum()
    assert ends >= 10


def test_sizes_and_hedges_as_actions():
    sim = make(rate_s=0.0, order_lot=10, rules={"hedge": "action"})
    sim.parameters["sizes"] = 1
    window = simulator.Tape(still_market(), [Whole(still_market())], np.array([[0, 0, 1000 * S]]))
    sim = simulator.Simulator(window, sim.parameters, 1, simulator.Decisions(1.0), record=True)
    assert sim.width == 5
    sim.reset()
    sim.instruments["inventory_lot"] = 8
    # ask size none, bid size 10 x 1.5; half of the 8 lots are closed at the bid of 995
    sim.step(np.array([[[5.0, 5.0, -1.0, 0.5, 0.5]]]))
    assert (sim.sent["ask_lot"][0, 0], sim.sent["bid_lot"][0, 0]) == (0, 15)
    assert [(one["side"], one["tick"], one["lot"], one["rule"]) for one in sim.fills] == [(-1, 995, 4, state.HEDGE)]
    sim.step(np.array([[[5.0, 5.0, 0.0, 1.0, -0.3]]]))
    assert (sim.sent["ask_lot"][0, 0], sim.sent["bid_lot"][0, 0]) == (10, 20)
    assert (len(sim.fills), sim.instruments["inventory_lot"][0, 0]) == (0, 4)


def test_the_place_in_the_queue_and_the_cash_are_seen():
    sim = make(rate_s=0.0, order_lot=10)
    sim.parameters["touch"], sim.parameters["cash_limit"] = state.TOUCH_QUEUE, 20_000.0
    sim.reset()
    sim.instruments["cash"] = -5000.0
    # at the bid of 995 one unit is displayed before our ten; the ask one tick behind the best is behind all
    sim.step(np.array([[[HALF_SPREAD + 1.0, HALF_SPREAD]]]))
    sim.step(np.array([[[HALF_SPREAD + 1.0, HALF_SPREAD]]]))
    seen = dict(zip(features.NAMES, sim.observation[0].tolist(), strict=True))
    assert seen["bid_queue"] == pytest.approx(1 / 11, rel=1e-5)
    assert seen["ask_queue"] == 1.0
    assert seen["cash"] == -0.25


def moving_market(seconds=60_000):
    """A mid that goes up or down by a tick every second, and stays the same every third one."""
    events = still_market(10 * seconds)
    events["ts"] = np.arange(len(events)) * S
    moves = np.random.default_rng(5).choice([-1, 0, 1], len(events)).cumsum()
    events["lo_tick"] += 5000 + moves
    events["hi_tick"] += 5000 + moves
    return events


def test_informed_clients_are_on_the_side_that_the_mid_goes_to():
    """By how often: a share of .4 knows the mid 3 s ahead, the others do not; over 100 000 fills."""
    events = moving_market()
    sim = make(2, events, rate_s=1.0, informed=0.4, ahead_s=3.0, window_s=0.0)
    fills = play(sim, len(events) - 10)
    assert len(fills) > 100_000
    mid = (events["lo_tick"] + events["hi_tick"]) / 2
    now = mid[np.searchsorted(events["ts"], fills["ts"], side="right") - 1]
    later = mid[np.searchsorted(events["ts"], fills["ts"] + 3 * S, side="right") - 1]
    towards = -fills["side"] * np.sign(later - now)  # we sell to a client who buys
    counts = np.array([(towards > 0).sum(), (towards < 0).sum()])
    # 1.4 and .6 clients a second at the touch, who all take it; each side is there for the first of them alone
    taken = 1.0 - np.exp(-np.array([1.4, 0.6]))
    assert counts[0] / counts.sum() == pytest.approx(taken[0] / taken.sum(), abs=0.01)
    still = fills["side"][later == now]
    assert abs((still > 0).mean() - 0.5) < 4.0 * 0.5 / np.sqrt(len(still))


def test_what_has_just_been_traded_is_seen():
    """inventory_change by hand: Q minus its 10 s average."""
    sim = make(1, rate_s=0.5, order_lot=2)
    sim.reset()
    average, column = 0.0, features.NAMES.index("inventory_change")
    for _ in range(200):
        sim.step(np.full((1, 1, 2), float(HALF_SPREAD)))
        inventory_lot = float(sim.instruments["inventory_lot"][0, 0])
        average = np.exp(-0.1) * average + (1.0 - np.exp(-0.1)) * inventory_lot
        assert sim.observation[0, column] == pytest.approx(np.clip((inventory_lot - average) / 2.0, -10, 10), abs=1e-6)
    assert inventory_lot != 0.0
