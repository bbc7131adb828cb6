"""Whole experiments, training and evaluation, as child processes: for validate.py, sweep.py and search.py.

An experiment is a run directory with its result file, which is written last: `evaluation/metrics.json`, or
`validation.json` where the policy is only scored on validation. Finished experiments are not repeated and stopped ones
continue, so the same command continues after an interruption.
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
from collections.abc import Callable, Generator, Iterable, Iterator
from typing import Any, TypeVar

import tqdm

from tfmm import errors, files
from tfmm.config import experiment as experiment_lib, formats, loading
from tfmm.experiments import tables

METRICS = pathlib.PurePath("evaluation", "metrics.json")
SCORE = pathlib.PurePath("validation.json")
_POLL_S = 0.2
_Item = TypeVar("_Item")


@dataclasses.dataclass(frozen=True)
class Scenario:
    """How the market in which policies are evaluated differs from that of their training.

    Attributes:
        store: path of another store, or None. changes: `section.key=value` texts; see evaluation.evaluate.
    """

    store: pathlib.Path | None = None
    changes: tuple[str, ...] = ()

    @property
    def parts(self) -> list[str]:
        """The differences in words; empty: none."""
        return [*([] if self.store is None else [f"store={self.store}"]), *self.changes]

    @property
    def options(self) -> list[str]:
        """The scenario as arguments of evaluate.py."""
        store = [] if self.store is None else ["--store", str(self.store)]
        return store + [part for change in self.changes for part in ("--scenario", change)]

    def named(self, name: str) -> str:
        """`name` of a file or folder, extended by the scenario."""
        return named("-".join([name, *self.parts]))


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A configuration and its run directory.

    split: `test` for the whole evaluation; `validation` for the policy's score there only, so that test stays unseen.
    scenario: in which the policy is evaluated.
    """

    config: experiment_lib.Config
    folder: pathlib.Path
    split: str = "test"
    scenario: Scenario = Scenario()

    @property
    def result_path(self) -> pathlib.Path:
        """Path of the result file, which is written last."""
        return self.folder / (metrics(self.scenario) if self.split == "test" else SCORE)

    @property
    def trained(self) -> bool:
        """Whether the policy has been saved."""
        return (self.folder / "policy").is_dir()

    @property
    def log(self) -> pathlib.Path:
        """Path of the output of its processes."""
        return self.folder.with_name(f"{self.folder.name}.log")


def named(text: str) -> str:
    """`text` as a name of a file or folder, without the characters that TensorFlow reads as patterns in a path."""
    return re.sub(r"[^\w.,=+-]+", "_", text)


def metrics(scenario: Scenario) -> pathlib.PurePath:
    """Path of metrics.json in a run directory: METRICS, extended by the scenario."""
    return pathlib.PurePath(scenario.named(METRICS.parent.name), METRICS.name)


def run(experiments: list[Experiment], jobs: int) -> list[dict[str, Any] | str]:
    """Runs the experiments that are not finished, at most `jobs` at a time: first all trainings, then the evaluations.

    Evaluations of the same task follow each other in one process, which fits the baselines once.

    Args:
        experiments: the experiments. jobs: processes at a time.

    Returns:
        for each experiment the tree of its metrics.json, or a str, the line with which it failed. Its whole output is
        in FOLDER.log.

    Raises:
        ConfigError: a folder holds another experiment. errors.Interrupted: after a signal, which was passed on.
    """
    for experiment in experiments:
        _check_same(experiment)
    left = [experiment for experiment in experiments if not experiment.result_path.is_file()]
    untrained = [experiment for experiment in left if not experiment.trained]
    for _ in _processes(untrained, _train, jobs, len(untrained), 0, "training"):
        pass
    groups: dict[tuple[str, Scenario], list[Experiment]] = {}
    for experiment in left:
        if experiment.trained:
            groups.setdefault((loading.problem_text(experiment.config), experiment.scenario), []).append(experiment)
    for group, code in _processes(groups.values(), _evaluate, jobs, len(groups), 0, "evaluation"):
        for experiment in group:
            if code and not experiment.result_path.is_file():  # killed: an evaluation that fails is caught, exit code 0
                with open(experiment.log, "a", encoding="utf-8") as log:
                    log.write(f"error: {experiment.folder}: the process that evaluated it ended with {code}\n")
    return [_result(experiment) for experiment in experiments]


def stream(
    experiments: Iterable[Experiment], jobs: int, total: int, done: int = 0
) -> Generator[tuple[Experiment, dict[str, Any] | str], None, None]:
    """Trains and scores on validation; yields (experiment, its result as `run` returns it) as each ends.

    The next experiment is taken when a process is free and no sooner, since it may depend on earlier results.

    Args:
        experiments: the experiments. jobs: processes at a time. total, done: of the progress bar.

    Raises:
        errors.Interrupted: after a signal, which was passed on.
    """
    for experiment, _ in _processes(experiments, _score, jobs, total, done, "run"):
        yield experiment, _result(experiment)


def _processes(
    items: Iterable[_Item],
    start: Callable[[_Item], subprocess.Popen | None],
    jobs: int,
    total: int,
    done: int,
    unit: str,
) -> Iterator[tuple[_Item, int]]:
    """Yields (item, exit code) as the process start(item) ends; start returns None for a finished item."""
    waiting = iter(items)
    running: dict[subprocess.Popen, _Item] = {}
    with _signals() as stopped, tqdm.tqdm(total=total, initial=done, unit=unit, disable=None) as bar:
        try:
            while not stopped:
                while len(running) < jobs and (item := next(waiting, None)) is not None:
                    process = start(item)
                    if process is None:
                        bar.update()
                        yield item, 0
                    else:
                        running[process] = item
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
        raise errors.Interrupted("stopped; the same command continues", stopped[0])


def score(result: dict[str, Any] | str, metric: str, folder: pathlib.Path) -> float:
    """A metric of the policy from a result of `run`; NaN where the experiment failed.

    Raises:
        ConfigError: there is no such metric.
    """
    if isinstance(result, str):
        return float("nan")
    metrics_of_policy = tables.numbers(result["results"][result["policy"]["name"]])
    if metric not in metrics_of_policy:
        wanted = ", ".join(metrics_of_policy)
        raise errors.ConfigError(f"--metric {metric}: not in {folder / METRICS}, wanted one of {wanted}")
    return metrics_of_policy[metric]


def _check_same(experiment):
    path = experiment.folder / "config.toml"
    if not path.is_file():
        return
    formats.check_run(experiment.folder)
    if loading.load(path) != experiment.config:
        raise errors.ConfigError(f"{experiment.folder} holds a run with other settings, wanted a new --out")


def _train(experiment):
    return _start(experiment, "w", "train", [_write_config(experiment), experiment.folder])


def _score(experiment):
    if experiment.result_path.is_file():
        return None
    return _start(experiment, "w", "score", [_write_config(experiment), experiment.folder])


def _evaluate(group):
    folders = [experiment.folder for experiment in group]
    return _start(group[0], "a", "evaluate", [*folders, *group[0].scenario.options])


def _write_config(experiment):
    """Writes the configuration beside the folder of an experiment; returns its path."""
    experiment.folder.parent.mkdir(parents=True, exist_ok=True)
    path = experiment.folder.with_name(f"{experiment.folder.name}.toml")
    files.write_text(path, loading.dumps(experiment.config))
    return path


def _start(experiment, mode, task, arguments):
    """A child process that prints into the log of an experiment, opened in this mode."""
    with open(experiment.log, mode, encoding="utf-8") as log:
        command = [sys.executable, "-m", "tfmm.experiments.worker", task, str(os.getpid()), *map(str, arguments)]
        # in a new session Ctrl-C does not reach the child directly: we pass the signal on, once
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _result(experiment):
    """The tree of the result file, or the line with which the experiment failed."""
    if experiment.result_path.is_file():
        return files.read_json(experiment.result_path)
    log = experiment.log
    text = log.read_text(encoding="utf-8", errors="replace").strip() if log.is_file() else ""
    lines = text.splitlines() or ["no output"]
    # libraries print more lines after our error when the process ends
    return next((line for line in reversed(lines) if line.startswith("error: ")), lines[-1])


@contextlib.contextmanager
def _signals():
    """A list to which the numbers of received signals are appended."""
    received = []
    numbers = (signal.SIGINT, signal.SIGTERM)
    previous = {number: signal.signal(number, lambda number, _: received.append(number)) for number in numbers}
    try:
        yield received
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
