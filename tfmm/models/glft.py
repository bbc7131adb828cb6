"""Gueant, Lehalle and Fernandez-Tapia 2013, "Dealing with the inventory risk"; Cartea and Jaimungal's running penalty.

The mid is a Brownian motion with volatility sigma; a quote at distance d from it is hit at rate A exp(-k d), one order
a fill, |q| <= L. Far from the end of the horizon the optimal quotes no longer depend on time. With
    gamma > 0 (exponential utility):  alpha = k gamma sigma^2 / 2,  eta = A (1 + gamma / k)^-(1 + k / gamma),
                                      base = ln(1 + gamma / k) / gamma
    gamma = 0, penalty phi q^2 dt:    alpha = k phi,  eta = A / e,  base = 1 / k
(the second, Cartea, Jaimungal and Penalva 2015, section 10.3, is the limit of the first with phi = gamma sigma^2 / 2)
and f the eigenvector of the smallest eigenvalue of the matrix with alpha q^2 on the diagonal and -eta beside it (their
equation 4.1 and proposition 3), the distances from the mid are
    ask(q) = base + ln(f_q / f_{q-1}) / k,    bid(q) = base + ln(f_q / f_{q+1}) / k.
Assumes: a continuous time for decisions, no drift, fills that carry no information, no fees.
"""

import math
from typing import NamedTuple

import numpy as np
from scipy import linalg


class Model(NamedTuple):
    """rate: A, per second. decay: k, per unit of distance. sigma: unit per square root of a second, of gamma.
    gamma: per unit of money of an order; 0: with phi, per order^2 and second, instead. limit: L, orders."""

    rate: float
    decay: float
    sigma: float
    gamma: float = 0.0
    phi: float = 0.0
    limit: int = 10


def stationary(model):
    """Optimal distances far from the end.

    Returns:
        (2 L + 1, 2) float64 ask and bid for q = -L, ..., L; NaN on a side that the limit forbids.
    """
    alpha, eta, base = _terms(model)
    held = np.arange(-model.limit, model.limit + 1)
    _, vectors = linalg.eigh_tridiagonal(
        alpha * held.astype(float) ** 2, np.full(len(held) - 1, -eta), select="i", select_range=(0, 0)
    )
    logs = np.log(np.maximum(np.abs(vectors[:, 0]), 1e-300))  # a Perron vector: of one sign
    out = np.full((len(held), 2), np.nan)
    out[1:, 0] = base + (logs[1:] - logs[:-1]) / model.decay
    out[:-1, 1] = base + (logs[:-1] - logs[1:]) / model.decay
    return out


def approximate(model):
    """Closed form of `stationary` without a bound, their equations 4.6 and 4.7; shape as there, no NaN."""
    alpha, eta, base = _terms(model)
    held = np.arange(-model.limit, model.limit + 1)
    slope = math.sqrt(alpha / eta) / model.decay
    return base + 0.5 * slope * np.column_stack([1.0 - 2.0 * held, 1.0 + 2.0 * held])


def quotes(model, time_left):
    """Optimal distances `time_left` seconds before a horizon at whose end inventory is worth the mid; see `stationary`.

    v = exp(-M time_left) 1 takes the place of f (their theorem 1).
    """
    alpha, eta, base = _terms(model)
    held = np.arange(-model.limit, model.limit + 1)
    values, vectors = linalg.eigh_tridiagonal(alpha * held.astype(float) ** 2, np.full(len(held) - 1, -eta))
    # the smallest eigenvalue is taken out: only ratios of v count, and exp(-M time_left) itself overflows
    logs = np.log(vectors @ (np.exp((values[0] - values) * time_left) * vectors.sum(axis=0)))
    out = np.full((len(held), 2), np.nan)
    out[1:, 0] = base + (logs[1:] - logs[:-1]) / model.decay
    out[:-1, 1] = base + (logs[:-1] - logs[1:]) / model.decay
    return out


def _terms(model):
    """alpha, eta, base of the module's docstring."""
    k = model.decay
    if model.gamma:
        ratio = model.gamma / k
        alpha = 0.5 * k * model.gamma * model.sigma**2
        return alpha, model.rate * (1.0 + ratio) ** -(1.0 + 1.0 / ratio), math.log1p(ratio) / model.gamma
    return k * model.phi, model.rate / math.e, 1.0 / k
