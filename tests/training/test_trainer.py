"""A whole training run on real components: outputs, export, kill and resume, signals."""

import json
import os
import pathlib
import signal
import subprocess
import sys
import time

import msgspec
import numpy as np
import pytest
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from tfmm import errors
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.policies import saved
from tfmm.training import run_directory, trainer

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAIN = """
import sys
import numpy as np
import tensorflow as tf
folder, observations, out = sys.argv[1:]
model = tf.saved_model.load(folder)
assert not {"tfmm", "tf_agents"} & set(sys.modules)
x = np.load(observations)
n = len(x)
action = model.signatures["action"](**{
    "0/step_type": tf.ones((n,), tf.int32), "0/reward": tf.zeros((n,)), "0/discount": tf.ones((n,)),
    "0/observation": tf.constant(x),
})["action"]
np.save(out, action.numpy())
"""


def _records(run_dir):
    return [json.loads(line) for line in (run_dir / "metrics.jsonl").read_text().splitlines()]


@pytest.fixture(scope="module")
def trained(small_config, tmp_path_factory):
    """A finished run and the parts of its training."""
    task = tape_task.TapeTask.create(small_config)
    run = run_directory.RunDirectory.create(tmp_path_factory.mktemp("runs") / "run", small_config, "hash")
    return trainer.train(task, run), run.path, task


def test_run_directory_holds_everything(trained, small_config):
    _, path, task = trained
    assert loading.load(path / "config.toml") == small_config
    provenance = json.loads((path / "provenance.json").read_text())
    assert provenance["versions"]["tensorflow"] == tf.__version__
    assert provenance["seed"] == small_config.seed
    records = _records(path)
    # 60 steps, logged every 10, validated every 30
    assert [one["step"] for one in records if "train/loss" in one] == [10, 20, 30, 40, 50, 60]
    assert [one["step"] for one in records if "validation/objective_per_hour" in one] == [30, 60]
    assert all(np.isfinite(value) for one in records for value in one.values())
    assert sorted(one.name for one in (path / "checkpoints").iterdir()) == ["0000000040", "0000000060"]
    assert list((path / "tensorboard").rglob("events.out.tfevents*"))
    for name in ("policy", "best"):
        description = json.loads((path / name / "tfmm.json").read_text())
        assert description["features"] == list(task.feature_names)
        assert description["actions"] == ["skew", "half_spread"]
    assert description["instruments"][0]["symbol"] == "SIM"
    assert not list(path.rglob(".*tmp"))


def test_exported_policy_acts_like_the_live_one_in_plain_tensorflow(trained, tmp_path):
    job, path, task = trained
    x = np.random.default_rng(0).normal(0.0, 3.0, (1000, len(task.feature_names))).astype(np.float32)
    np.save(tmp_path / "x.npy", x)
    subprocess.run(
        [sys.executable, "-I", "-c", PLAIN, str(path / "policy"), str(tmp_path / "x.npy"), str(tmp_path / "a.npy")],
        check=True,
    )
    live = job.agent.policy.action(ts.restart(tf.constant(x), batch_size=1000)).action.numpy()
    assert np.ptp(live, axis=0).min() > 0.01  # the policy looks at its observation
    assert np.abs(np.load(tmp_path / "a.npy") - live).max() < 1e-6
    assert np.abs(saved.Policy.load(path)(x) - live).max() < 1e-6


def test_training_moves_the_policy_and_the_normaliser_is_fitted(trained):
    job, _, _ = trained
    actor = job.agent._actor_network
    assert np.abs(actor.normaliser.stddev.numpy() - 1).max() > 0.1
    for net, target in (
        (actor, job.agent._target_actor_network),
        (job.agent._critic_network, job.agent._target_critic_network),
    ):
        np.testing.assert_array_equal(net.normaliser.mean.numpy(), target.normaliser.mean.numpy())
        assert any(
            np.abs(a.numpy() - b.numpy()).max() > 0 for a, b in zip(net.variables, target.variables, strict=True)
        )


def test_checkpoint_restores_agent_and_environment(trained, small_config):
    job, path, task = trained
    again = trainer.train(task, run_directory.RunDirectory.existing(path))  # at its last step already
    assert small_config.train.steps == int(again.train_step.numpy())
    for left, right in zip(job.agent._critic_network.variables, again.agent._critic_network.variables, strict=True):
        np.testing.assert_array_equal(left.numpy(), right.numpy())
    np.testing.assert_array_equal(job.env.simulator.rows, again.env.simulator.rows)


def test_existing_and_missing_runs_are_refused(trained, small_config, tmp_path):
    _, path, _ = trained
    with pytest.raises(errors.ConfigError, match="is not empty"):
        run_directory.RunDirectory.create(path, small_config, "hash")
    with pytest.raises(errors.ConfigError, match=r"run \[1\] has one of .* in it"):
        run_directory.RunDirectory.create(tmp_path / "run [1]", small_config, "hash")
    with pytest.raises(errors.ConfigError, match=r"holds no config\.toml"):
        run_directory.RunDirectory.existing(tmp_path)


def test_metrics_after_the_checkpoint_and_a_torn_line_are_forgotten(tmp_path):
    run = run_directory.RunDirectory(tmp_path)
    run.metrics_path.write_text('{"step": 1}\n{"step": 2}\n{"step": 3}\n{"ste')
    run.forget_after(2)
    assert run.metrics_path.read_text() == '{"step": 1}\n{"step": 2}\n'


def _start(config, run_dir, *more):
    path = run_dir.with_suffix(".toml")
    path.write_text(loading.dumps(config))
    return subprocess.Popen(
        [sys.executable, "pipelines/train.py", str(path), "--run-dir", str(run_dir), *more],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )


def _until_checkpoint(run_dir, process):
    for _ in range(1200):
        if list((run_dir / "checkpoints").glob("[0-9]*")):
            return
        assert process.poll() is None, process.communicate()[1]
        time.sleep(0.05)
    raise AssertionError("no checkpoint within a minute")


def test_sigkill_then_resume_and_sigint_saves_first(small_config, tmp_path, run_script):
    """Killed, resumed, interrupted, resumed: the run ends at its step count without hole or double step."""
    settings = msgspec.structs.replace(
        small_config.train, steps=1500, checkpoint_interval=150, log_interval=50, validation_interval=0
    )
    config, run_dir = msgspec.structs.replace(small_config, train=settings), tmp_path / "run"
    process = _start(config, run_dir)
    _until_checkpoint(run_dir, process)
    process.kill()
    process.communicate()
    assert not (run_dir / "policy").exists()

    process = _start(config, run_dir, "--resume")
    known = len(_records(run_dir))
    for _ in range(1200):
        if process.poll() is not None or len(_records(run_dir)) > known + 2:
            break
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, text = process.communicate(timeout=60)
    assert process.returncode == 130, text
    assert "resuming at step" in text
    assert "checkpoint saved" in text
    assert "Traceback" not in text
    stopped = max(int(one.name) for one in (run_dir / "checkpoints").iterdir())
    assert f"stopped at step {stopped}" in text

    process = _start(config, run_dir, "--resume")
    _, text = process.communicate(timeout=120)
    assert process.returncode == 0, text
    assert f"resuming at step {stopped}" in text
    steps = [one["step"] for one in _records(run_dir)]
    assert steps == list(range(50, 1501, 50))
    assert json.loads((run_dir / "policy" / "tfmm.json").read_text())["train_step"] == 1500

    done = run_script("train.py", run_dir.with_suffix(".toml"), "--run-dir", run_dir)
    assert (done.returncode, len(done.stderr.strip().splitlines())) == (2, 1), done.stderr
    assert "is not empty, wanted a new folder, or --resume" in done.stderr


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (["--set", "train.stepz=5"], "unknown field"),
        (["--set", "train.steps=many"], "Expected `int`"),
        (["--set", "data.store=nowhere"], "nowhere"),
        (["--set", "nonsense"], "wanted section.key=value"),
        (["--resume"], "holds no config.toml"),
    ],
)
def test_wrong_inputs_end_with_one_line_and_exit_2(small_config, tmp_path, change, message, run_script):
    path = tmp_path / "run.toml"
    path.write_text(loading.dumps(small_config))
    done = run_script("train.py", path, "--run-dir", tmp_path / "run", *change)
    assert done.returncode == 2
    lines = done.stderr.strip().splitlines()
    assert len(lines) == 1, done.stderr
    assert lines[0].startswith("error: ")
    assert message in lines[0]
    assert not (tmp_path / "run").exists()
