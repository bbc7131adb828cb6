"""Parameters of an analytic model as the kernel takes them."""

from typing import NamedTuple

import numpy as np

from tfmm.arrays import Floats
from tfmm.config.analytic import Model

CONSTANT, BROWNIAN, JUMP, MEAN_REVERTING = range(4)
_MIDS = ("constant", "brownian", "jump", "mean_reverting")


class Parameters(NamedTuple):
    """Parameters of a model in the units of the kernel; config.analytic.Model explains them.

    Attributes:
        currencies: N. limit: L, orders. horizon_steps: 0: endless. dt: length of a step.
        rate: of clients on each side, per unit of time. min_distance, max_distance: that actions -1 and 1 stand for,
        market spreads. mid: CONSTANT, BROWNIAN, JUMP or MEAN_REVERTING.
        branching, decay: of the Hawkes process of clients.
        baseline_distance, baseline_fill_probability: of the dealer whose profit is subtracted from the reward; 0: none.
        expected_fills, expected_mid: whether the reward takes expectations of fills and of the mid.
    """

    currencies: int
    limit: int
    horizon_steps: int
    window_steps: int
    random_start: bool
    dt: float
    rate: float
    min_distance: float
    max_distance: float
    mid: int
    sigma: float
    jump_rate: float
    jump_size: float
    reversion: float
    branching: float
    decay: float
    spread_sigma: float
    spread_reversion: float
    delay: int
    hedge_rate: float
    hedge_cost: float
    hedge_impact: float
    hedge_permanent: float
    hedge_deadband: float
    baseline_distance: float
    baseline_fill_probability: float
    expected_fills: bool
    expected_mid: bool


def risk_costs(settings: Model) -> Floats:
    """((2 L + 1)^N,) float64 r dt (Q' Omega Q)^u by inventory, the last currency varying fastest."""
    omega = np.array(settings.omega)
    orders = np.arange(-settings.limit, settings.limit + 1.0)
    inventory = np.stack(np.meshgrid(*[orders] * len(omega), indexing="ij"), axis=-1).reshape(-1, len(omega))
    squares = np.einsum("si,ij,sj->s", inventory, omega, inventory)
    return settings.risk * settings.step * np.maximum(squares, 0.0) ** settings.risk_power


def of(settings: Model) -> Parameters:
    """The parameters of a model."""
    return Parameters(
        currencies=len(settings.omega),
        limit=settings.limit,
        horizon_steps=round(settings.horizon / settings.step),
        window_steps=settings.window_steps,
        random_start=settings.random_start,
        dt=settings.step,
        rate=settings.rate,
        min_distance=settings.distance_range[0],
        max_distance=settings.distance_range[1],
        mid=_MIDS.index(settings.mid),
        sigma=settings.sigma,
        jump_rate=settings.jump_rate,
        jump_size=settings.jump_size,
        reversion=settings.reversion,
        branching=settings.branching,
        decay=settings.decay,
        spread_sigma=settings.spread_sigma,
        spread_reversion=settings.spread_reversion,
        delay=settings.delay,
        hedge_rate=settings.hedge_rate,
        hedge_cost=settings.hedge_cost,
        hedge_impact=settings.hedge_impact,
        hedge_permanent=settings.hedge_permanent,
        hedge_deadband=settings.hedge_deadband,
        baseline_distance=0.0,
        baseline_fill_probability=0.0,
        expected_fills=settings.reward == "expected_pnl",
        expected_mid=settings.mid_reward == "expected_pnl",
    )
