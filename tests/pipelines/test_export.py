"""pipelines/export.py, and quotes of a policy with its ONNX file: without TensorFlow, in little memory."""

import json
import shutil
import subprocess
import sys

import numpy as np
import pytest

from tests import scripts
from tfmm.backtest import closed_loop
from tfmm.environments.tape import task as tape_task
from tfmm.policies import saved, saved_model

HEAVY = (
    "tensorflow",
    "onnxruntime",
    "tf_agents",
    "reverb",
    "pandas",
    "pyarrow",
    "matplotlib",
    "statsmodels",
    "scipy.stats",
)
QUOTING = f"""
import atexit, pathlib, re, runpy, sys

def report():
    found = [name for name in {HEAVY} if name in sys.modules]
    status = pathlib.Path("/proc/self/status").read_text()
    print("LOADED", found, re.search(r"VmHWM:\\s+(\\d+)", status)[1], file=sys.stderr)

atexit.register(report)
sys.argv = ["quote.py", *sys.argv[1:]]
runpy.run_path("pipelines/quote.py", run_name="__main__")
"""


@pytest.fixture
def run(trained, tmp_path):
    """A copy of the trained run."""
    return shutil.copytree(trained, tmp_path / "run")


def test_a_run_without_onnx_gets_it_and_acts_the_same(run, run_script):
    before = {name: (run / name / "policy.onnx").read_bytes() for name in ("policy", "best")}
    for name in before:
        (run / name / "policy.onnx").unlink()
    rows = np.random.default_rng(0).normal(size=(3, len(saved.Policy.load(run).description["features"])))
    lines = "\n".join(json.dumps({"observation": row.tolist()}) for row in rows)
    slow = run_script("quote.py", run, stdin=lines)
    assert f"no policy.onnx, so that TensorFlow computes it; pipelines/export.py {run}" in slow.stderr
    done = run_script("export.py", run)
    assert done.returncode == 0, done.stderr
    assert [line.split(":")[0] for line in done.stdout.splitlines()] == [str(run / "policy"), str(run / "best")]
    assert {name: (run / name / "policy.onnx").read_bytes() for name in before} == before
    fast = run_script("quote.py", run, stdin=lines)
    assert "TensorFlow" not in fast.stderr
    actions = [[json.loads(line)["action"] for line in one.stdout.splitlines()] for one in (slow, fast)]
    np.testing.assert_allclose(*actions, rtol=0, atol=1e-6)


def test_quotes_of_a_policy_need_no_tensorflow_and_little_memory(run):
    policy = saved.Policy.load(run)
    tape = f"{policy.config.data.store}:20240104"
    command = [sys.executable, "-c", QUOTING, run, "--tape", tape]
    for _ in range(2):  # the first compiles what is not in the cache, which takes more
        done = subprocess.run(command, cwd=scripts.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) > 300
    (line,) = [one for one in done.stderr.splitlines() if one.startswith("LOADED")]
    loaded, peak_kb = line.removeprefix("LOADED ").rsplit(" ", 1)
    assert loaded == "[]"
    assert int(peak_kb) < 200_000


@pytest.mark.parametrize("script", ["quote.py", "evaluate.py"])
@pytest.mark.parametrize(("data", "words"), [(b"", "opsets []"), (b"hello", "wanted an ONNX model")])
def test_a_damaged_onnx_file_ends_with_one_line_and_exit_2(run, run_script, script, data, words):
    path = run / "policy" / "policy.onnx"
    path.write_bytes(data)
    done = run_script(script, run)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert done.stderr.startswith(f"error: {path}: ") and words in done.stderr


def test_what_has_no_policy_is_one_line(tmp_path, run_script):
    done = run_script("export.py", tmp_path)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "no policy there, wanted a run directory" in done.stderr


def test_the_backtest_of_both_forms_quotes_the_same(trained):
    """Every quote on two sessions: actions that differ in the last bit round to the same ticks."""
    forms = [saved.Policy.load(trained, reference=reference) for reference in (True, False)]
    assert isinstance(forms[0]._outputs_of, saved_model.SavedModel)
    task = tape_task.TapeTask.open(forms[0].config)
    for split in ("validation", "test"):
        schedules = [
            closed_loop.run(task, split, closed_loop.policy_actions(task, one), False, "made")[0].schedule
            for one in forms
        ]
        for name in schedules[0].dtype.names:
            np.testing.assert_array_equal(schedules[0][name], schedules[1][name])
