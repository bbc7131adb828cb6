"""The luck of the clients in a backtest, which is taken off the objective where policies are compared.

Where fills have known probabilities, but a book is too large for the law of its inventory
(tfmm.backtest.expected_objective), clients are drawn. In an interval that begins with inventory Q what is traded, at
the fair price of the interval's end, and the value of what is held then,
    D = sum_fills side size (fair - price) + V(Q') - V(Q),
has an expectation over all clients that is known (tfmm.simulation.rewards.expected_fills). D - E D has mean 0, whatever
V is: taking it off leaves the expected objective as it was, and the nearer V comes to what inventory is worth, the less
is left of the clients' noise (approximating martingales, Henderson and Glynn 2002).
"""

import dataclasses
import functools

import msgspec
import numpy as np

from tfmm.backtest import expected_objective
from tfmm.calibration import known_fills
from tfmm.models import joint_inventory
from tfmm.simulation.dealer import features
from tfmm.simulation.rewards import joint_inventory as joint_inventory_lib

METRIC = "adjusted_objective"


def known(task):
    """Whether luck can be told: fills of known probability without hedges, and a book whose value can be solved."""
    config = task.config
    if (
        expected_objective.possible(task)
        or not known_fills.known(config, task.instruments)
        or config.rules.hedge != "none"
    ):
        return False
    if config.environment.liquidate or config.rules.marketable == "take" or config.rules.cash_limit:
        return False
    several = int(task.parameters["quoted"].sum())
    return task.risk is None or config.rules.inventory_limit_orders <= joint_inventory.most_orders(several)


@functools.lru_cache(maxsize=4)
def taught(task):
    """The same TapeTask with rewards that are expectations, of each inventory's value, compared with nothing."""
    config = task.config
    environment = msgspec.structs.replace(config.environment, reward="shaped_expected_pnl", n_spread_states=1)
    agent = msgspec.structs.replace(config.agent, gamma=0.5)
    changed = msgspec.structs.replace(config, environment=environment, agent=agent)
    return dataclasses.replace(task, config=changed)


class Gauge:
    """Reads the luck of every row off a simulator that plays by `taught`, step by step."""

    def __init__(self, task):
        self._task, self._values = task, taught(task).values()
        self._whole = len(self._values) < len(task.scales)
        self._own = np.flatnonzero(task.parameters["quoted"]) if self._whole else np.arange(len(task.scales))
        self._held = self._standing = None

    def before(self, sim):
        """Notes what is held at a decision."""
        self._held = self._value(sim)
        cost = 0.0 if self._task.risk is None else self._task.risk[1]
        self._standing = cost * sim.rows["risk_now"] * sim.interval_ns * 1e-9

    def after(self, sim):
        """(B,) float64: D - E D of the interval that has passed since, money."""
        task, rules = self._task, self._task.parameters
        seen = sim.observation.reshape(*sim.books.shape, len(features.NAMES))
        fair = 0.5 * (sim.books["bid_tick"] + sim.books["ask_tick"])
        fair = fair + seen[..., features.DRIFT].astype(np.float64) * rules["half_spread_tick"]
        row, n = sim.fills["batch_row"], sim.fills["instrument"].astype(np.int64)
        gains = sim.fills["side"] * sim.fills["lot"] * (fair[row, n] - sim.fills["tick"]) * rules["weight"][n]
        drawn = np.bincount(row, weights=gains, minlength=len(fair)) + self._value(sim) - self._held
        expected = sim.reward.astype(np.float64) * task.reward_scale + self._standing
        if task.risk is None:
            expected = expected + (sim.books["lesson_lot_s"] * rules["risk"] * rules["weight"]).sum(axis=1)
        return (drawn - expected) * task.money_unit(0)

    def _value(self, sim):
        """(B,) V of what is held, tick x lot of the first instrument."""
        limit, order = self._task.config.rules.inventory_limit_orders, self._task.parameters["order_lot"]
        lots = sim.books["inventory_lot"][:, self._own]
        if self._whole:
            return self._values[0][joint_inventory_lib.place(lots, order[self._own], limit)]
        orders = np.rint(lots / order).astype(np.int64)
        every = np.arange(len(self._values))
        return (self._values[every, orders + limit] * self._task.parameters["weight"]).sum(axis=1)


def blocks(backtests, block_s):
    """(K,) luck, money, in each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for one in backtests:
        ts, money = one.luck
        start, stop = one.span
        whole = (stop - start) // round(block_s * 1e9)
        place = (ts - 1 - start) // round(block_s * 1e9)
        out.append(np.bincount(place, weights=money, minlength=whole)[:whole])
    return np.concatenate(out)


def add(results, breakdown, backtests):
    """Writes METRIC into the metrics of a policy and of its sessions, where luck is known."""
    if any(one.luck is None for one in backtests):
        return
    results[METRIC] = results["objective"] - sum(float(one.luck[1].sum()) for one in backtests)
    for session, part in breakdown["sessions"].items():
        lucky = sum(float(one.luck[1].sum()) for one in backtests if one.session == session)
        part[METRIC] = part["objective"] - lucky
