"""Optimisers and losses of the settings."""

import tensorflow as tf
from tf_agents.utils import common


class _Delayed(tf.keras.optimizers.schedules.LearningRateSchedule):
    """0 for so many steps, then a constant or what another schedule says."""

    def __init__(self, rate, delay):
        super().__init__()
        self._rate, self._delay = rate, delay

    def __call__(self, step):
        return tf.where(step < self._delay, 0.0, self._rate(step) if callable(self._rate) else self._rate)

    def get_config(self):
        return {"rate": self._rate, "delay": self._delay}


def create(initial, settings, steps, delay=0):
    """Adam with the learning rate or its schedule; an optimiser counts its own steps, one a train step.

    Args:
        delay: steps in which nothing moves yet.
    """
    rate = initial
    if settings.learning_rate_decay == "cosine":
        rate = tf.keras.optimizers.schedules.CosineDecay(initial, steps)
    if delay:
        rate = _Delayed(rate, delay)
    return tf.keras.optimizers.legacy.Adam(rate)


def td_learning(settings):
    """What every agent with target networks is told alike: keyword arguments of its class."""
    huber = settings.loss == "huber"
    return {
        "target_update_tau": settings.target_update_tau,
        "target_update_period": settings.target_update_period,
        "td_errors_loss_fn": common.element_wise_huber_loss if huber else common.element_wise_squared_loss,
        "gamma": settings.gamma,
        "reward_scale_factor": settings.reward_scale_factor,
        "gradient_clipping": settings.gradient_clipping or None,
    }
