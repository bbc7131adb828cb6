"""Dynamic programming over the joint inventory of several instruments, whose inventories have a common price of risk.

With S the present market spread, p(d) the known probability that a quote d from the mid is filled, D the change of the
value function by a fill (models.joint_inventory, at the mean spreads) and m the drift predicted by calibration.drift:
    ask, bid = argmax p(d) (d -/+ m + D / order),
on whole ticks, or no quote where no tick has an expected profit. `bellman_joint` takes m as 0, `bellman_joint_drift`
does not: it is one step of policy improvement over the policy of models.joint_inventory, given the present spreads and
drifts.
"""

import dataclasses
from typing import Any

import numpy as np

from tfmm.arrays import Floats, Ints
from tfmm.calibration import drift, inventory_value, known_fills
from tfmm.environments.tape.task import TapeTask
from tfmm.policies.baselines import optimal_tick
from tfmm.policies.baselines.baseline import MarketState
from tfmm.simulation import state
from tfmm.simulation.dealer import features
from tfmm.simulation.rewards import expected_fills, joint_inventory

_DISTANCE = np.linspace(0.0, 6.0, 241)  # spreads


@dataclasses.dataclass(frozen=True, eq=False)
class BellmanJointPolicy:
    """A policy of M quoted instruments by their joint inventory.

    Attributes:
        name, fitted: see baseline.Baseline.
        instruments: (M,) int64, the instruments that are quoted.
        value_change: (S, M, 2) float64 D / order of ask and bid, ticks; NaN: the limit forbids the fill.
        fill_probability: (M, J) p at _DISTANCE. coefficients: (M, 6) of calibration.drift.
        half_spread_tick: (M,) mean of the market on train, the unit of the drift. order_lot: (M,) int64.
        limit_orders: L.
    """

    name: str
    instruments: Ints
    value_change: Floats
    fill_probability: Floats
    coefficients: Floats
    half_spread_tick: Floats
    order_lot: Ints
    limit_orders: int
    fitted: dict[str, Any]

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2) float64 ask and bid distance, ticks."""
        instruments = sim.instruments[:, self.instruments]
        index = joint_inventory.index(instruments["inventory_lot"], self.order_lot, self.limit_orders)
        value_change = self.value_change[index]
        observation = sim.observation.reshape(*sim.instruments.shape, len(features.NAMES))[:, self.instruments]
        drift_tick = np.einsum("bmk,mk->bm", observation[..., drift.COLUMNS], self.coefficients) * self.half_spread_tick
        bid, ask = instruments["bid_tick"], instruments["ask_tick"]
        mid, spread = 0.5 * (bid + ask), np.maximum(ask - bid, state.LOCKED_TICK)
        out = np.full((*sim.instruments.shape, 2), np.nan)
        for side, sign in ((0, 1.0), (1, -1.0)):
            marginal_value = value_change[..., side] - sign * drift_tick
            for m, n in enumerate(self.instruments):
                out[:, n, side] = optimal_tick.best(
                    sign * mid[:, m], spread[:, m], _DISTANCE, self.fill_probability[m], marginal_value[:, m]
                )
        return out


def fit(task: TapeTask) -> tuple[BellmanJointPolicy, ...]:
    """(bellman_joint, bellman_joint_drift), fitted on train; () where fills have no known probability, or instruments
    no common price of risk."""
    if not task.risk.is_joint or not known_fills.has_known_fills(task.config, task.instruments):
        return ()
    instruments = np.flatnonzero(task.parameters["quoted"])
    scales, parameters = drift.fit_once(task), task.parameters[instruments]
    interval_s = task.config.environment.interval_s
    fill_probability = np.array(
        [[expected_fills.fill_probability(d - 0.5, 1.0, interval_s, rules) for d in _DISTANCE] for rules in parameters]
    )
    order_value = (parameters["weight"] * parameters["order_lot"])[:, np.newaxis]
    drift_coefficients = np.array([scales[n].drift for n in instruments])
    half_spread_tick = np.array([scales[n].half_spread_tick for n in instruments])
    return tuple(
        BellmanJointPolicy(
            name=name,
            instruments=instruments,
            value_change=inventory_value.solve_joint(task).value_change / order_value,
            fill_probability=fill_probability,
            coefficients=coefficients,
            half_spread_tick=half_spread_tick,
            order_lot=parameters["order_lot"],
            limit_orders=task.config.rules.inventory_limit_orders,
            fitted={
                "half_spread_tick": half_spread_tick.tolist(),
                "omega": task.risk.omega.tolist(),
                "drift": coefficients.tolist(),
            },
        )
        for name, coefficients in (
            ("bellman_joint", np.zeros_like(drift_coefficients)),
            ("bellman_joint_drift", drift_coefficients),
        )
    )
