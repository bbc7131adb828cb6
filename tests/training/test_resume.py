"""Resume with the replay: what it held comes back; what cannot be loaded is filled again; a full disk loses nothing."""

import json
import logging
import os
import pathlib
import resource
import shutil
import subprocess
import sys

import msgspec
import numpy as np
import pytest

from tfmm import errors, plain_state
from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.training import run_directory, trainer
from tfmm.training.replay import checkpoint as checkpoint_lib, server as server_lib

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEPS = 40


@pytest.fixture(scope="module")
def finished(small_config, tmp_path_factory):
    """(task, path of a run of STEPS steps, keys of the items its replay held at the end)."""
    config = msgspec.structs.replace(
        small_config, train=msgspec.structs.replace(small_config.train, steps=STEPS, validation_interval=0)
    )
    task = tape_task.TapeTask.create(config)
    run = run_directory.RunDirectory.create(tmp_path_factory.mktemp("runs") / "run", config, "hash")
    held = []
    trainer.train(task, run, on_end=lambda job: held.append(_keys(job)))
    return task, run.path, held[0]


def _keys(job):
    """Keys of all items of a replay: so many uniform draws miss one of about 100 with a chance below 1e-15."""
    drawn = job.replay.client.sample(server_lib.TABLE, 5000, emit_timesteps=False)
    keys = {sample.info.key for sample in drawn}
    assert len(keys) == job.replay.items()
    return keys


def _resumed(task, path, on_ready=None, on_end=None):
    return trainer.train(task, run_directory.RunDirectory.existing(path), None, on_ready, on_end)


def test_the_replay_holds_what_it_held(finished):
    task, path, held = finished
    # the warm-up's 40 batched steps, then 2 every 2 train steps; steps between episodes come on top
    assert len(held) >= 40 + STEPS - 1
    found = []
    job = _resumed(task, path, *2 * [lambda job: found.append(_keys(job))])
    assert job.replay.restored
    assert found == [held, held]  # at its last step: nothing was collected
    assert not list((path / "checkpoints").glob(".*"))


def test_loading_has_a_time_limit(finished):
    _, path, _ = finished
    checkpoint = path / "checkpoints" / f"{STEPS:010d}"
    reason = checkpoint_lib.refusal(checkpoint, (server_lib.TABLE,), timeout_s=0.001)
    assert reason == "not loaded within 0.001 s (train.replay_timeout_s)"


@pytest.mark.parametrize("damage", ["missing", "cut", "emptied"])
def test_a_replay_that_cannot_be_loaded_is_filled_again(finished, tmp_path, caplog, damage):
    task, finished_path, held = finished
    path = shutil.copytree(finished_path, tmp_path / "run")
    folder = path / "checkpoints" / f"{STEPS:010d}" / checkpoint_lib.NAME
    if damage == "missing":
        shutil.rmtree(folder)
    else:
        # one cut in forty looks to Reverb like the end of the file; so does this one, always
        os.truncate(folder / "chunks.tfrecord", 1000 if damage == "cut" else 0)
    filled = []
    with caplog.at_level(logging.WARNING, logger="tfmm"):
        job = _resumed(task, path, on_end=lambda job: filled.append(job.replay.items()))
    assert not job.replay.restored
    (message,) = (record.message for record in caplog.records if "replay of checkpoint" in record.message)
    assert ("it holds none" in message) == (damage == "missing")
    assert damage != "emptied" or f"table {server_lib.TABLE} holds 0 of {len(held)} items" in message
    assert message.endswith("it is filled again with the restored policy")
    assert filled[0] >= task.config.collect.initial_steps - 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"agent.actor_layers": [8]}, r"variables \['actor/dense.*, 16\], wanted \['actor/dense.*, 8\]"),
        ({"agent.name": "td3"}, r"settings agent\.name ddpg, wanted td3"),
        ({"environment.features": ["inventory", "spread"]}, r"transition observation \['float32', \d+\], wanted"),
        (None, r"no readable schema\.json, wanted one of this version"),
        ("torn", r"cannot be restored \(.*\), wanted whole files"),
    ],
)
def test_a_checkpoint_of_another_schema_is_refused_in_one_line(finished, tmp_path, change, message):
    task, finished_path, _ = finished
    path = shutil.copytree(finished_path, tmp_path / "run")
    newest = path / "checkpoints" / f"{STEPS:010d}"
    if change is None:
        (newest / "schema.json").unlink()
    elif change == "torn":
        os.truncate(newest / "state.msgpack", 10)
    else:
        task = tape_task.TapeTask.create(loading.with_settings(task.config, change, "test"))
    with pytest.raises(errors.DataError, match=message) as raised:
        _resumed(task, path)
    assert "\n" not in str(raised.value)


def _set(state, path, value):
    *outer, last = path
    for key in outer:
        state = state[key]
    state[last] = value


SIMULATOR = ("collector", "environment", 0)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        ((*SIMULATOR, "rows"), lambda rows: np.full_like(rows, 1 << 40), "rows point outside"),
        ((*SIMULATOR, "rows"), lambda rows: rows[:1], r"rows is .* wanted"),
        ((*SIMULATOR, "instruments"), lambda _: np.zeros(3), r"instruments is float64 \(3,\), wanted"),
        ((*SIMULATOR, "observation"), lambda _: None, "observation is NoneType"),
        (("collector", "noise"), lambda _: {}, "KeyError"),
        (("collector", "noise", "generator"), lambda _: {"bit_generator": "MT19937"}, "ValueError"),
        (("collector", "time_step"), lambda _: (), "TypeError"),
        (("collector",), lambda _: [1], "TypeError"),
    ],
)
def test_a_state_that_does_not_fit_is_refused_in_one_line(finished, tmp_path, path, value, message):
    """What somebody else may have written: no index of it reaches a kernel."""
    task, finished_path, _ = finished
    run = shutil.copytree(finished_path, tmp_path / "run")
    file = run / "checkpoints" / f"{STEPS:010d}" / "state.msgpack"
    state = plain_state.decode(file.read_bytes())
    state["collector"]["environment"] = list(state["collector"]["environment"])
    _set(state, path, value(_get(state, path)))
    file.write_bytes(plain_state.encode(state))
    with pytest.raises(errors.DataError, match=rf"does not fit this run \(.*{message}") as raised:
        _resumed(task, run)
    assert "\n" not in str(raised.value)


def _get(state, path):
    for key in path:
        state = state[key]
    return state


def test_a_pickle_of_an_older_version_is_refused_unread(finished, tmp_path):
    task, finished_path, _ = finished
    run = shutil.copytree(finished_path, tmp_path / "run")
    newest = run / "checkpoints" / f"{STEPS:010d}"
    (newest / "state.msgpack").rename(newest / "state.pickle")
    schema = json.loads((newest / "schema.json").read_text())
    (newest / "schema.json").write_text(json.dumps(schema | {"format": 2}))
    with pytest.raises(errors.DataError, match=r"format 2, wanted 3; --resume needs"):
        _resumed(task, run)


def test_a_full_disk_in_mid_checkpoint_leaves_the_one_before_it(finished, tmp_path):
    """The disk takes no file over 30 kB: the replay does not fit; without that limit the run goes on."""
    task, finished_path, held = finished
    config = msgspec.structs.replace(task.config, train=msgspec.structs.replace(task.config.train, steps=60))
    path = tmp_path / "run"
    shutil.copytree(finished_path, path)
    (path / "config.toml").write_text(loading.dumps(config))
    done = subprocess.run(
        [sys.executable, "pipelines/train.py", str(path / "config.toml"), "--run-dir", str(path), "--resume"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000)),
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    (line,) = (one for one in done.stderr.splitlines() if one.startswith("error:"))
    assert "0000000060: cannot be written" in line
    assert "0000000040 is whole, --resume goes on from it" in line
    assert [one.name for one in sorted((path / "checkpoints").glob("[0-9]*"))] == ["0000000020", "0000000040"]
    assert not list((path / "checkpoints").glob(".*.tmp"))

    found = []
    _resumed(tape_task.TapeTask.create(config), path, on_ready=lambda job: found.append(_keys(job)))
    assert found == [held]
    assert (path / "checkpoints" / "0000000060").is_dir()
