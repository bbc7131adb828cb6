"""Speed of environment steps with random actions."""

import numpy as np

from tfmm.benchmarks import timing
from tfmm.config import environment as environment_lib, experiment as experiment_lib
from tfmm.environments import factory
from tfmm.environments.tape.task import TapeTask
from tfmm.environments.task import Task

_TAPE_ROWS = 1024
_CLIENT_ROWS = 16_384  # a step of clients only is so short that handing work to a thread costs as much as 1024 rows
_STEPS, _SINGLE_STEPS = 300, 20_000


def run(task: TapeTask, repeats: int) -> dict[str, float]:
    """{"tape_env_steps_per_s", "client_flow_env_steps_per_s", "single_env_steps_per_s"}; a step of each row counts.

    Args:
        task: on the sample market. repeats: of which the fastest counts.
    """
    clients = factory.open_task(experiment_lib.Config(environment=environment_lib.Environment(name="simple_model")))
    return {
        "tape_env_steps_per_s": _rate(task, _TAPE_ROWS, repeats),
        "client_flow_env_steps_per_s": _rate(clients, _CLIENT_ROWS, repeats),
        "single_env_steps_per_s": _rate(task, None, repeats),
    }


def _rate(task: Task, rows: int | None, repeats: int) -> float:
    """Steps per second; rows: of a batched environment, None: a single one."""
    env = task.environment("train", rows, seed=0)
    shape = (2,) if rows is None else (rows, 2)
    actions = np.random.default_rng(0).uniform(-1, 1, (64, *shape)).astype(np.float32)
    count = _SINGLE_STEPS if rows is None else _STEPS
    env.reset()

    def steps():
        for k in range(count):
            env.step(actions[k % 64])

    return count * (rows or 1) / timing.best(steps, repeats)
