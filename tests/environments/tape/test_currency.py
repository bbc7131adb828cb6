"""Profits in another currency than accounts are kept in: worked numbers, and rewards against the report."""

import msgspec
import numpy as np
import pandas as pd
import pytest

from tfmm import errors
from tfmm.backtest import closed_loop, record
from tfmm.config import environment, loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation.metrics import path as path_lib, summary
from tfmm.evaluation.report import fill_log
from tfmm.market import schema, tape
from tfmm.market.ingest import store_writer
from tfmm.simulation.exchange import replay

CROSS = schema.Instrument(symbol="ETHBTC", tick_size=0.001, quote_currency="BTC")
RATE = schema.Instrument(symbol="BTCUSD", tick_size=0.5, quote_currency="USD")
SECONDS = 600


def pair(mid, rate, trades):
    """A tape of ETHBTC at mid +/- .001 and BTCUSD at rate +/- .5, a quote each second; trades: rows ts s, px, side."""
    ts = np.arange(len(mid)) * 10**9
    cross = pd.DataFrame({"ts": ts, "bid": mid - 0.001, "bid_size": 9.0, "ask": mid + 0.001, "ask_size": 9.0})
    other = pd.DataFrame({"ts": ts + 1, "bid": rate - 0.5, "bid_size": 9.0, "ask": rate + 0.5, "ask_size": 9.0})
    printed = pd.DataFrame(trades, columns=["ts", "price", "side"]).assign(size=1.0)
    printed["ts"] = (printed["ts"] * 1e9).astype(np.int64)
    parts = [tape.Tape.from_frames(cross, printed, CROSS), tape.Tape.from_frames(other, printed.iloc[:0], RATE)]
    merged = tape.Tape.merge(parts)
    return tape.Tape(merged.events, merged.instruments, rates={0: 1})


def test_by_hand():
    """Bought 1 at .049 (mid .050, BTC at 100), sold 1 at .053 (mid .052, BTC at 200), BTC at 300 in the end; fee .0001.

    Earned: .053 - .049 - .0002 = .0038 BTC, at 300 USD 1.14. Spread: .001 x 100 + .001 x 200 = .3.
    Fees: .0001 x 100 + .0001 x 200 = .03. Inventory: 1.14 - .3 + .03 = .87.
    """
    mid = np.repeat([0.050, 0.052, 0.052], 10)
    one = pair(mid, np.repeat([100.0, 200.0, 300.0], 10), [(5.5, 0.048, -1), (15.5, 0.054, 1)])
    fills = np.zeros(2, replay.FILLS)
    rows = np.flatnonzero(one.events["kind"] == schema.TRADE)
    fills["ts_ns"], fills["event"], fills["rule"] = one.events["ts"][rows], rows, "TRADE"
    fills["side"], fills["px"], fills["qty"], fills["fee"] = (1, -1), (0.049, 0.053), 1.0, 0.0001
    path = path_lib.path(one, fills, (0, int(29e9)), 0)
    assert path.net[-1] == pytest.approx(1.14)
    assert path.capture[-1] == pytest.approx(0.3)
    assert path.fees[-1] == pytest.approx(0.03)
    assert path.gross[-1] - path.capture[-1] == pytest.approx(0.87)
    # after the purchase: .05 - .049 - .0001 = .0009 BTC, at 100
    assert path.at(np.array([int(8e9)]), path.net) == pytest.approx(0.09)
    run = record.Backtest("day", one, (0, int(29e9)), np.zeros(0, replay.SCHEDULE), fills)
    log = fill_log.columns([run])
    for name, total in (("net_pnl", 1.14), ("spread_capture", 0.3), ("fee", 0.03), ("inventory_pnl", 0.87)):
        assert log[name].sum() == pytest.approx(total)
    assert path_lib.notional(fills, one).tolist() == pytest.approx([4.9, 10.6])


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    path = tmp_path_factory.mktemp("currency") / "store"
    random = np.random.default_rng(0)

    def sessions():
        for day in range(3):
            mid = 0.05 + 0.001 * np.cumsum(random.integers(-1, 2, SECONDS) * (random.random(SECONDS) < 0.1))
            rate = 100.0 + np.cumsum(random.integers(-1, 2, SECONDS))
            trades = [(k + 0.5, mid[k] + side * 0.004, side) for k, side in enumerate(random.choice([-1, 1], SECONDS))]
            one = pair(np.round(mid, 3), np.maximum(rate, 20.0), trades)
            one.events["ts"] += day * 86_400 * 10**9
            yield f"day{day}", tape.Tape(one.events, one.instruments), {}

    store_writer.create(path, [CROSS, RATE], sessions())
    return path


def settings(store, **data):
    return loading.decode(
        {
            "data": {"store": str(store), **data},
            "environment": {"quoted": ["ETHBTC"], "warmup_s": 5.0, "risk_aversion": 0.3},
            "rules": {"maker_fee_bps": 3.0, "order_size": 1.0},
        },
        "test",
    )


def test_rewards_add_up_to_the_objective_of_the_report(store):
    task = tape_task.TapeTask.create(settings(store, currency="USD", rates={"BTC": "BTCUSD"}))
    assert task.currency == "USD"
    random, rewards = np.random.default_rng(4), []

    def act(sim):
        rewards.append(float(sim.reward[0]))
        return random.uniform(-1, 0, (1, 2))

    (run,) = closed_loop.run(task, "test", act, False, "random")
    assert len(run.fills) > 100
    paths = [path_lib.path(run.tape, run.fills, run.span, n) for n in range(2)]
    before_last = run.span[1] - round(task.config.environment.interval_s * 1e9)
    objective = path_lib.objective_at(paths, summary.risk_of(task), np.array([before_last]))[0]
    assert sum(rewards) * task.reward_scale * task.costs.money_unit(0) == pytest.approx(objective, rel=1e-4)
    result = summary.assess([run], summary.risk_of(task), np.ones(2), task.config.evaluation)
    identity = result["spread_capture"] + result["inventory_pnl"] - result["fees"]
    assert result["net_pnl"] == pytest.approx(identity, rel=1e-9)
    in_btc = tape_task.TapeTask.create(settings(store))
    assert in_btc.currency == "BTC"
    assert in_btc.costs.money_unit(0) * 60 < task.costs.money_unit(0) < in_btc.costs.money_unit(0) * 160


def test_a_rate_that_is_missing_or_wrong_is_refused(store):
    for data, text in (
        ({"currency": "USD"}, r"data\.rates has nothing for BTC, in which ETHBTC is quoted"),
        ({"currency": "USD", "rates": {"BTC": "XXX"}}, r"data\.rates: XXX is not in the store"),
        ({"currency": "EUR", "rates": {"BTC": "BTCUSD"}}, r"BTCUSD is quoted in USD, wanted EUR"),
    ):
        with pytest.raises(errors.ConfigError, match=text):
            tape_task.TapeTask.create(settings(store, **data))
    both = msgspec.structs.replace(settings(store), environment=environment.Environment(warmup_s=5.0))
    with pytest.raises(errors.ConfigError, match=r"data\.rates has nothing for USD"):
        tape_task.TapeTask.create(both)
