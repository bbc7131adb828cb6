"""The child processes of tfmm.experiments.runner: one trains, one trains and scores, one evaluates several.

train PARENT CONFIG FOLDER      score PARENT CONFIG FOLDER
judge PARENT FOLDER ... [--store DIR] [--scenario KEY=VALUE ...]
"""

import argparse
import ctypes
import os
import pathlib
import shlex
import signal
import sys
import time
import traceback

from tfmm import cli, files
from tfmm.config import experiment as experiment_lib, loading
from tfmm.experiments import runner

_PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def train(config, folder):
    """Trains, or goes on with training, until the policy is there."""
    cli.quiet()
    from tfmm.training import job

    if not (folder / "policy").is_dir():
        job.train(config, folder, resume=(folder / "config.toml").is_file())


def score(config, folder):
    """`train`, then writes the policy's score on validation, and the time that it took."""
    since = time.monotonic()
    train(config, folder)
    from tfmm.policies import saved
    from tfmm.training import validation

    found = validation.of_policy(saved.Policy.load(folder))
    files.write_json(folder / runner.SCORE, found | {"wall_s": time.monotonic() - since})


def judge(folders, scenario):
    """Evaluates the policies of run directories, one after the other, each printing into its own log; one that fails
    does not stop the others."""
    cli.quiet()
    for folder in folders:
        with open(folder.with_name(f"{folder.name}.log"), "a", encoding="utf-8") as log:
            sys.stdout.flush()
            os.dup2(log.fileno(), 1)
            os.dup2(log.fileno(), 2)
        try:
            code = cli.code_of(lambda folder=folder: evaluate(folder, scenario))
        except Exception:  # whatever it is, it is this run's alone
            traceback.print_exc()
        else:
            if code:
                print(f"evaluation ended with {code}")


def evaluate(folder, scenario):
    """Evaluates the policy of a run directory in a scenario; metrics.json says that all is done."""
    from tfmm.evaluation import evaluate as evaluate_lib
    from tfmm.evaluation.environments import analytic, examples
    from tfmm.evaluation.report import figures, report
    from tfmm.policies import saved

    policy = saved.Policy.load(folder)
    out, name = folder / runner.metrics(scenario).parent, policy.config.environment.name
    if name in experiment_lib.EXAMPLES:
        examples.write(out, examples.evaluate(policy))
    elif name == experiment_lib.TAPE:
        # metrics.json is written before the page, and says that all is done
        command = shlex.join(["evaluate.py", str(folder), *scenario.options])
        report.write(
            out, evaluate_lib.evaluate(policy, scenario.store, command=command, changes=scenario.changes), figures.png
        )
    else:
        analytic.write(out, analytic.evaluate(policy))


def _end_with(parent):
    """Ends this process with the one that started it, however that ends: the same command may be started again at
    once, and two processes must not write into one run directory."""
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before
        sys.exit(1)


def main():
    """See the module."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("train", "score", "judge"))
    parser.add_argument("parent", type=int, help="process that this one ends with")
    parser.add_argument("paths", nargs="+", type=pathlib.Path)
    parser.add_argument("--store", type=pathlib.Path)
    parser.add_argument("--scenario", action="append", default=[], metavar="KEY=VALUE")
    args = parser.parse_args()
    _end_with(args.parent)
    if args.task == "judge":
        judge(args.paths, runner.Scenario(args.store, tuple(args.scenario)))
        return
    config, folder = args.paths
    (train if args.task == "train" else score)(loading.load(config), folder)


if __name__ == "__main__":
    cli.run(main)
