"""Mirror augmentation: a transition and its mirror image are as good a lesson, so each batch holds a mix of both.

What is learned is then symmetric as the problem is: no side, and no number of a state, is preferred by chance.
"""

import tensorflow as tf


def mirrored(dataset, mirror):
    """The dataset of (Trajectory [B, T, ...], info) with every group of every sample mirrored or not, at random.

    Args:
        mirror: environments.reflection.Mirror.
    """
    return dataset.map(lambda experience, info: (image(experience, mirror, _coins(experience, mirror)), info))


def image(experience, mirror, flips):
    """The Trajectory with the groups mirrored that `flips` (B, G) bool says, all its frames alike."""
    return experience._replace(
        observation=_image(experience.observation, mirror.observation, flips),
        action=_image(experience.action, mirror.action, flips),
    )


def _coins(experience, mirror):
    return tf.random.uniform((tf.shape(experience.reward)[0], mirror.groups)) < 0.5


def _image(values, part, flips):
    other = part.sign * tf.gather(values, part.place, axis=-1)
    return tf.where(tf.gather(flips, part.group, axis=1)[:, tf.newaxis, :], other, values)
