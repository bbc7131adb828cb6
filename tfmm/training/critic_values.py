"""The critic's values at a fixed set of observations, their drift, and the saturation of the policy there."""

import os
import pathlib
from typing import Any

import numpy as np
import tensorflow as tf
from tf_agents.metrics import py_metric
from tf_agents.trajectories import time_step as ts

from tfmm.agents import guarded
from tfmm.arrays import Floats32
from tfmm.training import metrics

_KEPT = 256


class CriticValues(py_metric.PyMetric):
    """Values and greedy actions at observations seen before training, so that only the agent moves them.

    Args:
        agent: whose `values` they are; of a discrete one the best action's.
    """

    def __init__(self, agent: guarded.GuardedAgent) -> None:
        super().__init__("critic_values", "train")
        self._agent = agent
        self._observations: Floats32 | None = None
        self._mean: float | None = None
        self._mean_at_reset: float | None = None

    def choose(self, observations: Floats32, seed: int) -> None:
        """Keeps some of the observations (K, F)."""
        chosen = np.random.default_rng(seed).choice(len(observations), min(_KEPT, len(observations)), replace=False)
        self._observations = observations[chosen]

    @tf.function(autograph=False)
    def _evaluate(self, observations):
        action = self._agent.policy.action(ts.restart(observations, batch_size=observations.shape[0])).action
        values = self._agent.values(observations)
        return action, tf.reduce_max(values, axis=1) if len(values.shape) > 1 else values

    def result(self) -> dict[str, float]:
        """{name: number}; `q_drift` is the change of the mean value since `reset`. {} before `choose`."""
        if self._observations is None:
            return {}
        action, value = (tensor.numpy() for tensor in self._evaluate(tf.constant(self._observations)))
        self._mean = float(value.mean())
        out = {
            "q_mean": self._mean,
            "q_stddev": float(value.std()),
            "q_drift": 0.0 if self._mean_at_reset is None else self._mean - self._mean_at_reset,
        }
        if not np.issubdtype(action.dtype, np.integer):
            out["greedy_at_bound_share"] = float((np.abs(action) >= metrics.AT_BOUND).mean())
        return out

    def reset(self) -> None:
        """Drift counts from the last result on."""
        self._mean_at_reset = self._mean

    def get_state(self) -> dict[str, Any]:
        """State, as plain_state.encode takes it, for `set_state`."""
        return {"observations": self._observations, "before": self._mean_at_reset}

    def set_state(self, state: dict[str, Any]) -> None:
        self._observations = state["observations"]
        self._mean = self._mean_at_reset = state["before"]


def resident_mb() -> float:
    """Memory of this process that is in RAM, MB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
