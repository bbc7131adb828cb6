"""Fill curves: the probability that an arriving client trades at a quote a distance d from the mid.

With x = d - touch, the distance beyond the price at which every client trades (by default half a market spread from the
mid, in units of the spread):
    exponential  min(1, exp(-k x))            (Avellaneda and Stoikov 2008, equation 12, capped)
    power        (1 + max(x, 0))^-k
    logistic     1 / (1 + exp(k (x - m)))     (Barzykin, Bergault and Gueant 2021, section 4: alpha = -k m, beta = k)
    table        linear between values given at TABLE_X, constant outside
Assumes: clients decide independently of each other. Ignores: what a client may know about the mid.
One definition serves the exact solutions (a Curve is called with an array) and the environments' kernel
(`probability`).
"""

import math
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from tfmm import jit
from tfmm.arrays import Floats, Record, Records

KINDS = ("exponential", "power", "logistic", "table")
TABLE_X = np.arange(17) * 0.25 - 1.0
CURVE = np.dtype(
    [
        ("kind", np.int64),
        ("k", np.float64),
        ("middle", np.float64),
        ("touch", np.float64),
        ("arrival_probability", np.float64),
        ("table", np.float64, len(TABLE_X)),
    ]
)
_EXPONENTIAL, _POWER, _LOGISTIC = range(3)
_FROM, _STEP, _LAST = float(TABLE_X[0]), float(TABLE_X[1] - TABLE_X[0]), len(TABLE_X) - 1


class Curve(NamedTuple):
    """Parameters of a fill curve.

    Attributes:
        kind: one of KINDS. k: per market spread (`power`: the exponent). middle: m of `logistic`, market spreads.
        touch: distance at which every client trades, market spreads.
        arrival_probability: probability that a client arrives in a step, which multiplies the curve.
        values: (17,) probabilities at TABLE_X, for `table`.
    """

    kind: str = "exponential"
    k: float = 1.0
    middle: float = 0.0
    touch: float = 0.5
    arrival_probability: float = 1.0
    values: tuple[float, ...] = ()

    def __call__(self, distances: npt.ArrayLike) -> Floats:
        """Probabilities of a trade in a step, float64 in the shape of the distances (market spreads)."""
        distances = np.asarray(distances, np.float64)
        out = np.empty(distances.size)
        _fill(np.ascontiguousarray(distances).reshape(-1), self.record()[0], out)
        return out.reshape(distances.shape)

    def record(self) -> Records:
        """(1,) CURVE, as kernels take it."""
        out = np.zeros(1, CURVE)
        values = self.values or np.zeros(len(TABLE_X))
        out[0] = (KINDS.index(self.kind), self.k, self.middle, self.touch, self.arrival_probability, values)
        return out


@jit.kernel
def probability(distance: float, curve: Record) -> float:
    """Probability of a trade in a step at a distance from the mid, market spreads; curve: a CURVE record."""
    x = distance - curve.touch
    if curve.kind == _EXPONENTIAL:
        return curve.arrival_probability * math.exp(min(0.0, -curve.k * x))
    if curve.kind == _POWER:
        return curve.arrival_probability * (1.0 + max(x, 0.0)) ** -curve.k
    if curve.kind == _LOGISTIC:
        return curve.arrival_probability / (1.0 + math.exp(min(max(curve.k * (x - curve.middle), -700.0), 700.0)))
    position = min(max((x - _FROM) / _STEP, 0.0), float(_LAST))
    low = min(int(position), _LAST - 1)
    interpolated = curve.table[low] + (position - low) * (curve.table[low + 1] - curve.table[low])
    return curve.arrival_probability * interpolated


@jit.kernel
def _fill(distances, curve, out):
    for j in range(len(distances)):
        out[j] = probability(distances[j], curve)
