"""The paper account: over an undisturbed WebSocket replay it is the backtest of the same minutes, to the last digit."""

import io
import json

import numpy as np
import pytest

from tests.live import binance_lines, made_policy, stream_server
from tfmm.backtest import closed_loop
from tfmm.config import loading
from tfmm.evaluation.metrics import path, summary
from tfmm.live import binance, paper, session as session_lib, websocket
from tfmm.market import schema
from tfmm.policies import saved

HOUR_MS = 3_600_000


def replayed(url, policy, end_ns, hold_s=0.15, file=None):
    """(answers, Account) of a session on what a server sends, up to end_ns."""
    session = session_lib.Session(policy, end_ns=end_ns)
    account = paper.Account(session.stream, session.instruments, file)
    feed = binance.Feed([one.symbol for one in session.instruments], hold_s)
    answers = []
    for event in websocket.listen(url):
        for _, message, _ in binance.of_event(event, feed, pytest.fail):
            answers += session.take(message)
        if isinstance(event, websocket.Lost):
            break
    assert session.stream.over
    return answers, account, feed, session


def assert_backtest(folder, lines, small_config, tmp_path, **sections):
    """A session on the WebSocket replay of `lines`, and a backtest of the same: equal. Returns (backtest, Standing)."""
    task = made_policy.task_of(folder, tmp_path / "store", small_config, **sections)
    policy = saved.Policy.load(made_policy.write(tmp_path / "policy", task))
    (run,) = closed_loop.run(task, "test", closed_loop.policy_actions(task, policy), False, "made")
    file = io.BytesIO()
    with stream_server.StreamServer([*lines, stream_server.Close()]) as server:
        answers, account, feed, session = replayed(server.url, policy, int(run.tape.events["ts"][-1]), file=file)
    assert (feed.counts.missed, feed.counts.old, feed.counts.duplicates, session.stream.late) == (0, 0, 0, 0)
    assert len(answers) == len(run.schedule)
    written = [json.loads(line) for line in file.getvalue().splitlines()]
    assert [(one["ts"], one["side"], one["price"], one["size"], one["fee"], one["rule"]) for one in written] == [
        (int(one["ts_ns"]), int(one["side"]), one["px"], one["qty"], one["fee"], one["rule"]) for one in run.fills
    ]
    (standing,) = account.standing().values()
    assert written[-1]["inventory"] == standing.inventory
    assert_same_money(run, standing, session.stream.instruments[0, 0])
    return run, standing


def assert_same_money(run, standing, ledger):
    """The money of a backtest, counted here from its fills, and its metrics."""
    (instrument,) = run.tape.instruments
    # in whole ticks and lots, which floats hold exactly
    ticks, lots = (
        np.rint(run.fills[name] / size) for name, size in (("px", instrument.tick_size), ("qty", instrument.lot_size))
    )
    inventory, cash = (run.fills["side"] * lots).sum(), -(run.fills["side"] * lots * ticks).sum()
    assert (ledger["inventory_lot"], ledger["cash"], ledger["n_fills"]) == (inventory, cash, len(run.fills))
    seen = run.tape.events[run.tape.events["ts"] <= run.span[1]]
    last = seen[seen["kind"] == schema.QUOTE][-1]
    unit = instrument.tick_size * instrument.lot_size * instrument.multiplier
    equity = cash - ledger["fees"] + inventory * 0.5 * (last["lo_tick"] + last["hi_tick"])
    assert standing.net_pnl == equity * unit
    assert standing.fees == pytest.approx(run.fills["fee"].sum(), rel=1e-12)
    numbers = summary.assess([run], np.zeros(1), np.full(1, np.inf), loading.decode({}, "x").evaluation)
    assert standing.net_pnl == pytest.approx(numbers["net_pnl"], rel=1e-9)
    for name in ("n_fills", "n_buys", "n_sells", "filled_qty"):
        assert getattr(standing, name) == pytest.approx(numbers[name], rel=1e-12)
    assert standing.markout_bps == pytest.approx(numbers["markout_bps"], rel=1e-9, abs=1e-9)


@pytest.mark.parametrize("touch", ["never", "queue"])
def test_the_account_over_a_replay_is_the_backtest(recorded, small_config, tmp_path, touch):
    sections = {"rules": {"touch": touch, "maker_fee_bps": -0.2, "latency_s": 0.3, "partial": touch == "queue"}}
    _, standing = assert_backtest(*recorded, small_config, tmp_path, **sections)
    assert standing.n_fills > 50 and standing.fees < 0
    assert list(standing.markout_bps) == [str(one) for one in path.MARKOUT_S]


def test_the_account_over_a_replay_of_a_real_recording_is_the_backtest(shared_data, small_config, tmp_path):
    (recording,) = (shared_data / "vendor" / "binance_stream").iterdir()
    lines = binance_lines.read(recording)
    folder = tmp_path / "raw"
    folder.mkdir()
    for days in range(3):  # two days before are the same, as a policy needs something to be calibrated on
        hours = 24 * days + 6 * (days > 0)  # away from midnight
        binance_lines.write(folder / f"btcusdt_{days}.gz", binance_lines.moved(lines, -hours * HOUR_MS))
    rules = {"touch": "queue", "maker_fee_bps": 0.2, "latency_s": 0.05}
    sections = {"rules": rules, "environment": {"interval_s": 0.5}}
    _, standing = assert_backtest(folder, lines, small_config, tmp_path, **sections)
    assert standing.n_fills > 100
