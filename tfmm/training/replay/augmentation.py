"""Reflection as augmentation: a transition and its mirror image are equally likely, so each batch mixes the two.

The learned policy is then symmetric as the problem is: no side, and no number of a state, is preferred by chance.
"""

from typing import Any

import tensorflow as tf
from tf_agents.trajectories import trajectory

from tfmm.environments import reflection


def reflected(dataset: tf.data.Dataset, symmetry: reflection.Reflection) -> tf.data.Dataset:
    """The dataset of (Trajectory [B, T, ...], info) with every group of every sample reflected or not, at random."""
    return dataset.map(lambda experience, info: (image(experience, symmetry, _coins(experience, symmetry)), info))


def image(
    experience: trajectory.Trajectory, symmetry: reflection.Reflection, flips: tf.Tensor
) -> trajectory.Trajectory:
    """The Trajectory with groups of its components reflected in all frames alike. flips: (B, G) bool, which groups."""
    reward = experience.reward
    if reward.shape.rank == 3:
        reward = _image(reward, symmetry.reward, flips)
    return experience._replace(
        reward=reward,
        observation=_image(experience.observation, symmetry.observation, flips),
        action=_image(experience.action, symmetry.action, flips),
    )


def _coins(experience: trajectory.Trajectory, symmetry: reflection.Reflection) -> tf.Tensor:
    return tf.random.uniform((tf.shape(experience.step_type)[0], symmetry.groups)) < 0.5


def _image(values: tf.Tensor, part: Any, flips: tf.Tensor) -> tf.Tensor:
    other = part.sign * tf.gather(values, part.source, axis=-1)
    return tf.where(tf.gather(flips, part.group, axis=1)[:, tf.newaxis, :], other, values)
