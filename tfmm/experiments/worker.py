"""The child processes of tfmm.experiments.runner: one trains, one trains and scores, one evaluates several policies.

train PARENT CONFIG FOLDER      score PARENT CONFIG FOLDER
evaluate PARENT FOLDER ... [--store DIR] [--scenario KEY=VALUE ...]
"""

import argparse
import ctypes
import functools
import os
import pathlib
import shlex
import signal
import sys
import time
import traceback
from collections.abc import Sequence

from tfmm import cli, files
from tfmm.config import experiment as experiment_lib, loading
from tfmm.config.experiment import Config
from tfmm.experiments import runner

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def train(config: Config, folder: pathlib.Path) -> None:
    """Trains, or continues the training, until the policy has been saved."""
    cli.quiet()
    from tfmm.training import job

    if not (folder / "policy").is_dir():
        job.train(config, folder, resume=(folder / "config.toml").is_file())


def score(config: Config, folder: pathlib.Path) -> None:
    """`train`, then writes the policy's score on validation and the wall time."""
    since = time.monotonic()
    train(config, folder)
    from tfmm.policies import saved
    from tfmm.training import validation

    found = validation.of_policy(saved.Policy.load(folder))
    files.write_json(folder / runner.SCORE, found | {"wall_s": time.monotonic() - since})


def evaluate_all(folders: Sequence[pathlib.Path], scenario: runner.Scenario) -> None:
    """Evaluates the policies of run directories, one after the other, with output into the log of each; an evaluation
    that fails does not stop the others."""
    cli.quiet()
    for folder in folders:
        with open(folder.with_name(f"{folder.name}.log"), "a", encoding="utf-8") as log:
            sys.stdout.flush()
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        try:
            code = cli.code_of(functools.partial(evaluate, folder, scenario))
        except Exception:  # of any kind: the other runs are not affected
            traceback.print_exc()
        else:
            if code:
                print(f"evaluation ended with {code}")


def evaluate(folder: pathlib.Path, scenario: runner.Scenario) -> None:
    """Evaluates the policy of a run directory in a scenario and writes its metrics.json."""
    from tfmm.evaluation import evaluate as evaluate_lib
    from tfmm.evaluation.environments import analytic, examples
    from tfmm.evaluation.report import figures, report
    from tfmm.policies import saved

    policy = saved.Policy.load(folder)
    out, name = folder / runner.metrics(scenario).parent, policy.config.environment.name
    if name in experiment_lib.EXAMPLES:
        examples.write(out, examples.evaluate(policy))
    elif name == experiment_lib.TAPE:
        command = shlex.join(["evaluate.py", str(folder), *scenario.options])
        evaluation = evaluate_lib.evaluate(policy, scenario.store, command=command, changes=scenario.changes)
        report.write(out, evaluation, figures.png)
    else:
        analytic.write(out, analytic.evaluate(policy))


def _end_with(parent):
    """Lets the kernel kill this process when its parent ends, also when that is killed: the same command may be started
    again at once, and two processes must not write into one run directory."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # the parent has already ended
        sys.exit(1)


def main() -> None:
    """The command line of the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("train", "score", "evaluate"))
    parser.add_argument("parent", type=int, help="process id of the parent, with which this process ends")
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path)
    parser.add_argument("--scenario", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    _end_with(args.parent)
    if args.task == "evaluate":
        evaluate_all(args.paths, runner.Scenario(args.store, tuple(args.scenario)))
        return
    config, folder = args.paths
    (train if args.task == "train" else score)(loading.load(config), folder)


if __name__ == "__main__":
    cli.run(main)
