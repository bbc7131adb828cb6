"""What a strategy is expected to earn, exactly, where only clients trade: see
tfmm.simulation.clients.inventory_distribution."""

import concurrent.futures
import dataclasses
import functools
import os
from typing import NamedTuple

import numpy as np

from tfmm.calibration import known_fills
from tfmm.simulation import kernel, state
from tfmm.simulation.clients import inventory_distribution
from tfmm.simulation.dealer import features, quoting

_OWN = ("bid_distance", "ask_distance", "bid_live", "ask_live", "bid_queue", "ask_queue", "cash", "inventory_change")
KNOWN = frozenset(features.NAMES).difference(_OWN)
"""Features that the market and the inventory determine; the others depend on how the inventory came about."""
_INVENTORY = features.NAMES.index("inventory")
_CHUNK = 4096
_SEEN = np.dtype(
    [("bid_tick", np.int64), ("ask_tick", np.int64), ("has_market", np.int64), ("inventory_lot", np.int64)]
)


@dataclasses.dataclass(frozen=True, eq=False)
class Watched:
    """The market of one segment at every decision. market: (T + 1,) law.MARKET. observation: (T, F) float32."""

    session: str
    market: np.ndarray
    observation: np.ndarray


class Seen(NamedTuple):
    """What a strategy may ask of a simulator: (B, 1) books and (B, F) observation."""

    books: np.ndarray
    observation: np.ndarray


class Expected(NamedTuple):
    """One strategy on one segment.

    Attributes:
        ts: (T + 1,) int64 ns of the decisions and the end. objective: (T,) expected dPnL - r E|Q| dt of every interval,
        accounting currency. profit: (T,) its first part. law: (T + 1, 2 L + 1) probabilities of the inventory.
        outcomes: (T,) law.OUTCOME, means over the inventory, tick x lot.
    """

    session: str
    ts: np.ndarray
    objective: np.ndarray
    profit: np.ndarray
    law: np.ndarray
    outcomes: np.ndarray


def possible(task):
    """Whether the law of the inventory is known: fills of known probability, one instrument, observed by itself."""
    config = task.config
    names = config.environment.features or features.DEFAULT
    if len(task.instruments) > 1 or not KNOWN.issuperset(names) or task.risk is not None:
        return False
    if config.rules.hedge == "action" and task.parameters["order_lot"][0] > 1:  # shares of orders may be closed
        return False
    if config.environment.liquidate or config.rules.marketable == "take" or config.rules.cash_limit:
        return False
    return known_fills.known(config, task.instruments)


@functools.lru_cache(maxsize=4)
def watch(task, split):
    """[Watched] of the segments of a split: nobody quotes, and the market does not mind."""
    segments = task.segments[split]
    windows = task.windows(segments)
    sim = task.simulator(segments, len(windows), windows=windows, distances=True)
    nothing = np.full((len(windows), 1, 2), np.nan)
    seen, markets, was_open = [], [], []
    open_rows = np.ones(len(windows), bool)
    sim.reset()
    while True:
        seen.append(sim.observation.copy())
        markets.append(_market(sim))
        was_open.append(open_rows.copy())
        if not open_rows.any():
            break
        sim.step(nothing)
        open_rows &= sim.step_type != kernel.LAST
    # a row's last market is the one after its last decision
    decided = np.stack(was_open)
    out = []
    for b, (index, _, _) in enumerate(windows):
        steps = int(decided[:, b].sum())
        market = np.stack([one[b] for one in markets[: steps + 1]])
        out.append(Watched(segments[index].session, market, np.stack([one[b] for one in seen[:steps]])))
    return out


def expected(task, watched, act, distances):
    """[Expected] of a strategy on segments that have been watched.

    Args:
        act: as playing.run takes it, called with a Seen. distances: see TapeTask.simulator.
    """
    rules, config_rules = task.played(distances)[0], task.config.rules
    keep = config_rules.hedge_limit_orders if config_rules.hedge == "limit" else config_rules.inventory_limit_orders
    limit, money = task.config.rules.inventory_limit_orders, task.money_unit(0)
    out = []
    for one in watched:
        steps = len(one.observation)
        results, held = _outcomes(task.store.events, one, act, limit, rules)
        probabilities, means = np.zeros((steps + 1, 2 * limit + 1)), np.zeros(steps, inventory_distribution.OUTCOME)
        probabilities[0, limit] = 1.0
        inventory_distribution.forward(results, held, keep, probabilities, means)
        profit = means["profit"] * money
        objective = profit - rules["risk"] * means["lot_s"] * money
        out.append(Expected(one.session, one.market["ts"], objective, profit, probabilities, means))
    return out


def _outcomes(events, one, act, limit, rules):
    """(T, 2 L + 1) law.OUTCOME of a Watched and places after its hedges, the cores sharing its decisions."""
    steps = len(one.observation)
    out, held = (
        np.zeros((steps, 2 * limit + 1), inventory_distribution.OUTCOME),
        np.zeros((steps, 2 * limit + 1), np.int64),
    )

    def live(start):
        part = slice(start, min(start + _CHUNK, steps))
        actions, market = _actions(one, part, act, limit, rules), one.market[start : part.stop + 1]
        inventory_distribution.outcomes(events, market, actions, rules, out[part], held[part])

    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        list(pool.map(live, range(0, steps, _CHUNK)))
    return out, held


def quotes(task, one, rows, act, distances):
    """(K, 2 L + 1, 2) ask and bid distance from the mid, market spreads, of a strategy with every inventory -L, ..., L
    orders at K decisions of a Watched; NaN: no quote.

    Args:
        rows: (K,) decisions. act, distances: as `expected` takes them.
    """
    limit, rules = task.config.rules.inventory_limit_orders, task.played(distances)[0]
    out = np.empty((len(rows), 2 * limit + 1, 2))
    inventory_distribution.distances(one.market[rows], _actions(one, rows, act, limit, rules), rules, out)
    return out


def blocks(several, block_s):
    """(K,) expected objective of each block of block_s seconds, segment after segment; no cut-off last block."""
    out = []
    for one in several:
        place = (one.ts[1:] - 1 - one.ts[0]) // round(block_s * 1e9)
        whole = (one.ts[-1] - one.ts[0]) // round(block_s * 1e9)
        out.append(np.bincount(place, weights=one.objective, minlength=whole)[:whole])
    return np.concatenate(out)


def _market(sim):
    out, books = np.zeros(len(sim.rows), inventory_distribution.MARKET), sim.books[:, 0]
    for name in ("bid_tick", "ask_tick", "has_market", "last_ns", "drift"):
        out[name] = books[name]
    out["ts"], out["row"], out["stop"] = sim.rows["ts"], sim.rows["cursor"], sim.rows["stop"]
    return out


def _actions(one, part, act, limit, rules):
    """(K, 2 L + 1, A) float64: what a strategy does at the decisions of a part with every inventory."""
    width = 2 + int(rules["hedge"] == state.HEDGE_ACTION)
    taken = quoting.padded(np.asarray(act(_seen(one, part, limit, rules)), np.float64), width)
    return np.ascontiguousarray(taken.reshape(-1, 2 * limit + 1, width))


def _seen(one, part, limit, rules):
    """Every decision of a part, a slice or indices, with every inventory -L, ..., L orders, as a Seen."""
    held = np.arange(-limit, limit + 1)
    market = np.repeat(one.market[part], len(held))
    books = np.zeros((len(market), 1), _SEEN)
    for name in ("bid_tick", "ask_tick", "has_market"):
        books[name][:, 0] = market[name]
    count = len(market) // len(held)
    books["inventory_lot"][:, 0] = np.tile(held * rules["order_lot"], count)
    observation = np.repeat(one.observation[part], len(held), axis=0)
    observation[:, _INVENTORY] = np.tile(held * rules["order_lot"] / rules["limit_lot"], count)
    return Seen(books, observation)
