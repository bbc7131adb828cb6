"""Whole experiments as a user runs them: validate.py over seeds, sweep.py over a grid, on a toy that takes seconds."""

import csv
import json
import shutil

import numpy as np
import pytest

TOY = """
[environment]
name = "quote_target"
rows = 8
[agent]
actor_layers = [8]
critic_joint_layers = [8]
[collect]
initial_steps = 10
[train]
steps = 20
batch_size = 16
validation_interval = 0
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("experiments")
    (folder / "toy.toml").write_text(TOY)
    return folder


def test_validation_means_are_those_of_its_runs_and_it_goes_on_where_it_was(folder, run_script, start_script):
    out = folder / "validation"
    arguments = ("validate.py", folder / "toy.toml", "--seeds", 2, "--jobs", 2, "--out", out)
    done = start_script(*arguments)
    assert done.returncode == 0, done.stderr
    summary = json.loads((out / "validation.json").read_text())
    runs = [json.loads((out / f"seed_{n}" / "evaluation" / "metrics.json").read_text()) for n in (0, 1)]
    rewards = [one["results"]["ddpg"]["reward_mean"] for one in runs]
    assert [one["policy"]["seed"] for one in runs] == [0, 1]
    assert rewards[0] != rewards[1]
    assert summary["results"]["ddpg"]["reward_mean"]["mean"] == pytest.approx(np.mean(rewards))
    assert summary["results"]["ddpg"]["reward_mean"]["std"] == pytest.approx(np.std(rewards, ddof=1))
    assert summary["failed"] == {}
    assert "beat the best baseline" in done.stdout
    with open(out / "seed_0" / "evaluation" / "quotes.csv", encoding="utf-8") as file:
        quotes = list(csv.DictReader(file))
    assert len(quotes) == 4096
    asks = [float(row["ask"]) for row in quotes]
    assert np.mean(asks) == pytest.approx(runs[0]["results"]["ddpg"]["ask_mean"], rel=1e-6)
    assert (out / "seed_0" / "evaluation" / "figures" / "quotes.png").is_file()

    stamps = [(out / f"seed_{n}" / "config.toml").stat().st_mtime_ns for n in (0, 1)]
    (out / "seed_1" / "evaluation" / "metrics.json").unlink()
    again = run_script(*arguments)
    assert (again.returncode, again.stdout) == (0, done.stdout), again.stderr
    assert [(out / f"seed_{n}" / "config.toml").stat().st_mtime_ns for n in (0, 1)] == stamps
    for n in (0, 1):
        (out / f"seed_{n}" / "evaluation" / "metrics.json").unlink()
    (out / "seed_0" / "policy" / "tfmm.json").write_text("{")
    broken = run_script(*arguments)  # an evaluation that fails does not stop the others
    assert broken.returncode == 0, broken.stderr
    assert "seed 0 failed: error: policy " in broken.stdout
    assert json.loads((out / "seed_1" / "evaluation" / "metrics.json").read_text())["results"] == runs[1]["results"]
    assert [(out / f"seed_{n}" / "config.toml").stat().st_mtime_ns for n in (0, 1)] == stamps
    other = run_script(*arguments, "--set", "train.steps=30")
    assert other.returncode == 2
    assert "seed_0 holds a run with other settings" in other.stderr
    for scenario in (("--scenario", "clients.k=2"), ("--store", out)):
        done = run_script(*arguments, *scenario)
        assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
        assert "quote_target is no market" in done.stderr


@pytest.mark.parametrize("scenario", [("--store", "nowhere"), ("--scenario", "clients.nonsense=2")])
def test_a_wrong_scenario_is_refused_before_anything_is_trained(tmp_path, scenario, run_script):
    out = tmp_path / "out"
    done = run_script("validate.py", "configs/client_flow.toml", "--seeds", 1, "--out", out, *scenario)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert scenario[1].partition("=")[0].rpartition(".")[2] in done.stderr
    assert not out.exists()


def test_a_sweep_names_the_run_that_failed_and_finds_the_best(folder, run_script, start_script):
    out = folder / "sweep"
    # a window of no step at all is refused before anything starts
    done = run_script("sweep.py", folder / "toy.toml", "--grid", "quote_target.window_steps=4,0", "--out", out)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert not out.exists()
    # the folder of the second run is in the way of its own run directory
    out.mkdir()
    (out / "train.steps=20").write_text("")
    done = start_script("sweep.py", folder / "toy.toml", "--grid", "train.steps=10,20", "--jobs", 2, "--out", out)
    assert done.returncode == 0, done.stderr
    assert "train.steps=20 failed: error: " in done.stdout
    assert "best: train.steps=10 with reward_mean" in done.stdout
    tree = json.loads((out / "sweep.json").read_text())
    assert [one["settings"] for one in tree["runs"]] == [{"train.steps": "10"}, {"train.steps": "20"}]
    assert tree["runs"][0]["reward_mean"] < 0
    assert tree["runs"][1]["reward_mean"] is None
    assert (out / "sweep.png").stat().st_size > 1000
    # from here on all runs are that of ten steps, so that nothing is trained once more
    shutil.copytree(out / "train.steps=10", folder / "lists" / "agent.actor_layers=_8_")
    ten = ("--set", "train.steps=10")
    lists = run_script(
        "sweep.py", folder / "toy.toml", *ten, "--grid", "agent.actor_layers=[8]", "--out", folder / "lists"
    )
    assert lists.returncode == 0, lists.stderr
    assert "best: agent.actor_layers=_8_ with reward_mean" in lists.stdout
    unknown = run_script("sweep.py", folder / "toy.toml", "--grid", "train.steps=10", "--metric", "none", "--out", out)
    assert unknown.returncode == 2
    assert "--metric none" in unknown.stderr
    shutil.copytree(out / "train.steps=10", out / "as_it_is")
    ablation = run_script("sweep.py", folder / "toy.toml", *ten, "--ablate", "train.steps=10", "--out", out)
    assert ablation.returncode == 0, ablation.stderr
    first, second = json.loads((out / "sweep.json").read_text())["runs"]
    assert (first["settings"], first["folder"]) == ({}, "as_it_is")
    assert second == tree["runs"][0]
    assert f"{second['reward_mean'] - first['reward_mean']:+.4g}" in (out / "sweep.txt").read_text()
