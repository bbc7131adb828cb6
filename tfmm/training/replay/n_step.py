"""n-step returns as transitions that every agent takes for ordinary ones."""

import tensorflow as tf
from tf_agents.trajectories import time_step as ts, trajectory


def folded(dataset: tf.data.Dataset, n: int, gamma: float) -> tf.data.Dataset:
    """The dataset of (Trajectory [B, n + 1, ...], info) as one of (Trajectory [B, 2, ...], info); see `fold`."""
    if n == 1:
        return dataset
    return dataset.map(lambda experience, info: (fold(experience, gamma), info))


def fold(experience: trajectory.Trajectory, gamma: float) -> trajectory.Trajectory:
    """Sums n rewards into one transition (Sutton and Barto 2018, section 7.1).

    From s_t the first k = min(n, steps to the end of the episode) rewards are summed, sum_{i<k} gamma^i r_i with the
    environment's discounts d multiplied in, and the agent then meets s_{t+k} with discount gamma^(k-1) prod d. The
    agent multiplies that by gamma once more, so its target is sum gamma^i r_i + gamma^k Q(s_{t+k}). A truncated end
    (d = 1) is bootstrapped after its k steps, a termination (d = 0) is not; nothing crosses into the next episode.

    Args:
        experience: Trajectory [B, n + 1, ...], none of whose first frames is the last of an episode.

    Returns:
        Trajectory [B, 2, ...].
    """
    n = experience.step_type.shape[1] - 1
    inside = tf.cast(experience.step_type[:, :n] != ts.StepType.LAST, tf.float32)
    alive = tf.math.cumprod(inside, axis=1)
    steps = tf.cast(tf.reduce_sum(alive, axis=1), tf.int32)
    discounts = tf.where(alive > 0, experience.discount[:, :n], 1.0)
    before = tf.math.cumprod(gamma * discounts, axis=1, exclusive=True)
    reward = tf.reduce_sum(before * alive * experience.reward[:, :n], axis=1)
    discount = tf.reduce_prod(discounts, axis=1) * gamma ** tf.cast(steps - 1, tf.float32)
    last = steps - 1

    def pair(column):
        return tf.stack([column[:, 0], tf.gather(column, steps, axis=1, batch_dims=1)], axis=1)

    out = tf.nest.map_structure(pair, experience)
    next_step_type = tf.gather(experience.next_step_type, last, axis=1, batch_dims=1)
    return out._replace(
        reward=tf.stack([reward, out.reward[:, 1]], axis=1),
        discount=tf.stack([discount, out.discount[:, 1]], axis=1),
        next_step_type=tf.stack([next_step_type, out.next_step_type[:, 1]], axis=1),
    )
