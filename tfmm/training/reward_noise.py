"""How much of the variance of rewards environment.reward_baseline leaves."""

import dataclasses
from typing import Any

import msgspec
import numpy as np

_ROWS, _STEPS, _SEED = 64, 200, 11


def variance_ratio(task: Any) -> float:
    """Variance of the training reward with the baseline over that without it, of uniform actions on the same seed.

    Args:
        task: see environments.factory; its environment.reward_baseline is not "none".
    """
    environment = msgspec.structs.replace(task.config.environment, reward_baseline="none")
    without = dataclasses.replace(task, config=msgspec.structs.replace(task.config, environment=environment))
    return _variance(task) / _variance(without)


def _variance(task):
    env, random = task.environment("train", _ROWS, _SEED), np.random.default_rng(_SEED)
    env.reset()
    spec, rewards = env.action_spec(), []
    for _ in range(_STEPS):
        step = env.step(random.uniform(spec.minimum, spec.maximum, (_ROWS, *spec.shape)).astype(spec.dtype))
        rewards.append(step.reward[step.step_type != 0])
    return float(np.concatenate(rewards).var())
