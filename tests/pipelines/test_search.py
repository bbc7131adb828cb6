"""A search as a user runs it, killed in the middle and gone on with, on a toy that takes seconds."""

import json
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest

from tests.pipelines.test_experiments import TOY
from tests.simulation.rewards.test_expected_fills import task_of
from tfmm import errors
from tfmm.backtest import expected_objective
from tfmm.config import experiment as experiment_lib, loading
from tfmm.evaluation import objectives
from tfmm.experiments import search, search_space
from tfmm.policies import saved
from tfmm.training import validation

ROOT = pathlib.Path(__file__).resolve().parents[2]
SPACE = """
[agent]
actor_learning_rate = { range = [1e-5, 1e-2], log = true }
actor_layers = { choices = [[8], [8, 8]] }
"""


def _wait(condition, process):
    for _ in range(6000):
        if condition():
            return
        assert process.poll() is None, process.stderr.read()
        time.sleep(0.1)
    pytest.fail("it never came to that")


def test_a_search_that_is_killed_goes_on_where_it_was(tmp_path, run_script):
    (tmp_path / "toy.toml").write_text(TOY)
    (tmp_path / "space.toml").write_text(SPACE)
    out = tmp_path / "out"
    arguments = [tmp_path / "toy.toml", "--space", tmp_path / "space.toml", "--trials", 2, "--out", out]
    command = [sys.executable, "pipelines/search.py", *map(str, arguments)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    killed = subprocess.Popen(command, cwd=ROOT, env=environment, stderr=subprocess.PIPE, text=True)
    with killed:
        children = pathlib.Path(f"/proc/{killed.pid}/task/{killed.pid}/children")
        _wait(lambda: (out / "trial_0001.toml").is_file() and children.read_text(), killed)
        (child,) = children.read_text().split()
        killed.send_signal(signal.SIGKILL)
    for _ in range(600):  # the child ends with it
        status = pathlib.Path(f"/proc/{child}/status")
        if not status.exists() or "State:\tZ" in status.read_text():
            break
        time.sleep(0.1)
    else:
        pytest.fail("the child goes on by itself")
    first, second = ((out / f"trial_{n:04d}" / "validation.json") for n in (0, 1))
    assert first.is_file() and not second.is_file()
    before = first.read_bytes()

    done = run_script("search.py", *arguments)
    assert done.returncode == 0, done.stderr
    assert first.read_bytes() == before
    tree = json.loads((out / "search.json").read_text())
    scores = [json.loads(one.read_text())["score"] for one in (first, second)]
    assert [one["score"] for one in tree["trials"]] == scores
    assert tree["best"] == int(np.argmax(scores)) and tree["own"] == 0
    assert tree["trials"][0]["settings"] == {"agent.actor_learning_rate": 1e-4, "agent.actor_layers": [8]}
    settings = tree["trials"][1]["settings"]
    trained = loading.load(out / "trial_0001" / "config.toml")
    assert (trained.agent.actor_learning_rate, list(trained.agent.actor_layers)) == tuple(settings.values())
    assert (tree["seed"], tree["split"], tree["budget"]) == (0, "validation", {"trials": 2, "train_steps": 20})
    assert all(one["wall_s"] > 0 for one in tree["trials"])
    assert (out / "search.png").stat().st_size > 1000
    # what is printed can be used as it is
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("--set ")]
    again = loading.load(tmp_path / "toy.toml", [one for one in shlex.split(line) if one != "--set"])
    best = loading.load(out / f"trial_{tree['best']:04d}" / "config.toml")
    assert again == best

    other = loading.load(tmp_path / "toy.toml", ["train.steps=30"])
    with pytest.raises(errors.ConfigError, match="holds a search with other settings"):
        search.Search(other, search_space.load(tmp_path / "space.toml", other), out)


def test_settings_that_do_not_go_together_are_a_failed_trial_and_a_broken_study_is_refused(tmp_path):
    """patience wants validations, and what seed 0 draws first has none."""
    (tmp_path / "toy.toml").write_text(TOY)
    (tmp_path / "space.toml").write_text(
        "[train]\npatience = { integers = [1, 2] }\nvalidation_interval = { choices = [0, 10] }"
    )
    config = loading.load(tmp_path / "toy.toml", ["train.validation_interval=5"])
    one = search.Search(config, search_space.load(tmp_path / "space.toml", config), tmp_path / "out")
    one.run(1, 1)
    (trial,) = one.trials()
    assert trial["score"] is None and "train.patience is" in trial["error"]
    with pytest.raises(errors.DataError, match=r"no trial has a score .*train\.patience is"):
        one.report("toy", 1)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / search.STUDY).write_text("not a database, and long enough to be told from an empty one" * 9)
    with pytest.raises(errors.DataError, match=r"study\.db: cannot be read"):
        search.Search(config, one.space, tmp_path / "other")


def test_the_score_of_a_saved_policy_is_the_one_that_training_logged(trained):
    lines = (trained / "metrics.jsonl").read_text().splitlines()
    (last,) = [json.loads(line) for line in lines if "validation" in line][-1:]
    found = validation.of_policy(saved.Policy.load(trained))
    assert last["step"] == 60
    assert found == {"metric": "validation_score", "score": pytest.approx(last["validation/objective_per_hour"])}


def test_where_the_law_is_known_the_score_is_the_expected_objective_of_validation(small_config):
    task = task_of(small_config, environment={"features": ["inventory", "spread"]})

    class Constant(msgspec.Struct):
        config: experiment_lib.Config

        def __call__(self, observation):
            return np.full((len(observation), 2), -0.6, np.float32)

    policy = Constant(task.config)
    results = {}
    for split in ("validation", "test"):
        (one,) = objectives.of_policy(task, policy, expected_objective.market_paths(task, split))
        results[split] = one.objective.sum()
    assert validation.of_policy(policy) == {"metric": objectives.METRIC, "score": pytest.approx(results["validation"])}
    assert results["validation"] != pytest.approx(results["test"], rel=1e-3)
