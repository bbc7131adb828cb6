"""The expected objective of a strategy, exactly, where clients alone trade.

The inventory distribution is propagated along the tape (tfmm.simulation.clients.inventory_distribution), so no client
is drawn; only the price path remains random.
"""

import concurrent.futures
import dataclasses
import functools
import os
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Array, Floats, Floats32, Ints, Records
from tfmm.calibration import known_fills
from tfmm.environments.tape import simulators
from tfmm.environments.tape.task import TapeTask
from tfmm.simulation import kernel, state
from tfmm.simulation.clients import inventory_distribution
from tfmm.simulation.dealer import features, quoting

STATE_FEATURES = frozenset(features.NAMES).difference(features.OWN) | {"inventory"}
"""Features that the market and the inventory determine; the others depend on how the inventory came about."""
_INVENTORY = features.NAMES.index("inventory")
_CHUNK = 4096
_STATE = np.dtype(
    [("bid_tick", np.int64), ("ask_tick", np.int64), ("has_market", np.int64), ("inventory_lot", np.int64)]
)


@dataclasses.dataclass(frozen=True, eq=False)
class MarketPath:
    """The market of one segment at every decision while nobody quotes.

    Attributes:
        session: name. market: (T + 1,) inventory_distribution.MARKET. observation: (T, F) float32.
    """

    session: str
    market: Records
    observation: Floats32


class States(NamedTuple):
    """The part of a simulator that a strategy may read: (B, 1) instrument states and (B, F) float32 observation."""

    instruments: Records
    observation: Floats32


class ExpectedBacktest(NamedTuple):
    """One strategy on one segment.

    Attributes:
        session: name.
        ts: (T + 1,) int64 ns of the decisions and the end.
        objective: (T,) float64 expected dPnL - r E|Q| dt of every interval, accounting currency.
        profit: (T,) float64, the expected dPnL alone.
        inventory_distribution: (T + 1, 2 L + 1) float64 probabilities of -L, ..., L orders.
        outcomes: (T,) inventory_distribution.EXPECTED_INTERVAL, means over the inventory, tick x lot.
    """

    session: str
    ts: Ints
    objective: Floats
    profit: Floats
    inventory_distribution: Floats
    outcomes: Records


Strategy = Callable[[Any], Array]
"""Returns actions or distances (B, ...) of a simulator, a SimulatorView or States."""


def is_known(task: TapeTask) -> bool:
    """Whether the inventory distribution is known: fills of known probability, one instrument, features
    that the market and the inventory determine."""
    config = task.config
    names = config.environment.features or features.DEFAULT
    if len(task.instruments) != 1 or not STATE_FEATURES.issuperset(names) or task.risk.is_joint:
        return False
    if config.rules.hedge == "action" and task.parameters["order_lot"][0] > 1:  # fractions of orders may be hedged
        return False
    if config.environment.liquidate or config.rules.marketable == "take" or config.rules.cash_limit:
        return False
    return known_fills.has_known_fills(config, task.instruments)


@functools.lru_cache(maxsize=4)
def market_paths(task: TapeTask, split: str) -> list[MarketPath]:
    """A MarketPath of each segment of a split, from a simulator in which nobody quotes."""
    segments = task.segments[split]
    windows = task.windows(segments)
    sim = task.probe_simulator(segments, windows)
    no_quotes = np.full((len(windows), 1, 2), np.nan)
    observations, markets, was_open = [], [], []
    open_rows = np.ones(len(windows), bool)
    sim.reset()
    while True:
        observations.append(sim.observation.copy())
        markets.append(_market(sim))
        was_open.append(open_rows.copy())
        if not open_rows.any():
            break
        sim.step(no_quotes)
        open_rows &= sim.step_type != kernel.LAST
    # a row's last market is the one after its last decision
    decided = np.stack(was_open)
    out = []
    for b, (index, _, _) in enumerate(windows):
        steps = int(decided[:, b].sum())
        market = np.stack([step[b] for step in markets[: steps + 1]])
        observation = np.stack([step[b] for step in observations[:steps]])
        out.append(MarketPath(segments[index].session, market, observation))
    return out


def evaluate(task: TapeTask, paths: list[MarketPath], act: Strategy, distances: bool) -> list[ExpectedBacktest]:
    """An ExpectedBacktest of a strategy on each of the given market paths.

    A later trading period of a session begins with the inventory distribution of the one before; the move of the mid
    over the closed hours is earned in its first interval.

    Args:
        act: called with States. distances: whether it returns raw distances (ticks) instead of actions.
    """
    rules, config_rules = simulators.action_parameters(task, distances)[0], task.config.rules
    limit, money = config_rules.inventory_limit_orders, task.costs.money_unit(0)
    threshold = config_rules.hedge_limit_orders if config_rules.hedge == "limit" else limit
    out: list[ExpectedBacktest] = []
    orders = np.arange(-limit, limit + 1)
    for k, path in enumerate(paths):
        steps = len(path.observation)
        outcomes, hedged_index = _outcomes(task.store.events, path, act, limit, rules)
        probabilities, means = (
            np.zeros((steps + 1, 2 * limit + 1)),
            np.zeros(steps, inventory_distribution.EXPECTED_INTERVAL),
        )
        probabilities[0, limit] = 1.0
        carries = k > 0 and path.session == paths[k - 1].session
        if carries:
            probabilities[0] = out[-1].inventory_distribution[-1]
        inventory_distribution.propagate(outcomes, hedged_index, threshold, probabilities, means)
        profit = means["profit"] * money
        if carries:
            move_tick = _mid_tick(path.market[0]) - _mid_tick(paths[k - 1].market[-1])
            profit[0] += float(probabilities[0] @ orders) * rules["order_lot"] * move_tick * money
        objective = profit - rules["risk"] * means["risk_lot_s"] * money
        out.append(ExpectedBacktest(path.session, path.market["ts"], objective, profit, probabilities, means))
    return out


def _mid_tick(market):
    return 0.5 * float(market["bid_tick"] + market["ask_tick"])


def _outcomes(events, path, act, limit, rules):
    """(T, 2 L + 1) inventory_distribution.EXPECTED_INTERVAL of a MarketPath, and the (T, 2 L + 1) int64 index of the
    inventory after the decision's hedge. The cores share the decisions."""
    steps = len(path.observation)
    out = np.zeros((steps, 2 * limit + 1), inventory_distribution.EXPECTED_INTERVAL)
    hedged_index = np.zeros((steps, 2 * limit + 1), np.int64)

    def fill_in(start):
        part = slice(start, min(start + _CHUNK, steps))
        actions, market = _actions(path, part, act, limit, rules), path.market[start : part.stop + 1]
        inventory_distribution.expected_intervals(events, market, actions, rules, out[part], hedged_index[part])

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(fill_in, range(0, steps, _CHUNK)))
    return out, hedged_index


def quotes(task: TapeTask, path: MarketPath, rows: Ints, act: Strategy, distances: bool) -> Floats:
    """Distances from the mid that a strategy quotes with every inventory at some decisions of a MarketPath.

    Args:
        rows: (K,) int64 decisions. act, distances: as `evaluate` takes them.

    Returns:
        (K, 2 L + 1, 2) float64 ask and bid distance, market spreads, with -L, ..., L orders; NaN: no quote.
    """
    limit, rules = task.config.rules.inventory_limit_orders, simulators.action_parameters(task, distances)[0]
    out = np.empty((len(rows), 2 * limit + 1, 2))
    inventory_distribution.quote_distances(path.market[rows], _actions(path, rows, act, limit, rules), rules, out)
    return out


def blocks(backtests: list[ExpectedBacktest], block_s: float) -> Floats:
    """(K,) expected objective of each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for backtest in backtests:
        block = (backtest.ts[1:] - 1 - backtest.ts[0]) // round(block_s * 1e9)
        n_blocks = (backtest.ts[-1] - backtest.ts[0]) // round(block_s * 1e9)
        out.append(np.bincount(block, weights=backtest.objective, minlength=n_blocks)[:n_blocks])
    return np.concatenate(out)


def _market(sim):
    out, instruments = np.zeros(len(sim.rows), inventory_distribution.MARKET), sim.instruments[:, 0]
    for name in ("bid_tick", "ask_tick", "has_market", "price_step", "last_ns", "drift"):
        out[name] = instruments[name]
    out["ts"], out["row"], out["stop"] = sim.rows["ts"], sim.rows["cursor"], sim.rows["stop"]
    return out


def _actions(path, part, act, limit, rules):
    """(K, 2 L + 1, A) float64 actions of a strategy at some decisions (a slice or indices) with every inventory."""
    width = 2 + int(rules["hedge"] == state.HEDGE_ACTION)
    actions = quoting.padded(np.asarray(act(_states(path, part, limit, rules)), np.float64), width)
    return np.ascontiguousarray(actions.reshape(-1, 2 * limit + 1, width))


def _states(path, part, limit, rules):
    """States of some decisions (a slice or indices), each with every inventory -L, ..., L orders."""
    orders = np.arange(-limit, limit + 1)
    market = np.repeat(path.market[part], len(orders))
    instruments = np.zeros((len(market), 1), _STATE)
    for name in ("bid_tick", "ask_tick", "has_market"):
        instruments[name][:, 0] = market[name]
    count = len(market) // len(orders)
    instruments["inventory_lot"][:, 0] = np.tile(orders * rules["order_lot"], count)
    observation = np.repeat(path.observation[part], len(orders), axis=0)
    observation[:, _INVENTORY] = np.tile(orders * rules["order_lot"] / rules["limit_lot"], count)
    return States(instruments, observation)
