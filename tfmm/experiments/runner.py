"""Whole experiments, train and evaluate, as child processes: for validate.py, sweep.py and search.py.

A run is a run directory with its outcome in it, written last: `evaluation/metrics.json`, or `validation.json` for one
that validation alone judges. Runs that are finished are not done again and those that were stopped go on, so the same
command continues what was interrupted.
"""

import contextlib
import dataclasses
import os
import pathlib
import re
import signal
import subprocess
import sys
import time

import tqdm

from tfmm import errors, files
from tfmm.config import experiment as experiment_lib, formats, loading
from tfmm.experiments import tables

METRICS = pathlib.PurePath("evaluation", "metrics.json")
SCORE = pathlib.PurePath("validation.json")
_POLL_S = 0.2


@dataclasses.dataclass(frozen=True)
class Scenario:
    """Where trained policies are judged, if not in the market they were trained on.

    Attributes:
        store: path of another store, or None. changes: tuple of `section.key=value`; see evaluation.evaluate.
    """

    store: pathlib.Path | None = None
    changes: tuple = ()

    @property
    def parts(self):
        """List of str: what is otherwise."""
        return [*([] if self.store is None else [f"store={self.store}"]), *self.changes]

    @property
    def options(self):
        """List of str: how evaluate.py is told of it."""
        store = [] if self.store is None else ["--store", str(self.store)]
        return store + [part for change in self.changes for part in ("--scenario", change)]

    def named(self, name):
        """The name of a file or folder, another one for each scenario."""
        return named("-".join([name, *self.parts]))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A configuration and the run directory that it belongs in. split: `test` for the whole evaluation; `validation`
    for the policy's score there and nothing else, so that test stays unseen. scenario: what it is evaluated in."""

    config: experiment_lib.Config
    folder: pathlib.Path
    split: str = "test"
    scenario: Scenario = Scenario()

    @property
    def outcome(self):
        """Path of what is written last."""
        return self.folder / (metrics(self.scenario) if self.split == "test" else SCORE)

    @property
    def trained(self):
        """Whether its policy is there."""
        return (self.folder / "policy").is_dir()

    @property
    def log(self):
        """Path of all that its processes print."""
        return self.folder.with_name(f"{self.folder.name}.log")


def named(text):
    """A name for a file or folder that says this; TensorFlow reads some characters of a path as patterns."""
    return re.sub(r"[^\w.,=+-]+", "_", text)


def metrics(scenario):
    """Path in a run directory: METRICS, or where a policy is judged in another scenario a path of its own."""
    return pathlib.PurePath(scenario.named(METRICS.parent.name), METRICS.name)


def run(experiments, jobs):
    """Runs those that are not finished, at most `jobs` at a time: first all trainings, then the evaluations; those of
    one problem follow each other in one process, which fits their baselines once.

    Args:
        experiments: list of Experiment. jobs: processes.

    Returns:
        list with, for each, the dict of its metrics.json, or a str: the line with which it failed. Its whole output
        is in FOLDER.log.

    Raises:
        ConfigError: a folder holds another experiment. errors.Interrupted: after a signal, which was passed on.
    """
    for one in experiments:
        _check_same(one)
    left = [one for one in experiments if not one.outcome.is_file()]
    untrained = [one for one in left if not one.trained]
    for _ in _processes(untrained, _train, jobs, len(untrained), 0, "training"):
        pass
    groups = {}
    for one in left:
        if one.trained:
            groups.setdefault((loading.problem_text(one.config), one.scenario), []).append(one)
    for group, code in _processes(groups.values(), _judge, jobs, len(groups), 0, "evaluation"):
        for one in group:
            if code and not one.outcome.is_file():  # it was killed: what fails by itself ends with 0
                with open(one.log, "a", encoding="utf-8") as log:
                    log.write(f"error: {one.folder}: the process that evaluated it ended with {code}\n")
    return [_outcome(one) for one in experiments]


def stream(experiments, jobs, total, done=0):
    """Trains and scores on validation; yields (Experiment, its outcome as `run` returns it) as each ends.

    The next one is taken when there is a process for it and no sooner: it may depend on what was yielded.

    Args:
        experiments: iterable of Experiment. jobs: processes. total, done: of the progress bar.

    Raises:
        errors.Interrupted: after a signal, which was passed on.
    """
    for one, _ in _processes(experiments, _score, jobs, total, done, "run"):
        yield one, _outcome(one)


def _processes(items, start, jobs, total, done, unit):
    """Yields (item, exit code) as its process, of start(item), ends; arguments and errors as `stream`.

    None instead of a process: nothing is left to do.
    """
    waiting, running = iter(items), {}
    with _signals() as stopped, tqdm.tqdm(total=total, initial=done, unit=unit, disable=None) as bar:
        try:
            while not stopped:
                while len(running) < jobs and (one := next(waiting, None)) is not None:
                    process = start(one)
                    if process is None:
                        bar.update()
                        yield one, 0
                    else:
                        running[process] = one
                if not running:
                    break
                time.sleep(_POLL_S)
                for process in [process for process in running if process.poll() is not None]:
                    bar.update()
                    yield running.pop(process), process.returncode
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait()
    if stopped:
        raise errors.Interrupted("stopped; the same command goes on with what is left", stopped[0])


def score(outcome, metric, folder):
    """A metric of the policy from an outcome of `run`; NaN where it failed. ConfigError where there is no such one."""
    if isinstance(outcome, str):
        return float("nan")
    found = tables.numbers(outcome["results"][outcome["policy"]["name"]])
    if metric not in found:
        raise errors.ConfigError(f"--metric {metric}: not in {folder / METRICS}, wanted one of {', '.join(found)}")
    return found[metric]


def _check_same(one):
    path = one.folder / "config.toml"
    if not path.is_file():
        return
    formats.check_run(one.folder)
    if loading.load(path) != one.config:
        raise errors.ConfigError(f"{one.folder} holds a run with other settings, wanted a new --out")


def _train(one):
    return _start(one, "w", "train", [_written(one), one.folder])


def _score(one):
    return None if one.outcome.is_file() else _start(one, "w", "score", [_written(one), one.folder])


def _judge(group):
    return _start(group[0], "a", "judge", [*(one.folder for one in group), *group[0].scenario.options])


def _written(one):
    """Path of its configuration, beside its folder."""
    one.folder.parent.mkdir(parents=True, exist_ok=True)
    path = one.folder.with_name(f"{one.folder.name}.toml")
    files.write_text(path, loading.dumps(one.config))
    return path


def _start(one, mode, task, arguments):
    """A child process that prints into the log of an Experiment, opened in this mode."""
    with open(one.log, mode, encoding="utf-8") as log:
        command = [sys.executable, "-m", "tfmm.experiments.worker", task, str(os.getpid()), *map(str, arguments)]
        # a session of its own: Ctrl-C in the terminal reaches it through us alone, once
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _outcome(one):
    """What was written last, or the line with which the experiment failed."""
    if one.outcome.is_file():
        return files.read_json(one.outcome)
    text = one.log.read_text(encoding="utf-8", errors="replace").strip() if one.log.is_file() else ""
    lines = text.splitlines() or ["no output"]
    # what our own errors say stands before what the libraries print when they are taken down
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])


@contextlib.contextmanager
def _signals():
    """A list that receives the number of the first signal."""
    got = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda number, _: got.append(number)) for number in numbers}
    try:
        yield got
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
