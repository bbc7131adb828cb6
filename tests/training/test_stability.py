"""What stops a run before its last step: a loss that is not finite, a policy that gets no better."""

import json
import re

import msgspec
import numpy as np
import pytest

from tfmm import errors
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.training import nan_guard, run_directory, trainer


def _changed(config, agent=None, **train):
    return msgspec.structs.replace(
        config,
        agent=msgspec.structs.replace(config.agent, **(agent or {})),
        train=msgspec.structs.replace(config.train, **train),
    )


def _records(path):
    return [json.loads(line) for line in (path / "metrics.jsonl").read_text().splitlines()]


def test_a_loss_that_is_not_finite_ends_with_exit_3_and_its_batch(small_config, tmp_path, run_script):
    """A learning rate of 1e30: Adam's first step throws the critic's layers to 1e30, whose product overflows."""
    config = _changed(small_config, {"critic_learning_rate": 1e30})
    path = tmp_path / "wild.toml"
    path.write_text(loading.dumps(config))
    done = run_script("train.py", path, "--run-dir", tmp_path / "run")
    assert done.returncode == 3, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (one for one in done.stderr.splitlines() if one.startswith("error:"))
    # the actor's, which asks the critic after its step; which of the checks of the two steps fails first is a race
    assert re.match(r"error: train step 1: the (actor|critic) loss is inf or nan, its batch is in ", line)
    assert str(tmp_path / "run" / nan_guard.BATCH) in line
    with np.load(tmp_path / "run" / nan_guard.BATCH) as batch:
        assert batch["observation"].shape[:2] == (32, 2)
        assert all(np.isfinite(batch[name]).all() for name in ("observation", "action", "reward"))
        assert int(batch["train_step"]) == 1
    assert not (tmp_path / "run" / "policy").exists()
    assert not list((tmp_path / "run" / "checkpoints").iterdir())


def test_weights_that_are_not_finite_are_not_saved(small_config, tmp_path):
    """Poisoned after a checkpoint: that one stays the newest, and whole."""
    config = _changed(small_config, steps=20, validation_interval=0)
    task = tape_task.TapeTask.create(config)
    job = trainer.train(task, run_directory.RunDirectory.create(tmp_path / "run", config, "hash"))
    weight = job.agent._critic_network.trainable_variables[0]
    weight.assign(weight * np.nan)
    job.train_step.assign(21)
    with pytest.raises(errors.Diverged, match=r"step 21: weight .* is not finite; checkpoint .*0000000020 is whole"):
        job.checkpoints.save()
    again = trainer.train(task, run_directory.RunDirectory.existing(tmp_path / "run"))  # at its last step already
    assert all(np.isfinite(one.numpy()).all() for one in again.agent.variables)


def test_patience_ends_a_run_that_gets_no_better(small_config, tmp_path):
    """At a learning rate of 1e-12 the policy stays the same: the first validation is the best, two more end the run."""
    slow = {"actor_learning_rate": 1e-12, "critic_learning_rate": 1e-12}
    config = _changed(small_config, slow, steps=200, validation_interval=10, patience=2, checkpoint_interval=100)
    task = tape_task.TapeTask.create(config)
    trainer.train(task, run_directory.RunDirectory.create(tmp_path / "run", config, "hash"))
    assert _records(tmp_path / "run")[-1]["step"] == 30
    assert json.loads((tmp_path / "run" / "policy" / "tfmm.json").read_text())["train_step"] == 30
    assert sorted(one.name for one in (tmp_path / "run" / "checkpoints").iterdir()) == ["0000000030"]
