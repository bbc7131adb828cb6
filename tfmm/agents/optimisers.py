"""Optimisers and losses of the settings."""

from typing import Any

import tensorflow as tf
from tf_agents.utils import common

from tfmm.config import agent as agent_lib, agent_base


class _Delayed(tf.keras.optimizers.schedules.LearningRateSchedule):
    """0 for the first `delay` steps, then a constant or the rate of another schedule."""

    def __init__(self, rate: Any, delay: int) -> None:
        super().__init__()
        self._rate, self._delay = rate, delay

    def __call__(self, step: tf.Tensor) -> tf.Tensor:
        return tf.where(step < self._delay, 0.0, self._rate(step) if callable(self._rate) else self._rate)

    def get_config(self):
        return {"rate": self._rate, "delay": self._delay}


def create(
    initial: float, settings: agent_lib.AnyAgent, steps: int, delay: int = 0
) -> tf.keras.optimizers.legacy.Optimizer:
    """Adam with the learning rate or its schedule; an optimiser counts its own steps, one a train step.

    Args:
        initial: learning rate at the first step. steps: train steps of the whole run.
        delay: first steps, in which the learning rate is 0.
    """
    rate = initial
    if settings.learning_rate_decay == "cosine":
        rate = tf.keras.optimizers.schedules.CosineDecay(initial, steps)
    if delay:
        rate = _Delayed(rate, delay)
    return tf.keras.optimizers.legacy.Adam(rate)


def td_learning(settings: agent_base.OffPolicy) -> dict[str, Any]:
    """Keyword arguments that are the same for every agent with target networks."""
    huber = settings.loss == "huber"
    return {
        "target_update_tau": settings.target_update_tau,
        "target_update_period": settings.target_update_period,
        "td_errors_loss_fn": common.element_wise_huber_loss if huber else common.element_wise_squared_loss,
        "gamma": settings.gamma,
        "reward_scale_factor": settings.reward_scale_factor,
        "gradient_clipping": settings.gradient_clipping or None,
    }
