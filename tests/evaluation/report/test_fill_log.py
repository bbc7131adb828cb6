"""The fill log: worked numbers, sums that are the metrics, fills and quotes in words."""

import io

import msgspec
import numpy as np
import pytest
from pyarrow import parquet

from tests.evaluation.metrics import test_path as worked_example
from tfmm import errors
from tfmm.backtest import closed_loop, record
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation.metrics import summary
from tfmm.evaluation.report import fill_log

S = 10**9


def test_the_worked_example():
    one = worked_example.worked()
    got = fill_log.columns([one])
    # bought 3 at 99 (mid 100), sold 1 at 103 (mid 102); the last mid is 104, the multiplier 2
    expected = {
        "number": [0, 1],
        "side": [1, -1],
        "tape_row": [1, 3],
        "bid_px": [99, 101],
        "ask_px": [101, 103],
        "mid_px": [100, 102],
        "inventory": [3, 2],
        "notional": [594, 206],
        "spread_capture": [6, 2],
        # 3 x (104 - 100) x 2, -1 x (104 - 102) x 2
        "inventory_pnl": [24, -4],
        "net_pnl": [29.4, -2.2],
        "markout_5s_bps": [3 / 99 * 1e4, 3 / 103 * 1e4],
    }
    for name, values in expected.items():
        np.testing.assert_allclose(got[name], values, rtol=1e-12, err_msg=name)
    # both quotes of the example are sent at 0 s, the later one counts
    assert got["quote"].tolist() == [1, 1]


@pytest.fixture(scope="module", params=["tape", "clients"])
def backtests(request, small_config, small_store):
    """Random actions on all train sessions, with fees, latency and, once, clients and hedges."""
    tree = msgspec.to_builtins(small_config)
    tree["rules"] |= {"latency_s": 0.3, "maker_fee_bps": 0.4, "taker_fee_bps": 1.0, "touch": "always"}
    if request.param == "clients":
        tree["clients"] |= {"rate_s": 0.5}
        tree["rules"] |= {"hedge": "limit", "hedge_limit_orders": 2}
    task = tape_task.TapeTask.create(loading.with_store(loading.decode(tree, "test"), small_store))
    random = np.random.default_rng(3)
    runs = []
    for split in ("train", "test"):
        act = lambda sim: random.uniform(-1, -0.5, (len(sim.rows), 2))  # noqa: E731
        runs += closed_loop.run(task, split, act, False, "random")
    return task, runs


def test_sums_are_the_metrics(backtests):
    task, runs = backtests
    got = fill_log.columns(runs)
    limits = task.parameters["limit_lot"] * 1.0
    result = summary.assess(runs, summary.risk_of(task), limits, task.config.evaluation)
    assert set(got["session"]) == {one.session for one in runs} and len(set(got["session"])) == 2
    sums = {
        "net_pnl": "net_pnl", "spread_capture": "spread_capture", "inventory_pnl": "inventory_pnl", "fee": "fees",
        "qty": "filled_qty", "notional": "traded_notional",
    }  # fmt: skip
    for column, name in sums.items():
        assert got[column].sum() == pytest.approx(result[name], rel=1e-9), name
    assert len(got["number"]) == result["n_fills"] > 20
    assert (got["side"] > 0).sum() == result["n_buys"]
    for horizon, mean in result["markout_bps"].items():
        assert np.nanmean(got[f"markout_{horizon}s_bps"]) == pytest.approx(mean, rel=1e-9)
    assert np.abs(got["inventory"]).max() == result["max_abs_inventory"]


def test_every_fill_is_at_the_price_of_its_quote_and_tape_row(backtests):
    task, runs = backtests
    got = fill_log.columns(runs)
    starts = np.cumsum([0, *(len(one.fills) for one in runs)])
    for one, start, stop in zip(runs, starts, starts[1:], strict=False):
        tape = task.store.tape(one.session)
        for k in range(start, stop):
            assert tape.events["ts"][got["tape_row"][k]] <= got["ts_ns"][k]
            if got["rule"][k] == "HEDGE":
                assert got["quote"][k] == fill_log.NO_QUOTE
                continue
            quote = one.schedule[got["quote"][k]]
            assert got["sent_ns"][k] == quote["ts_ns"] < got["ts_ns"][k]
            px, side = (quote["bid_px"], 1) if got["side"][k] > 0 else (quote["ask_px"], -1)
            # a marketable quote was moved behind the far touch, never beyond its own price
            assert side * (px - got["px"][k]) >= -1e-9


def test_a_file_says_the_same_and_the_same_twice(backtests):
    table = fill_log.columns(backtests[1])
    data = fill_log.parquet_bytes(table)
    assert data == fill_log.parquet_bytes(table)
    back = parquet.read_table(io.BytesIO(data)).to_pydict()
    assert list(back) == list(table)
    assert back["px"] == table["px"].tolist() and back["rule"] == table["rule"].tolist()


def test_fills_in_words(backtests):
    _, runs = backtests
    log = fill_log.columns(runs)
    for rule in dict.fromkeys(log["rule"].tolist()):
        number = int(np.flatnonzero(log["rule"] == rule)[-1])
        text = fill_log.explain(runs, number)
        assert f"session {log['session'][number]}" in text
        assert f"rule {rule}: " in text and f"at {log['px'][number]:.2f}" in text
        assert f"market before {log['bid_px'][number]:.2f} / {log['ask_px'][number]:.2f}" in text
        if rule != "HEDGE":
            assert f"quote {log['quote'][number]} of the schedule" in text
    with pytest.raises(errors.ConfigError, match=rf"the backtest has {len(log['side'])}, wanted 0 to"):
        fill_log.explain(runs, len(log["side"]))


def test_quotes_in_words_where_nothing_was_drawn(backtests):
    task, runs = backtests
    if task.has_drawn_fills:
        with pytest.raises(errors.ConfigError, match="only quotes of a plain replay"):
            fill_log.explain_quote(runs, 0)
        return
    log = fill_log.columns(runs)
    filled = int(log["quote"][0])
    assert "filled" in fill_log.explain_quote(runs, filled)
    idle = next(k for k in range(50, 300) if k not in set(log["quote"][log["session"] == runs[0].session]))
    assert "not filled: " in fill_log.explain_quote(runs, idle)


def test_no_fills_make_an_empty_log():
    one = worked_example.worked()
    idle = record.Backtest("one", one.tape, one.span, one.schedule, one.fills[:0])
    table = fill_log.columns([idle])
    assert {len(values) for values in table.values()} == {0}
    assert parquet.read_table(io.BytesIO(fill_log.parquet_bytes(table))).num_rows == 0
