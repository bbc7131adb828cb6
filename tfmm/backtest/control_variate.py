"""A control variate for drawn clients: it narrows the comparison of policies and has mean 0.

Where fill probabilities are known but the joint inventory is too large for its distribution to be propagated
(tfmm.backtest.expected_objective), the clients of a backtest are drawn. In an interval that begins with inventory Q,
    D = sum_fills side size (m - price) + V(Q') - V(Q),
m the fair price at the interval's end (tfmm.simulation.rewards.expected_fills) and V the value function of dynamic
programming. The expectation E D over the clients is known in closed form, so D - E D has mean 0 whatever V is.
Subtracting it leaves the expected objective unchanged, and the closer V is to the true value function, the less of the
clients' noise remains (approximating martingales: Henderson and Glynn 2002, "Approximating martingales for variance
reduction in Markov process simulation").
"""

import dataclasses
import functools
from typing import Any

import msgspec
import numpy as np

from tfmm.arrays import Floats
from tfmm.backtest import expected_objective
from tfmm.backtest.record import Backtest
from tfmm.calibration import inventory_value, known_fills
from tfmm.environments.tape.task import TapeTask
from tfmm.models import joint_inventory
from tfmm.simulation.dealer import features
from tfmm.simulation.rewards import joint_inventory as joint_inventory_lib
from tfmm.simulation.simulator import Simulator

METRIC = "adjusted_objective"


def is_known(task: TapeTask) -> bool:
    """Whether E D is known: clients alone trade, nothing is hedged, and the value function can be solved."""
    config = task.config
    if (
        expected_objective.is_known(task)
        or not known_fills.has_known_fills(config, task.instruments)
        or config.rules.hedge != "none"
    ):
        return False
    if config.environment.liquidate or config.rules.marketable == "take" or config.rules.cash_limit:
        return False
    n_quoted = int(task.parameters["quoted"].sum())
    return not task.risk.is_joint or config.rules.inventory_limit_orders <= joint_inventory.most_orders(n_quoted)


@functools.lru_cache(maxsize=4)
def expectation_task(task: TapeTask) -> TapeTask:
    """The same task with E D as its reward: shaped expected P&L from which no reference is subtracted."""
    config = task.config
    environment = msgspec.structs.replace(config.environment, reward="shaped_expected_pnl", n_spread_states=1)
    agent = msgspec.structs.replace(config.agent, gamma=0.5)  # above 0: the reward subtracts no reference
    changed = msgspec.structs.replace(config, environment=environment, agent=agent)
    return dataclasses.replace(task, config=changed)


class ControlVariate:
    """D - E D of every row of a simulator of `expectation_task`, interval by interval."""

    def __init__(self, task: TapeTask) -> None:
        values = inventory_value.value_function(expectation_task(task))
        assert values is not None  # the reward of expectation_task is shaped
        self._task, self._values = task, values
        self._is_joint = task.risk.is_joint
        every = np.arange(len(task.scales))
        self._instruments = np.flatnonzero(task.parameters["quoted"]) if self._is_joint else every
        self._value_before = self._held_risk_cost = np.zeros(0)

    def begin_interval(self, sim: Simulator) -> None:
        """Keeps V(Q) and the cost of holding Q for the interval that starts at this decision."""
        self._value_before = self._value(sim)
        cost_per_s = self._task.risk.cost_per_s if self._task.risk.is_joint else 0.0
        self._held_risk_cost = cost_per_s * sim.rows["risk_now"] * sim.interval_ns * 1e-9

    def end_interval(self, sim: Simulator) -> Floats:
        """(B,) float64 D - E D of the interval since `begin_interval`, accounting currency."""
        task, rules = self._task, self._task.parameters
        observation = sim.observation.reshape(*sim.instruments.shape, len(features.NAMES))
        fair_price = 0.5 * (sim.instruments["bid_tick"] + sim.instruments["ask_tick"])
        fair_price = fair_price + observation[..., features.DRIFT].astype(np.float64) * rules["half_spread_tick"]
        row, n = sim.fills["batch_row"], sim.fills["instrument"].astype(np.int64)
        gains = sim.fills["side"] * sim.fills["lot"] * (fair_price[row, n] - sim.fills["tick"]) * rules["weight"][n]
        drawn = np.bincount(row, weights=gains, minlength=len(fair_price)) + self._value(sim) - self._value_before
        expected = sim.reward.astype(np.float64) * task.reward_scale + self._held_risk_cost
        if not task.risk.is_joint:
            expected = expected + (sim.instruments["expected_risk_lot_s"] * rules["risk"] * rules["weight"]).sum(axis=1)
        return (drawn - expected) * task.costs.money_unit(0)

    def _value(self, sim: Simulator) -> Floats:
        """(B,) V of the inventory, tick x lot of the first instrument."""
        limit, order_lot = self._task.config.rules.inventory_limit_orders, self._task.parameters["order_lot"]
        lots = sim.instruments["inventory_lot"][:, self._instruments]
        if self._is_joint:
            return self._values[0][joint_inventory_lib.index(lots, order_lot[self._instruments], limit)]
        orders = np.rint(lots / order_lot).astype(np.int64)
        values = self._values[np.arange(len(self._values)), orders + limit]
        return (values * self._task.parameters["weight"]).sum(axis=1)


def blocks(backtests: list[Backtest], block_s: float) -> Floats:
    """(K,) control variate, money, in each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for backtest in backtests:
        assert backtest.control_variate is not None
        ts, money = backtest.control_variate
        start, stop = backtest.span
        n_blocks = (stop - start) // round(block_s * 1e9)
        block = (ts - 1 - start) // round(block_s * 1e9)
        out.append(np.bincount(block, weights=money, minlength=n_blocks)[:n_blocks])
    return np.concatenate(out)


def add(results: dict[str, Any], breakdown: dict[str, Any], backtests: list[Backtest]) -> None:
    """Writes METRIC into the metrics of a policy and of its sessions, where every backtest has a control variate."""
    totals = [_total(backtest) for backtest in backtests]
    if None in totals:
        return
    results[METRIC] = results["objective"] - sum(totals)
    for session, metrics in breakdown["sessions"].items():
        of_session = sum(total for total, one in zip(totals, backtests, strict=True) if one.session == session)
        metrics[METRIC] = metrics["objective"] - of_session


def _total(backtest: Backtest) -> Any:
    return None if backtest.control_variate is None else float(backtest.control_variate[1].sum())
