"""Where the agent is made: under the mirrored strategy that a GPU gets, here on the CPU, and without a GPU."""

import json

import absl.flags
import msgspec
import numpy as np
import pytest
import tensorflow as tf

from tfmm.config import loading
from tfmm.environments import factory
from tfmm.training import devices, run_directory, trainer

TREE = {
    "environment": {"name": "quote_target", "rows": 4},
    "agent": {"actor_layers": [8], "critic_joint_layers": [8]},
    "collect": {"initial_steps": 20, "steps_per_iteration": 2},
    "train": {"steps": 12, "batch_size": 16, "steps_per_iteration": 4, "log_interval": 4, "validation_interval": 12},
}


def test_training_under_the_strategy_of_a_gpu_moves_the_agent_and_resumes(tmp_path, monkeypatch):
    """TF-Agents' own strategy, which mirrors on the CPU where there is nothing else."""
    monkeypatch.setattr(devices, "_gpus", lambda: ["GPU:0"])
    config = loading.decode(TREE, "test")
    task = factory.open_task(config)
    before, restored = [], []

    def weights(job):
        variables = job.agent._actor_network.trainable_variables
        assert isinstance(variables[0], tf.distribute.DistributedValues)
        return [one.numpy() for one in variables]

    run = run_directory.RunDirectory.create(tmp_path / "run", config, "hash")
    learned = weights(trainer.train(task, run, on_ready=lambda job: before.extend(weights(job))))
    assert all(np.abs(one - other).max() > 0 for one, other in zip(before, learned, strict=True))
    assert "use_gpu" not in absl.flags.FLAGS  # importing strategy_utils defines it

    longer = msgspec.structs.replace(config, train=msgspec.structs.replace(config.train, steps=20))
    run = run_directory.RunDirectory.existing(tmp_path / "run")
    trainer.train(factory.open_task(longer), run, on_ready=lambda job: restored.extend(weights(job)))
    for one, other in zip(learned, restored, strict=True):
        np.testing.assert_array_equal(one, other)
    steps = [json.loads(line)["step"] for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert sorted(set(steps)) == [4, 8, 12, 16, 20]


@pytest.mark.parametrize("device", ["auto", "cpu"])
def test_without_a_gpu_nothing_is_mirrored(device, monkeypatch):
    monkeypatch.setattr(devices, "_gpus", lambda: [] if device == "auto" else ["GPU:0"])
    settings = loading.decode({"train": {"device": device}}, "test").train
    assert devices.strategy(settings) is tf.distribute.get_strategy()


def test_a_gpu_that_is_not_there_is_one_line_and_exit_2(tmp_path, run_script):
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("this machine has one")
    path = tmp_path / "config.toml"
    path.write_text(loading.dumps(loading.decode(TREE, "test")))
    done = run_script("train.py", path, "--run-dir", tmp_path / "run", "--set", "train.device=gpu")
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1), done.stderr
    assert "train.device is gpu and TensorFlow sees no GPU, wanted one with its driver" in done.stderr
    assert not (tmp_path / "run").exists()
