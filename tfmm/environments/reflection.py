"""Mirror images of a decision problem: what happens in one is as likely, and worth as much, as in the other."""

from typing import NamedTuple

import numpy as np

from tfmm import errors

_EVEN = ("spread", "volatility", "time_left", "half_spread", "hedge")
_ODD = (
    "inventory",
    "imbalance",
    "flow_5s",
    "flow_30s",
    "return_1s",
    "return_5s",
    "return_30s",
    "drift",
    "synthetic_deviation",
    "inventory_change",
    "skew",
)


class Part(NamedTuple):
    """Of an observation or an action: component k of the image of x is sign[k] x[place[k]] where its group is mirrored.

    place: (K,) int64. sign: (K,) float32. group: (K,) int64; every group is mirrored by itself.
    """

    place: np.ndarray
    sign: np.ndarray
    group: np.ndarray


class Mirror(NamedTuple):
    """observation, action: Part. groups: how many there are."""

    observation: Part
    action: Part
    groups: int


def of_market(feature_names, action_names):
    """The one mirror image of a market: buyers are sellers, up is down, in all instruments at once.

    Raises:
        ConfigError: a feature that has no image, or whose image is not among them.
    """
    return Mirror(_part(feature_names), _part(action_names), 1)


def of_numbers(size):
    """Every number of the state, and the action that is added to it, by itself."""
    every = np.arange(size)
    part = Part(every, np.full(size, -1.0, np.float32), every)
    return Mirror(part, part, size)


def _part(names):
    images = [_image(name, names) for name in names]
    return Part(
        np.array([names.index(image) for image, _ in images]),
        np.array([sign for _, sign in images], np.float32),
        np.zeros(len(names), np.int64),
    )


def _image(name, names):
    """(name of the component that an image is made of, sign)."""
    symbol, _, own = name.rpartition(".")
    if own in _EVEN:
        return name, 1.0
    if own in _ODD:
        return name, -1.0
    side, _, what = own.partition("_")
    other = {"bid": "ask", "ask": "bid"}.get(side)
    image = f"{symbol}.{other}_{what}" if symbol else f"{other}_{what}"
    if other is None or image not in names:
        raise errors.ConfigError(
            f"train.reflect is true, but {name} has no mirror image in environment.features, wanted one, or false"
        )
    return image, 1.0
