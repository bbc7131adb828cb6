"""pipelines/quote.py on a trained policy: the backtest's quotes from a pipe, observations, wrong lines."""

import json

import msgspec
import numpy as np
import pytest

from tests.live import admitted
from tfmm.environments.tape import task as tape_task
from tfmm.evaluation import evaluate
from tfmm.live import messages
from tfmm.policies import saved


@pytest.fixture(scope="module")
def policy(trained):
    return saved.Policy.load(trained)


def test_a_piped_session_gets_the_quotes_of_the_backtest(trained, policy, run_script, start_script):
    task = tape_task.TapeTask.create(policy.config)
    (run,) = evaluate.backtests_of(task, policy, "test")
    lines = "\n".join(msgspec.json.encode(one).decode() for one in messages.of_tape(run.tape))
    done = start_script("quote.py", trained, "--until", run.tape.events["ts"][-1], stdin=lines)
    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(answers) == len(run.schedule) > 300
    for answer, sent, admissible in zip(answers, run.schedule, admitted.of_backtest(task, run), strict=True):
        assert answer["ts"] == sent["ts_ns"]
        assert [answer[side] for side in ("bid", "ask")] == [admissible[side] for side in ("bid", "ask")]
    assert f"quotes: {len(answers)}, latency p50" in done.stderr
    recorded = run_script("quote.py", trained, "--tape", f"{policy.config.data.store}:{run.session}")
    assert recorded.stdout.splitlines()[: len(answers)] == done.stdout.splitlines()


def test_observations_are_answered_with_actions(trained, policy, run_script):
    rows = np.random.default_rng(0).normal(size=(3, len(policy.description["features"]))).astype(np.float32)
    lines = "\n".join(json.dumps({"observation": row.tolist()}) for row in rows)
    done = run_script("quote.py", trained, stdin=lines)
    assert done.returncode == 0, done.stderr
    got = [json.loads(line)["action"] for line in done.stdout.splitlines()]
    np.testing.assert_array_equal(np.array(got, np.float32), policy.row_by_row(rows))
    # rows of one call may differ in the last bit, no more
    np.testing.assert_allclose(policy(rows), got, atol=1e-6)


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ('{"type": "time", "ts": 1}\nnonsense', "line 2: JSON is malformed"),
        ('{"observation": [1.0]}', "observation has 1 features, wanted 13"),
        ('{"type": "quote", "ts": 1, "instrument": "X", "bid": 1, "bid_size": 1, "ask": 2, "ask_size": 1}',
         "line 1: instrument X, wanted SIM"),
    ],
)  # fmt: skip
def test_a_wrong_line_ends_with_one_line_and_exit_2(trained, line, words, run_script):
    done = run_script("quote.py", trained, stdin=line)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert words in done.stderr
