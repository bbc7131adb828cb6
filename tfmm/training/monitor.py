"""What the agent thinks of a fixed set of observations: values, their drift, saturation of the policy."""

import os
import pathlib

import numpy as np
import tensorflow as tf
from tf_agents.trajectories import time_step as ts

from tfmm.agents import factory as agents
from tfmm.training import metrics

_KEPT = 256


class Monitor:
    """Values and greedy actions at observations seen before training, so that only the agent moves them.

    Args:
        agent: whose values are those of agents.factory.values; of a discrete one the best action's.
    """

    def __init__(self, agent):
        self._agent = agent
        self._observations = None
        self._before = None

    def choose(self, observations, seed):
        """Keeps some of the observations (K, F)."""
        chosen = np.random.default_rng(seed).choice(len(observations), min(_KEPT, len(observations)), replace=False)
        self._observations = observations[chosen]

    @tf.function(autograph=False)
    def _look(self, observations):
        action = self._agent.policy.action(ts.restart(observations, batch_size=observations.shape[0])).action
        values = agents.values(self._agent, observations)
        return action, tf.reduce_max(values, axis=1) if len(values.shape) > 1 else values

    def look(self):
        """Dict for the log; `q_drift` is the change of the mean value since the last look."""
        if self._observations is None:
            return {}
        action, value = (one.numpy() for one in self._look(tf.constant(self._observations)))
        mean = float(value.mean())
        before, self._before = self._before, mean
        out = {
            "train/q_mean": mean,
            "train/q_stddev": float(value.std()),
            "train/q_drift": 0.0 if before is None else mean - before,
        }
        if not np.issubdtype(action.dtype, np.integer):
            out["train/greedy_at_bound_share"] = float((np.abs(action) >= metrics.AT_BOUND).mean())
        return out

    def get_state(self):
        return {"observations": self._observations, "before": self._before}

    def set_state(self, state):
        self._observations, self._before = state["observations"], state["before"]


def resident_mb():
    """Memory of this process that is in RAM, MB."""
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
