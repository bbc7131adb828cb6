"""Whole experiments, train and evaluate, as child processes: for validate.py and sweep.py.

A run is a run directory with `evaluation/metrics.json` in it, written last. Runs that are finished are not done
again and those that were stopped go on, so the same command continues what was interrupted.
"""

import argparse
import contextlib
import dataclasses
import pathlib
import signal
import subprocess
import sys
import time

import tqdm

from tfmm import cli, errors, files
from tfmm import config as config_lib
from tfmm.evaluation import aggregate

METRICS = pathlib.PurePath("evaluation", "metrics.json")
_POLL_S = 0.2


@dataclasses.dataclass(frozen=True)
class Experiment:
    """A configuration and the run directory that it belongs in."""

    config: config_lib.Config
    folder: pathlib.Path


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
    waiting = [one for one in experiments if not (one.folder / METRICS).is_file()]
    running, failed = {}, {}
    with (
        _signals() as stopped,
        tqdm.tqdm(total=len(experiments), initial=len(experiments) - len(waiting), unit="run", disable=None) as bar,
    ):
        try:
            while (waiting or running) and not stopped:
                while waiting and len(running) < jobs:
                    one = waiting.pop(0)
                    running[_start(one)] = one
                for process in [process for process in running if process.poll() is not None]:
                    one = running.pop(process)
                    bar.update()
                    if process.returncode:
                        failed[one.folder] = _last_line(one)
                time.sleep(_POLL_S)
        finally:
            for process in running:
                process.send_signal(signal.SIGTERM)
            for process in running:
                process.wait()
    if stopped:
        raise errors.Interrupted("stopped; the same command goes on with what is left", stopped[0])
    return [failed.get(one.folder) or files.read_json(one.folder / METRICS) for one in experiments]


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
        command = [sys.executable, "-m", "tfmm.training.experiments", str(path), str(one.folder)]
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


def train_and_evaluate(config, folder):
    """One experiment in this process: trains, or goes on with training, then evaluates on test."""
    cli.quiet()
    from tfmm.evaluation import evaluation, figures, on_model, on_system, report
    from tfmm.policies import saved
    from tfmm.training import job

    if not (folder / "policy").is_dir():
        job.train(config, folder, resume=(folder / "config.toml").is_file())
    policy = saved.Policy.load(folder)
    out = folder / METRICS.parent
    if config.environment.name in config_lib.SYSTEMS:
        on_system.write(out, on_system.evaluate(policy))
    elif config.environment.name == config_lib.TAPE:
        # metrics.json is written before the page, and says that all is done
        report.write(out, evaluation.evaluate(policy, command=f"evaluate.py {folder}"), figures.png)
    else:
        on_model.write(out, on_model.evaluate(policy))


def main():
    """The child process: CONFIG FOLDER."""
    parser = argparse.ArgumentParser(description=train_and_evaluate.__doc__)
    parser.add_argument("config", type=pathlib.Path)
    parser.add_argument("folder", type=pathlib.Path)
    args = parser.parse_args()
    train_and_evaluate(config_lib.load(args.config), args.folder)


if __name__ == "__main__":
    cli.run(main)
