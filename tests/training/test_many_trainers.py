"""Trainings one after the other in one process, as in a notebook, leave nothing running."""

import pathlib
import tempfile
import weakref

import msgspec
import reverb

from tfmm.config import loading
from tfmm.environments.tape import task as tape_task
from tfmm.training import run_directory, trainer

KINDS = {
    "batch": {},
    "single": {"collect.mode": "single", "environment.rows": 1},
    "blocks": {
        "agent.name": "reinforce",
        "environment.window_s": 10.0,
        "collect.steps_per_iteration": 100,
        "train.steps_per_iteration": 1,
    },
}


def _config(small_config, kind, seed):
    changes = {"train.steps": 20, "train.validation_interval": 0} | KINDS[kind]
    return msgspec.structs.replace(loading.with_settings(small_config, changes, "test"), seed=seed)


def _threads():
    lines = pathlib.Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Threads:"))


def test_trainings_that_have_ended_leave_nothing_behind(small_config, tmp_path, monkeypatch):
    """The parts of all stay referenced, so that nothing is left to the garbage collector."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    stop, ready, running, ends = reverb.Server.stop, [], [], []

    def note(parts):
        ready.append((parts.replay._server, weakref.ref(parts.learner._experience_iterator)))
        running.append(_threads())

    def watched(server):
        if server is ready[-1][0]:  # and not one that is deleted
            ends.append("sampler first" if ready[-1][1]() is None else "server first")
        stop(server)

    monkeypatch.setattr(reverb.Server, "stop", watched)
    jobs, threads, sequence = [], [], [*KINDS, "batch", "single"]
    for seed, kind in enumerate(sequence):
        task = tape_task.TapeTask.create(_config(small_config, kind, seed))
        run = run_directory.RunDirectory.create(tmp_path / str(seed), task.config, "hash")
        job = trainer.train(task, run, on_ready=note)
        ready[-1] = None, ready[-1][1]
        job.learner.close()
        job.replay.close()
        jobs.append(job)
        threads.append(_threads())
        # server and sampler have 35 threads and more
        assert threads[-1] < running[-1] - 20
    assert ends == ["sampler first"] * len(sequence)
    # the first of a kind starts the pools that TensorFlow and gRPC keep for good
    assert max(threads[len(KINDS) :]) < max(threads[: len(KINDS)]) + 10
    assert not [path for path in folder.iterdir() if path.is_dir()]
