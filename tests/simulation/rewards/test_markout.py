"""The markout rewards: by hand from the tape, with tape fills and with clients."""

import numpy as np
import pytest

from tests.simulation.rewards.test_expected_fills import task_of
from tfmm.calibration import inventory_value


def mid_at(events, ts, before):
    """Mid of the last quote with before < ts' <= ts, or None."""
    quotes = events[(events["kind"] == 0) & (events["ts"] <= ts) & (events["ts"] > before)]
    return 0.5 * (quotes["lo_tick"][-1] + quotes["hi_tick"][-1]) if len(quotes) else None


@pytest.mark.parametrize("reward", ["markout", "shaped_markout"])
@pytest.mark.parametrize(
    "rules", [{"tape_fills": True, "touch": "always", "maker_fee_bps": 1.0, "order_size": 4.0}, {"tape_fills": False}]
)
def test_by_hand(small_config, rules, reward):
    rules |= {"partial": True}
    task = task_of(small_config, rules=rules, environment={"reward": reward, "markout_s": 7.0})
    values, orders = inventory_value.value_function(task), np.arange(-10, 11)
    if reward == "shaped_markout":
        assert values[0, 10] == 0 and (values[0, [0, 20]] < -task.scales[0].half_spread_tick).all()
    training = task.training_simulator(task.segments["train"], 3, 5)
    backtest = task.backtest_simulator(task.segments["train"], 3, 5)
    assert (training._reward.markout_ns, backtest._reward.markout_ns) == (7 * 10**9, 0)
    events, random = task.store.events, np.random.default_rng(1)
    segment = task.segments["train"][0]
    tape = events[segment.start_row : segment.stop_row]
    traded_at_all = 0
    for sim in (training, backtest):
        sim.reset()
    for _ in range(60):
        before, action = training.instruments[:, 0].copy(), random.uniform(-1.0, -0.3, (3, 2))
        for sim in (training, backtest):
            sim.step(action)
        np.testing.assert_array_equal(training.instruments["inventory_lot"], backtest.instruments["inventory_lot"])
        for b in np.flatnonzero(training.step_type > 0):
            now, was = training.instruments[b, 0], before[b]
            mids = [0.5 * (one["bid_tick"] + one["ask_tick"]) for one in (was, now)]
            traded = now["inventory_lot"] - was["inventory_lot"]
            ts = int(training.rows["ts"][b])
            later = mid_at(tape, ts + 7 * 10**9, ts) or mids[1]
            wanted = traded * (later - mids[1]) - was["inventory_lot"] * (mids[1] - mids[0])
            if values is not None:
                orders_before_and_after = (
                    np.array([one["inventory_lot"] for one in (was, now)]) / task.parameters["order_lot"][0]
                )
                wanted += np.diff(np.interp(orders_before_and_after, orders, values[0]))[0]
            got = (training.reward[b] - backtest.reward[b]) * task.reward_scale
            assert got == pytest.approx(wanted, abs=1e-3 * max(1.0, abs(wanted)))
            traded_at_all += abs(traded)
    assert traded_at_all > 0
