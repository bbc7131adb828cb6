"""quote.py on a WebSocket, without TensorFlow: quotes, a paper account, reported fills, bad servers, signals."""

import json
import os
import re
import signal
import subprocess
import sys
import threading

import pytest

from tests.live import stream_server
from tests.scripts import ROOT
from tfmm.backtest import closed_loop
from tfmm.live import messages, session as session_lib
from tfmm.policies import saved

MODULES = """
import runpy, sys
del sys.argv[0]
try:
    runpy.run_path(sys.argv[0], run_name="__main__")
finally:
    print("modules:", *sorted({"tensorflow", "tf_agents", "reverb", "pandas"} & set(sys.modules)), file=sys.stderr)
"""


def start(policy, url, *arguments, **options):
    """quote.py in a process of its own, which says at the end which large modules it imported."""
    return subprocess.Popen(
        [sys.executable, "-c", MODULES, "pipelines/quote.py", str(policy), "--ws", url, *map(str, arguments)],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, stdin=subprocess.PIPE,
        env={**os.environ, "PYTHONPATH": str(ROOT)}, **options,
    )  # fmt: skip


def ended(process, stdin=None):
    """(exit code, answers, stderr) of a process; there is no traceback and no TensorFlow."""
    out, err = process.communicate(stdin, timeout=200)
    assert "Traceback" not in err and "\nmodules:\n" in f"\n{err}", err
    return process.returncode, [json.loads(line) for line in out.splitlines()], err


@pytest.fixture(scope="module")
def backtest(recorded_task):
    task, folder = recorded_task
    policy = saved.Policy.load(folder)
    (run,) = closed_loop.run(task, "test", closed_loop.policy_actions(task, policy), False, "made")
    return run


def test_quotes_and_fills_over_a_replay_are_those_of_the_backtest(recorded, recorded_task, backtest, tmp_path):
    file = tmp_path / "fills.jsonl"
    file.write_text('{"earlier": "line"}\n')
    with stream_server.StreamServer(recorded[1]) as server:
        until = backtest.tape.events["ts"][-1]
        code, answers, err = ended(start(recorded_task[1], server.url, "--until", until, "--paper", file))
    assert code == 0, err
    assert [one["ts"] for one in answers] == backtest.schedule["ts_ns"].tolist()
    # the schedule holds what was sent, answers what may rest of it: those on the tape equal the backtest's elsewhere
    session = session_lib.Session(saved.Policy.load(recorded_task[1]), end_ns=int(until))
    on_tape = [one for message in messages.of_tape(backtest.tape) for (one,) in session.take(message)]
    assert answers == [*on_tape, *(one for (one,) in session.close())]
    earlier, *fills = [json.loads(line) for line in file.read_text().splitlines()]
    assert earlier == {"earlier": "line"}
    assert [(one["ts"], one["side"], one["price"], one["size"]) for one in fills] == [
        (one["ts_ns"], one["side"], one["px"], one["qty"]) for one in backtest.fills
    ]
    buys = int((backtest.fills["side"] > 0).sum())
    assert f"{buys} fills bought and {len(fills) - buys} sold, markouts in bps: 0 s " in err
    assert f"inventory {fills[-1]['inventory']:+g}" in err and "paper BTCUSDT 2024-08-10 " in err
    assert len(fills) > 50


def trades(lines):
    return sum(b'"e":"trade"' in line for line in lines)


def test_drops_restarts_duplicates_and_disorder_are_counted_and_quoting_goes_on(recorded, recorded_task):
    lines = recorded[1][:6000]
    doubled = [one for k, line in enumerate(lines[:2000]) for one in ([line, line] if k % 10 == 0 else [line])]
    swapped = [one for k in range(2000, 3000, 2) for one in (lines[k + 1], lines[k])]
    scripts = [
        [*doubled, stream_server.Abort()],
        [*lines[1800:2000], *swapped, stream_server.Close(1012, "restart")],  # begins with what was sent before
        [*lines[3200:4000], stream_server.Pause(0.3), *lines[4000:4600], stream_server.Abort()],
        [stream_server.Close(1013, "later")],
        [*lines[5000:6000], stream_server.Pause(1.0), b'{"e":"trade"}'],
    ]
    with stream_server.StreamServer(*scripts) as server:
        process = start(recorded_task[1], server.url, "--max-errors", 0)
        code, answers, err = ended(process)
    assert code == 2  # the last message says that all have come
    assert err.count("connection lost: ") == 4 and "1012 (service restart) restart" in err
    said = re.findall(r"^stream: (.*)$", err, re.M)[-1]
    missed = trades(lines[3000:3200]) + trades(lines[4600:5000])
    assert f"4 connections lost, {missed} trades missed in " in said
    twice = trades(lines[1800:2000]) + trades(lines[:2000:10])
    assert f"{twice} trades that came twice" in said and "quotes that came late or twice" in said
    times = [one["ts"] for one in answers]
    assert times == sorted(set(times))
    # between two connections there is no market
    assert any(one["bid"] is None and one["ask"] is None for one in answers)
    assert sum(one["bid"] is not None for one in answers[-20:]) > 10


NO_PRICES = '{"stream":"x","data":{"e":"bookTicker","s":"BTCUSDT"}}'
GARBAGE = ["nonsense", b"\x00\xff\xfe", "[" * 50_000, NO_PRICES, "{}", ""]


def test_what_is_not_understood_is_told_and_too_much_of_it_ends_with_exit_2(recorded, recorded_task):
    lines = recorded[1]
    script = [lines[0], *GARBAGE, "x" * (1 << 21)]
    with stream_server.StreamServer(script, [*lines[1:1000], *GARBAGE], [*lines[1000:2000], *GARBAGE]) as server:
        code, answers, err = ended(start(recorded_task[1], server.url, "--max-errors", 11))
    assert code == 2 and answers
    *_, last, _ = err.splitlines()
    assert last.startswith("error: message ") and last.endswith("more than --max-errors 11 were not understood")
    assert err.count("left out: message ") == 11 and "1009 (message too big)" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_a_summary(recorded, recorded_task, number, tmp_path):
    with stream_server.StreamServer(recorded[1]) as server:
        process = start(recorded_task[1], server.url, "--paper", tmp_path / "fills.jsonl")
        for _ in range(100):
            assert process.stdout.readline()
        os.kill(process.pid, number)
        code, _, err = ended(process)
    assert code == 128 + number
    assert f"stopped by {number.name}" in err and "\npaper BTCUSDT " in err and "\nquotes: " in f"\n{err}"
    assert (tmp_path / "fills.jsonl").stat().st_size > 0


def test_a_gateway_reports_fills_on_stdin(recorded, recorded_task, backtest):
    task, folder = recorded_task
    until = backtest.tape.events["ts"][-1]
    lot = float(task.parameters["order_lot"][0]) * task.store.instruments[0].lot_size
    fill = {"type": "fill", "ts": int(backtest.tape.events["ts"][0]), "side": 1, "price": 100.0, "size": 3 * lot}
    runs = []
    for stdin in (
        "",
        f"{json.dumps(fill)}\n{{}}\n",
    ):
        gate = threading.Event()

        def script(gate=gate):
            gate.wait(30.0)
            yield from recorded[1]

        with stream_server.StreamServer(script()) as server:
            process = start(folder, server.url, "--until", until, "--fills", "reported")
            process.stdin.write(stdin)
            process.stdin.flush()
            threading.Timer(1.0, gate.set).start()
            runs.append(ended(process))
    (code, flat, err), (again, long, complaint) = runs
    assert code == again == 0 and "paper" not in err and "left out: line 2: " in complaint
    assert [one["ts"] for one in flat] == [one["ts"] for one in long] and flat != long


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--paper", "x", "--fills", "reported"], "--paper FILE keeps simulated fills"),
        (["--hold", "-1"], "--hold -1.0"),
        (["--paper", "/nowhere/x"], "/nowhere/x: No such file or directory"),
    ],
)
def test_wrong_arguments_are_one_line(recorded_task, arguments, words):
    code, answers, err = ended(start(recorded_task[1], "ws://127.0.0.1:9/", *arguments))
    first, *_ = err.splitlines()
    assert (code, answers) == (2, []) and first.startswith("error: ") and words in first
