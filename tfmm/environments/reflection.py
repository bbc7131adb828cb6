"""Reflections: maps of observations and actions under which a decision problem is unchanged.

What happens in the reflected problem is as likely, and earns as much, as in the original one.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import errors
from tfmm.arrays import Floats32, Ints
from tfmm.environments import batched_simulator

_EVEN = ("reward", "spread", "volatility", "time_left", "half_spread", "hedge")
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


class SignedPermutation(NamedTuple):
    """The reflection of a vector x: component k becomes sign[k] x[source[k]] where its group is reflected.

    Attributes:
        source: (K,) int64. sign: (K,) float32. group: (K,) int64; each group is reflected independently of the others.
    """

    source: Ints
    sign: Floats32
    group: Ints


class Reflection(NamedTuple):
    """The reflection of observations and of actions.

    Attributes:
        reward: of a reward with the outcomes of its interval (batched_simulator.FILL_OUTCOMES).
        groups: number of groups of components.
    """

    observation: SignedPermutation
    action: SignedPermutation
    reward: SignedPermutation
    groups: int


def of_market(feature_names: Sequence[str], action_names: Sequence[str]) -> Reflection:
    """The reflection of a market: buyers become sellers and up becomes down, in all instruments at once.

    Raises:
        ConfigError: a feature is not the reflection of any.
    """
    return Reflection(_named(feature_names), _named(action_names), _named(batched_simulator.FILL_OUTCOMES), 1)


def of_numbers(size: int) -> Reflection:
    """Changes the sign of a number of the state and of the action that is added to it, for each number by itself."""
    every = np.arange(size)
    part = SignedPermutation(every, np.full(size, -1.0, np.float32), every)
    return Reflection(part, part, part, size)


def _named(names):
    images = [_image(name, names) for name in names]
    return SignedPermutation(
        np.array([names.index(image) for image, _ in images]),
        np.array([sign for _, sign in images], np.float32),
        np.zeros(len(names), np.int64),
    )


def _image(name, names):
    """(name of the component that the reflected one is made of, sign)."""
    symbol, _, component = name.rpartition(".")
    if component in _EVEN:
        return name, 1.0
    if component in _ODD:
        return name, -1.0
    side, _, rest = component.partition("_")
    other = {"bid": "ask", "ask": "bid"}.get(side)
    image = f"{symbol}.{other}_{rest}" if symbol else f"{other}_{rest}"
    if other is None or image not in names:
        raise errors.ConfigError(
            f"train.reflect is true, but {name} has no mirror image in environment.features, wanted one, or false"
        )
    return image, 1.0
