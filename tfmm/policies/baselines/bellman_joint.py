"""Dynamic programming over the inventories of several instruments together, where their risk has one price.

With S the market's spread now, p(d) the known probability that a quote d from the mid is taken, D the change of the
book's value by a fill (models.joint_inventory, at the mean spreads) and m the drift of calibration.drift:
    ask, bid = argmax p(d) (d -/+ m + D / order),
on whole ticks, or no quote where nothing is above 0. `bellman_joint` takes m as 0, `bellman_joint_drift` does not:
it improves on the policy of models.joint_inventory by what the market is like now (one step of policy iteration).
"""

import dataclasses

import numpy as np

from tfmm.calibration import drift, inventory_value, known_fills
from tfmm.policies.baselines import optimal_tick
from tfmm.simulation import state
from tfmm.simulation.dealer import features
from tfmm.simulation.rewards import expected_fills, joint_inventory

_DISTANCE = np.linspace(0.0, 6.0, 241)  # spreads


@dataclasses.dataclass(frozen=True, eq=False)
class Rule:
    """Attributes: quoted: (Q,) instruments. change: (S, Q, 2) D of ask and bid, tick x order, NaN: not allowed.
    chance: (Q, J) p at _DISTANCE. coefficients: (Q, 6) of calibration.drift. unit_tick: (Q,) of the drift. order_lot:
    (Q,).
    limit_orders: L. name, fitted: as baselines.Baseline."""

    name: str
    quoted: np.ndarray
    change: np.ndarray
    chance: np.ndarray
    coefficients: np.ndarray
    unit_tick: np.ndarray
    order_lot: np.ndarray
    limit_orders: int
    fitted: dict

    def __call__(self, sim):
        """(B, N, 2) float64 ask and bid distance, ticks, for a simulator in `distances` mode."""
        own = self.quoted
        held = sim.books["inventory_lot"][:, own]
        change = self.change[joint_inventory.place(held, self.order_lot, self.limit_orders)]
        seen = sim.observation.reshape(*sim.books.shape, len(features.NAMES))[:, own][..., drift.COLUMNS]
        expected = np.einsum("bqk,qk->bq", seen, self.coefficients) * self.unit_tick
        bid, ask = sim.books["bid_tick"][:, own], sim.books["ask_tick"][:, own]
        mid, spread = 0.5 * (bid + ask), np.maximum(ask - bid, state.LOCKED_TICK)
        out = np.full((*sim.books.shape, 2), np.nan)
        for side, sign in ((0, 1.0), (1, -1.0)):
            worth = change[..., side] - sign * expected
            for q, n in enumerate(own):
                out[:, n, side] = optimal_tick.best(
                    sign * mid[:, q], spread[:, q], _DISTANCE, self.chance[q], worth[:, q]
                )
        return out


def rules(task):
    """(bellman_joint, bellman_joint_drift); () where fills have no known probability, or risk no common price."""
    if task.risk is None or not known_fills.known(task.config, task.instruments):
        return ()
    own = np.flatnonzero(task.parameters["quoted"])
    scales, parameters = drift.known(task), task.parameters[own]
    interval_s, limit = task.config.environment.interval_s, task.config.rules.inventory_limit_orders
    chance = np.array([[expected_fills.chance(d - 0.5, 1.0, interval_s, one) for d in _DISTANCE] for one in parameters])
    change = inventory_value.whole(task).value_change / (parameters["weight"] * parameters["order_lot"])[:, np.newaxis]
    coefficients = np.array([scales[n].drift for n in own])
    units = np.array([scales[n].half_spread_tick for n in own])
    known = {"half_spread_tick": units.tolist(), "omega": task.risk[0].tolist()}
    return tuple(
        Rule(name, own, change, chance, found, units, parameters["order_lot"], limit, known | {"drift": found.tolist()})
        for name, found in (
            ("bellman_joint", np.zeros_like(coefficients)),
            ("bellman_joint_drift", coefficients),
        )
    )
