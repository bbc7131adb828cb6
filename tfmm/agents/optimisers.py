"""Optimisers and losses of the settings."""

import tensorflow as tf
from tf_agents.utils import common


def create(initial, settings, steps):
    """Adam with the learning rate or its schedule; an optimiser counts its own steps, one a train step."""
    rate = initial
    if settings.learning_rate_decay == "cosine":
        rate = tf.keras.optimizers.schedules.CosineDecay(initial, steps)
    return tf.keras.optimizers.legacy.Adam(rate)


def loss(settings):
    """Element-wise loss of TD errors."""
    return common.element_wise_huber_loss if settings.loss == "huber" else common.element_wise_squared_loss
