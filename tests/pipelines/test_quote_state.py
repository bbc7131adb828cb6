"""pipelines/quote.py killed in the middle of a feed: what it says after --resume is what it would have said."""

import json
import os
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest

from tests.scripts import ROOT
from tfmm.live import messages, state_file
from tfmm.market import store
from tfmm.policies import saved

PATIENCE_S = 120.0


@pytest.fixture(scope="module")
def policy(trained):
    return saved.Policy.load(trained)


@pytest.fixture(scope="module")
def feed(policy):
    """Lines of a session, with fills reported of quotes of ours here and there."""
    opened = store.Store.open(policy.config.data.store)
    out, mid = [], None
    for number, message in enumerate(messages.of_tape(opened.tape(opened.sessions[-1].name))):
        out.append(message)
        if isinstance(message, messages.Quote) and None not in (message.bid, message.ask):
            mid = message.bid
        if number % 200 == 199 and mid is not None:
            side = 1 if number % 400 == 199 else -1
            out.append(messages.Fill(ts=message.ts, side=side, price=mid, size=7.0, id=str(number)))
    return [msgspec.json.encode(one) + b"\n" for one in out]


def started(trained, state, *more):
    command = [sys.executable, "pipelines/quote.py", str(trained), "--fills", "reported", "--state", str(state), *more]
    return subprocess.Popen(
        command,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def answers_of(process, lines):
    out, err = process.communicate(b"".join(lines), PATIENCE_S)
    return process.returncode, out.splitlines(), err.decode()


def lines_taken(state, policy, settings):
    """Lines of a state file; 0 before the first."""
    if not state.exists():
        return 0
    header, _ = state_file.read(state, policy, settings)
    return header.lines


@pytest.fixture(scope="module")
def whole(trained, feed, tmp_path_factory):
    """Answers of the feed without a fault."""
    code, answers, err = answers_of(started(trained, tmp_path_factory.mktemp("whole") / "state"), feed)
    assert code == 0 and len(answers) > 300, err
    return answers


@pytest.mark.parametrize("share", [float(x) for x in os.environ.get("TFMM_KILLS", "0.1 0.5 0.85").split()])
def test_killed_and_resumed_it_goes_on_as_if_nothing_had_been(trained, policy, feed, whole, tmp_path, share):
    state, wanted = tmp_path / "state", int(share * len(feed))
    part = feed[: wanted + 50]  # something is left for the session that goes on
    settings = {"fills": "reported", "until": None, "tape": None, "max_jump": 60.0}
    process = started(trained, state, "--every", "0.02")
    known, until = state_file.policy_of(policy), time.monotonic() + PATIENCE_S
    try:
        os.set_blocking(process.stdout.fileno(), False)
        sent = 0
        while lines_taken(state, known, settings) < wanted:
            assert process.poll() is None and time.monotonic() < until
            if sent < len(part):
                process.stdin.write(b"".join(part[sent : sent + 50]))
                process.stdin.flush()
                sent += 50
            process.stdout.read()  # the pipe must not fill up
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
        process.communicate()
    header, _ = state_file.read(state, known, settings)
    assert wanted <= header.lines < len(feed)
    code, answers, err = answers_of(started(trained, state, "--resume"), feed[header.lines :])
    assert code == 0, err
    assert f"resumed after line {header.lines} and {header.answers} quotes" in err
    assert answers == whole[header.answers :]
    assert answers


def test_a_signal_saves_the_state_and_says_where_it_stopped(trained, policy, feed, whole, tmp_path):
    state = tmp_path / "state"
    process = started(trained, state)
    head = feed[: len(feed) // 2]
    process.stdin.write(b"".join(head))
    process.stdin.flush()
    process.stdout.readline()  # it answers, so it handles signals
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=PATIENCE_S)
    assert process.returncode == 128 + signal.SIGTERM, err
    settings = {"fills": "reported", "until": None, "tape": None, "max_jump": 60.0}
    header, _ = state_file.read(state, state_file.policy_of(policy), settings)
    assert f"stopped after line {header.lines}" in err.decode()
    code, answers, _ = answers_of(started(trained, state, "--resume"), feed[header.lines :])
    assert (code, answers) == (0, whole[header.answers :])


def test_a_state_of_something_else_is_refused_by_name(trained, feed, tmp_path, run_script):
    state = tmp_path / "state"
    lines = b"".join(feed[:400]).decode()
    arguments = (trained, "--fills", "reported", "--state", state)
    assert run_script("quote.py", *arguments, stdin=lines).returncode == 0

    def refused(*more, given=arguments):
        done = run_script("quote.py", *given, *more, "--resume", stdin="")
        assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
        return done.stderr

    assert "fills 'reported', wanted 'simulated'" in refused(given=(trained, "--state", state))
    assert "max_jump 60.0, wanted 5.0" in refused("--max-jump", "5")
    with np.load(state) as archive:
        arrays = {name: archive[name] for name in archive.files}
    header = json.loads(arrays["header"].tobytes())

    def changed(**fields):
        arrays["header"] = np.frombuffer(json.dumps(header | fields).encode(), np.uint8)
        with open(state, "wb") as file:
            np.savez(file, **arrays)

    changed(version=99)
    assert "version 99, wanted 1" in refused()
    changed(policy="0" * 64)
    assert "of another policy" in refused()
    changed(guard=5)
    assert "damaged or no state" in refused()
    changed()
    for wrong in (b"", b"nonsense", state.read_bytes()[:500], bytes(1000)):
        state.write_bytes(wrong)
        assert "damaged or no state" in refused()
    state.unlink()
    assert "wanted a file that --state wrote" in refused()
