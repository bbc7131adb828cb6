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
from tfmm.live import messages, session as session_lib
from tfmm.policies import saved
from tfmm.training import export

_QUOTES, _EVENTS = 2000, 60_000


def run(task: TapeTask, folder: pathlib.Path, repeats: int) -> dict[str, float]:
    """Percentiles of the time that a market event takes, and of the time from it to the quotes that it triggers.

    Args:
        task: on the sample market. folder: for the policy. repeats: of which the fastest counts.

    Returns:
        {"quote_p50_ms", "quote_p99_ms": of the exported policy; "quote_tensorflow_p50_ms", "quote_tensorflow_p99_ms":
        of its SavedModel; "event_p50_ms", "event_p99_ms": of events without a quote; "live_events_per_s": all of them}.
    """
    env = task.environment("test", None, seed=0)
    step = train_utils.create_train_step()
    specs = tensor_spec.from_spec(env.time_step_spec()), tensor_spec.from_spec(env.action_spec())
    agent = agents.create(task.config.agent, *specs, step, task.config.train.steps)
    export.Exporter(agent, task, step).save(folder)
    market = task.store.tape(task.segments["test"][0].session)
    policies = {"": saved.Policy.load(folder), "tensorflow_": saved.Policy.load(folder, reference=True)}

    def latencies(policy: saved.Policy) -> Iterator[tuple[float, bool]]:
        """(seconds, whether there is a quote) of each quote and of each event without one."""
        session = session_lib.Session(policy)
        for message in messages.of_tape(market):
            began, quoted = time.perf_counter(), False
            for _ in session.take(message):
                now = time.perf_counter()
                yield now - began, True
                began, quoted = now, True
            if not quoted:
                yield time.perf_counter() - began, False

    out: dict[str, float] = {}
    for _ in range(repeats):
        for name, policy in policies.items():
            taken = np.array(list(itertools.islice(latencies(policy), _EVENTS)), float)
            quotes, others = (taken[taken[:, 1] == kind, 0] for kind in (True, False))
            found = {f"quote_{name}p{p}_ms": 1e3 * np.percentile(quotes[:_QUOTES], p) for p in (50, 99)}
            if not name:
                found |= {f"event_p{p}_ms": 1e3 * np.percentile(others, p) for p in (50, 99)}
                found["live_event_s"] = taken[:, 0].sum() / len(taken)
            out |= {key: min(float(value), out.get(key, np.inf)) for key, value in found.items()}
    return out | {"live_events_per_s": 1.0 / out.pop("live_event_s")}
