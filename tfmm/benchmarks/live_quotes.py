"""Latency of a saved policy on live market events."""

import itertools
import pathlib
import time
from collections.abc import Iterator

import numpy as np
from tf_agents.specs import tensor_spec
from tf_agents.train.utils import train_utils

from tfmm.agents import factory as agents
from tfmm.environments.tape.task import TapeTask
from tfmm.policies import live, saved
from tfmm.training import export

_QUOTES = 2000


def run(task: TapeTask, folder: pathlib.Path, repeats: int) -> dict[str, float]:
    """{"quote_p99_ms"}: 99th percentile of the time from a market event to the quotes that it triggers.

    Args:
        task: on the sample market. folder: for the policy. repeats: of which the fastest counts.
    """
    env = task.environment("test", None, seed=0)
    step = train_utils.create_train_step()
    specs = tensor_spec.from_spec(env.time_step_spec()), tensor_spec.from_spec(env.action_spec())
    agent = agents.create(task.config.agent, *specs, step, task.config.train.steps)
    export.Exporter(agent, task, step).save(folder)
    policy = saved.Policy.load(folder)
    market = task.store.tape(task.segments["test"][0].session)

    def latencies() -> Iterator[float]:
        session = live.Session(policy)
        for message in live.messages(market):
            began = time.perf_counter()
            for _ in session.take(message):
                now = time.perf_counter()
                yield now - began
                began = now

    percentiles = [np.percentile(list(itertools.islice(latencies(), _QUOTES)), 99) for _ in range(repeats)]
    return {"quote_p99_ms": 1e3 * float(min(percentiles))}
