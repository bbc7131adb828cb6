"""Whole experiments, train and evaluate, as child processes: for validate.py, sweep.py and search.py.

A run is a run directory with its outcome in it, written last: `evaluation/metrics.json`, or `validation.json` for one
that validation alone judges. Runs that are finished are not done again and those that were stopped go on, so the same
command continues what was interrupted.
"""

import argparse
import contextlib
import ctypes
import dataclasses
import os
import pathlib
import shlex
import signal
import subprocess
import sys
import time

import tqdm

from tfmm import cli, errors, files
from tfmm import config as config_lib
from tfmm.evaluation import aggregate

METRICS = pathlib.PurePath("evaluation", "metrics.json")
SCORE = pathlib.PurePath("validation.json")
_POLL_S = 0.2
_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A configuration and the run directory that it belongs in. split: `test` for the whole evaluation; `validation`
    for the policy's score there and nothing else, so that test stays unseen. world: `section.key=value`, what is
    otherwise in the evaluation than in training, see evaluation.evaluate."""

    config: config_lib.Config
    folder: pathlib.Path
    split: str = "test"
    world: tuple = ()

    @property
    def outcome(self):
        """Path of what is written last."""
        return self.folder / (_metrics(self.world) if self.split == "test" else SCORE)


def in_world(name, world):
    """The name of a file or folder, another one for each world."""
    return "-".join([name, *world]).replace("/", "_")


def _metrics(world):
    """METRICS, or where a policy is judged in another world a path of its own."""
    return pathlib.PurePath(in_world(METRICS.parent.name, world), METRICS.name)


def run(experiments, jobs):
    """Runs those that are not finished, at most `jobs` at a time.

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
    outcomes = {one.folder: outcome for one, outcome in stream(experiments, jobs, len(experiments))}
    return [outcomes[one.folder] for one in experiments]


def stream(experiments, jobs, total, done=0):
    """Yields (Experiment, its outcome as `run` returns it) as each ends.

    The next one is taken when there is a process for it and no sooner: it may depend on what was yielded.

    Args:
        experiments: iterable of Experiment. jobs: processes. total, done: of the progress bar.

    Raises:
        errors.Interrupted: after a signal, which was passed on.
    """
    waiting, running = iter(experiments), {}
    with _signals() as stopped, tqdm.tqdm(total=total, initial=done, unit="run", disable=None) as bar:
        try:
            while not stopped:
                while len(running) < jobs and (one := next(waiting, None)) is not None:
                    if one.outcome.is_file():
                        bar.update()
                        yield one, files.read_json(one.outcome)
                    else:
                        running[_start(one)] = one
                if not running:
                    break
                time.sleep(_POLL_S)
                for process in [process for process in running if process.poll() is not None]:
                    one = running.pop(process)
                    bar.update()
                    yield one, _last_line(one) if process.returncode else files.read_json(one.outcome)
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
    found = aggregate.numbers(outcome["results"][outcome["policy"]["name"]])
    if metric not in found:
        raise errors.ConfigError(f"--metric {metric}: not in {folder / METRICS}, wanted one of {', '.join(found)}")
    return found[metric]


def _check_same(one):
    path = one.folder / "config.toml"
    if path.is_file() and config_lib.load(path) != one.config:
        raise errors.ConfigError(f"{one.folder} holds a run with other settings, wanted a new --out")


def _start(one):
    one.folder.parent.mkdir(parents=True, exist_ok=True)
    path = one.folder.with_name(f"{one.folder.name}.toml")
    files.write_text(path, config_lib.dumps(one.config))
    with open(one.folder.with_name(f"{one.folder.name}.log"), "w", encoding="utf-8") as log:
        arguments = [str(path), str(one.folder), one.split, str(os.getpid()), *one.world]
        command = [sys.executable, "-m", "tfmm.training.experiments", *arguments]
        # a session of its own: Ctrl-C in the terminal reaches it through us alone, once
        return subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT, start_new_session=True)


def _last_line(one):
    text = one.folder.with_name(f"{one.folder.name}.log").read_text(encoding="utf-8", errors="replace").strip()
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


def train_and_evaluate(config, folder, split, world):
    """One experiment in this process: trains, or goes on with training, then evaluates as Experiment says."""
    since = time.monotonic()
    cli.quiet()
    from tfmm.evaluation import evaluation, figures, on_model, on_system, report
    from tfmm.policies import saved
    from tfmm.training import job, validation

    if not (folder / "policy").is_dir():
        job.train(config, folder, resume=(folder / "config.toml").is_file())
    policy = saved.Policy.load(folder)
    out = folder / _metrics(world).parent
    if split == "validation":
        score = validation.of_policy(policy)
        files.write_json(folder / SCORE, score | {"wall_s": time.monotonic() - since})
    elif config.environment.name in config_lib.SYSTEMS:
        on_system.write(out, on_system.evaluate(policy))
    elif config.environment.name == config_lib.TAPE:
        # metrics.json is written before the page, and says that all is done
        command = shlex.join(["evaluate.py", str(folder), *(part for one in world for part in ("--set", one))])
        report.write(out, evaluation.evaluate(policy, command=command, changes=world), figures.png)
    else:
        on_model.write(out, on_model.evaluate(policy))


def _end_with(parent):
    """Ends this process with the one that started it, however that ends: the same command may be started again at
    once, and two processes must not write into one run directory."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        sys.exit(1)


def main():
    """The child process: CONFIG FOLDER SPLIT PARENT [WORLD ...]."""
    parser = argparse.ArgumentParser(description=train_and_evaluate.__doc__)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    parser.add_argument("split", choices=("validation", "test"))
    parser.add_argument("parent", type=int, help="process that this one ends with")
    parser.add_argument("world", nargs="*", help="section.key=value, otherwise in the evaluation than in training")
    args = parser.parse_args()
    _end_with(args.parent)
    train_and_evaluate(config_lib.load(args.config), args.folder, args.split, tuple(args.world))


if __name__ == "__main__":
    cli.run(main)
