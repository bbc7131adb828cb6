"""pipelines/quote.py on a trained policy: the backtest's quotes from a pipe, observations, wrong lines."""

import json
import os
import pathlib
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import evaluate
from tfmm.policies import live, saved

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def policy(trained):
    return saved.Policy.load(trained)


def quote(trained, lines, *arguments):
    return subprocess.run(
        [sys.executable, "pipelines/quote.py", str(trained), *arguments],
        input=lines, cwd=ROOT, capture_output=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip


def test_a_piped_session_gets_the_quotes_of_the_backtest(trained, policy):
    task = tape_task.TapeTask.create(policy.config)
    (run,) = evaluate.play(task, policy, "test")
    lines = b"\n".join(msgspec.json.encode(one) for one in live.messages(run.tape))
    done = quote(trained, lines, "--until", str(run.tape.events["ts"][-1]))
    assert done.returncode == 0, done.stderr.decode()
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(run.schedule) > 300
    for answer, sent in zip(answers, run.schedule, strict=True):
        assert answer["ts"] == sent["ts_ns"]
        for side in ("bid", "ask"):
            px = np.nan if answer[side] is None else answer[side]
            np.testing.assert_array_equal(px, sent[f"{side}_px"])
    assert f"quotes: {len(answers)}, latency p50" in done.stderr.decode()
    recorded = quote(trained, b"", "--tape", f"{policy.config.data.store}:{run.session}")
    assert recorded.stdout.splitlines()[: len(answers)] == done.stdout.splitlines()


def test_observations_are_answered_with_actions(trained, policy):
    rows = np.random.default_rng(0).normal(size=(3, len(policy.description["features"]))).astype(np.float32)
    done = quote(trained, b"\n".join(json.dumps({"observation": row.tolist()}).encode() for row in rows))
    assert done.returncode == 0, done.stderr.decode()
    got = [json.loads(line)["action"] for line in done.stdout.splitlines()]
    np.testing.assert_array_equal(np.array(got, np.float32), policy.each(rows))
    # rows of one call may differ in the last bit, no more
    np.testing.assert_allclose(policy(rows), got, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (b'{"type": "time", "ts": 1}\nnonsense', "line 2: JSON is malformed"),
        (b'{"observation": [1.0]}', "observation has 1 features, wanted 13"),
        (b'{"type": "quote", "ts": 1, "instrument": "X", "bid": 1, "bid_size": 1, "ask": 2, "ask_size": 1}',
         "line 1: instrument X, wanted SIM"),
    ],
)  # fmt: skip
def test_a_wrong_line_ends_with_one_line_and_exit_2(trained, line, words):
    done = quote(trained, line)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert words in done.stderr.decode()
