"""Gueant, Lehalle and Fernandez-Tapia 2013, "Dealing with the inventory risk", and Cartea and Jaimungal's running
penalty.

Assumes: the mid is a Brownian motion with volatility sigma; a quote at distance d from it is filled at rate
A exp(-k d), one order a fill; |q| <= Q; quotes change in continuous time. Ignores: drift, fees, the information in a
fill.

Far from the end of the horizon the optimal quotes no longer depend on time. With
    gamma > 0 (exponential utility):  alpha = k gamma sigma^2 / 2,  eta = A (1 + gamma / k)^-(1 + k / gamma),
                                      base = ln(1 + gamma / k) / gamma
    gamma = 0, penalty phi q^2 dt:    alpha = k phi,  eta = A / e,  base = 1 / k
(the second, Cartea, Jaimungal and Penalva 2015, section 10.3, is the limit of the first with phi = gamma sigma^2 / 2)
and f the eigenvector of the smallest eigenvalue of the matrix with alpha q^2 on the diagonal and -eta beside it (their
equation 4.1 and proposition 3), the distances from the mid are
    ask(q) = base + ln(f_q / f_{q-1}) / k,    bid(q) = base + ln(f_q / f_{q+1}) / k.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg

from tfmm.arrays import Floats, Ints


class Model(NamedTuple):
    """Parameters, called as in the paper.

    Attributes:
        A: fills per second at distance 0. k: decay of the fill rate, per unit of price.
        sigma: volatility of the mid, price per square root of a second.
        gamma: risk aversion, per unit of money of an order; 0: the penalty phi instead.
        phi: running penalty, money per order^2 and second. Q: largest inventory, orders.
    """

    A: float
    k: float
    sigma: float
    gamma: float = 0.0
    phi: float = 0.0
    Q: int = 10

    @property
    def inventories(self) -> Ints:
        """(2 Q + 1,) int64: -Q, ..., Q."""
        return np.arange(-self.Q, self.Q + 1)


def stationary(model: Model) -> Floats:
    """Optimal distances far from the end of the horizon.

    Returns:
        (2 Q + 1, 2) float64 ask and bid for q = -Q, ..., Q; NaN on a side that the limit forbids.
    """
    alpha, eta, base = _terms(model)
    diagonal = alpha * model.inventories.astype(float) ** 2
    _, vectors = linalg.eigh_tridiagonal(diagonal, np.full(len(diagonal) - 1, -eta), select="i", select_range=(0, 0))
    # by Perron's theorem all elements have one sign
    return _distances(model, base, np.log(np.maximum(np.abs(vectors[:, 0]), 1e-300)))


def approximate(model: Model) -> Floats:
    """Closed form of `stationary` without a limit, their equations 4.6 and 4.7: (2 Q + 1, 2) float64, no NaN."""
    alpha, eta, base = _terms(model)
    q = model.inventories
    slope = math.sqrt(alpha / eta) / model.k
    return base + 0.5 * slope * np.column_stack([1.0 - 2.0 * q, 1.0 + 2.0 * q])


def quotes(model: Model, time_left: float) -> Floats:
    """Optimal distances `time_left` seconds before a horizon at whose end inventory is valued at the mid.

    Their theorem 1: v = exp(-M time_left) 1 stands in the place of f, M the matrix of the module's docstring.

    Returns:
        (2 Q + 1, 2) float64 as `stationary`.
    """
    alpha, eta, base = _terms(model)
    diagonal = alpha * model.inventories.astype(float) ** 2
    values, vectors = linalg.eigh_tridiagonal(diagonal, np.full(len(diagonal) - 1, -eta))
    # the smallest eigenvalue is taken out: only ratios of v count, and exp(-M time_left) itself overflows
    logs = np.log(vectors @ (np.exp((values[0] - values) * time_left) * vectors.sum(axis=0)))
    return _distances(model, base, logs)


def _distances(model, base, logs):
    """(2 Q + 1, 2) ask and bid distance from ln f or ln v (2 Q + 1,)."""
    out = np.full((len(logs), 2), np.nan)
    out[1:, 0] = base + (logs[1:] - logs[:-1]) / model.k
    out[:-1, 1] = base + (logs[:-1] - logs[1:]) / model.k
    return out


def _terms(model):
    """alpha, eta, base of the module's docstring."""
    k = model.k
    if model.gamma:
        ratio = model.gamma / k
        alpha = 0.5 * k * model.gamma * model.sigma**2
        return alpha, model.A * (1.0 + ratio) ** -(1.0 + 1.0 / ratio), math.log1p(ratio) / model.gamma
    return k * model.phi, model.A / math.e, 1.0 / k
