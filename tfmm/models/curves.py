"""Fill curves: the probability that a client who comes trades at a quote a distance d from the mid.

With x = d - touch, the distance beyond the price at which everybody trades (half a market spread from the mid, in units
of the spread, by default):
    exponential  min(1, exp(-k x))            (Avellaneda and Stoikov 2008, equation 12, capped)
    power        (1 + max(x, 0))^-k
    logistic     1 / (1 + exp(k (x - m)))     (Barzykin, Bergault and Gueant 2021, section 4)
    table        linear between values given at TABLE_X, constant outside
Assumes that clients decide independently of each other and know nothing about the mid. One definition serves the exact
solutions (a Curve is called with an array) and the environments' kernel (`probability`).
"""

import math
from typing import NamedTuple

import numpy as np

from tfmm import jit

KINDS = ("exponential", "power", "logistic", "table")
TABLE_X = np.arange(17) * 0.25 - 1.0
CURVE = np.dtype(
    [
        ("kind", np.int64),
        ("k", np.float64),
        ("middle", np.float64),
        ("touch", np.float64),
        ("chance", np.float64),
        ("table", np.float64, len(TABLE_X)),
    ]
)
_EXPONENTIAL, _POWER, _LOGISTIC = range(3)
_FROM, _STEP, _LAST = float(TABLE_X[0]), float(TABLE_X[1] - TABLE_X[0]), len(TABLE_X) - 1


class Curve(NamedTuple):
    """kind: one of KINDS. k, middle, touch: see above. values: at TABLE_X, for `table`.
    chance: probability that a client comes at all, which multiplies the curve."""

    kind: str = "exponential"
    k: float = 1.0
    middle: float = 0.0
    touch: float = 0.5
    chance: float = 1.0
    values: tuple = ()

    def __call__(self, distances):
        """Probabilities, float64 in the shape of the distances."""
        distances = np.asarray(distances, np.float64)
        out = np.empty(distances.size)
        _fill(np.ascontiguousarray(distances).reshape(-1), self.record()[0], out)
        return out.reshape(distances.shape)

    def record(self):
        """(1,) CURVE, as kernels take it."""
        out = np.zeros(1, CURVE)
        values = self.values or np.zeros(len(TABLE_X))
        out[0] = (KINDS.index(self.kind), self.k, self.middle, self.touch, self.chance, values)
        return out


@jit.kernel
def probability(distance, curve):
    """Probability of a trade in a step; curve: a CURVE record."""
    x = distance - curve.touch
    if curve.kind == _EXPONENTIAL:
        return curve.chance * math.exp(min(0.0, -curve.k * x))
    if curve.kind == _POWER:
        return curve.chance * (1.0 + max(x, 0.0)) ** -curve.k
    if curve.kind == _LOGISTIC:
        return curve.chance / (1.0 + math.exp(min(max(curve.k * (x - curve.middle), -700.0), 700.0)))
    place = min(max((x - _FROM) / _STEP, 0.0), float(_LAST))
    low = min(int(place), _LAST - 1)
    return curve.chance * (curve.table[low] + (place - low) * (curve.table[low + 1] - curve.table[low]))


@jit.kernel
def _fill(distances, curve, out):
    for k in range(len(distances)):
        out[k] = probability(distances[k], curve)
