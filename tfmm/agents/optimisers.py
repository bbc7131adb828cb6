"""Optimisers and losses of the settings."""

import tensorflow as tf
from tf_agents.utils import common


def create(initial, settings, steps):
    """Adam with the learning rate or its schedule; an optimiser counts its own steps, one a train step."""
    rate = initial
    if settings.learning_rate_decay == "cosine":
        rate = tf.keras.optimizers.schedules.CosineDecay(initial, steps)
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
