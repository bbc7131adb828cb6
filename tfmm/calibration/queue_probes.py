"""Quotes that rest for random times on train: fills by place in the queue, what models.queue_inventory is made of.

A probe draws a level (inside a wide spread, at the best price, behind it) and keeps its price for a geometric number of
decisions, until it is filled or the market is lost. What happens to it in each interval is counted by its place at the
start of the interval and by the state of the market: the imbalance of displayed sizes, and whether the spread is wide.
The ask counts as the bid of the reflected market. A fill is marked to the mid at the interval's end, and what the mid
does in the next 60 s beyond what the state of the market predicts is added by place: on tapes whose quotes come late,
and where trades cluster, a fill is worth less than the mid says at first. Assumes that a quote takes effect at once.
"""

from typing import Any, NamedTuple

import numpy as np

from tfmm.arrays import Bools, Floats, Ints, Records
from tfmm.calibration import fill_probes
from tfmm.calibration.task import TapeTask
from tfmm.models import queue_inventory
from tfmm.simulation import rollout, sizes, state

N_SIZES = 4
"""Places at the best price that a resting quote is told apart in, by the size before it."""
INSIDE, NEW = 0, 1
FIRST_RESTING, BEHIND_WAITED = NEW + 1, NEW + 1 + N_SIZES
BEHIND, DEEP, NONE = BEHIND_WAITED + 1, BEHIND_WAITED + 2, BEHIND_WAITED + 3
N_PLACES = NONE + 1
"""Places: inside the spread; just joined at the best price; resting there; one step behind it, with a known queue or
without; farther behind; no quote."""
_IMBALANCES = (-1.0, -1.0, 1.0, 1.0)
_QUANTILES = (0.6, 0.2, 0.2, 0.6)
_LEVELS, _LEVEL_SHARES = (-1, 0, 1), (0.2, 0.5, 0.3)
_MEAN_REST = 60.0
_STRETCH_S = 1200.0
_MARKOUT_S = 60.0
_MAX_DECISIONS = 600_000
_PRIOR, _PRIOR_FILLS, _MIN_COUNT = 20.0, 100.0, 30
_SELL, _BUY = 0, 1
_SIGN = np.array([-1.0, 1.0])


class Cuts(NamedTuple):
    """Between places and between states of the market, of one instrument.

    Attributes:
        ahead: (N_SIZES - 1,) float64 between sizes before us, millionths of a lot; a cut belongs to the place below.
        imbalance: (4,) float64 between states of the imbalance, symmetric about 0.
    """

    ahead: Floats
    imbalance: Floats

    @property
    def n_markets(self) -> int:
        """M: states of the imbalance, first with a spread of one step, then with a wide one."""
        return 2 * (len(self.imbalance) + 1)

    @property
    def reflected(self) -> Ints:
        """(M,) int64 state of the market seen by the ask."""
        states = np.arange(len(self.imbalance) + 1)
        return np.concatenate([states[::-1], states[::-1] + len(states)])


class Sides(NamedTuple):
    """Both sides of a market at decisions, arrays (..., 2) with ask and bid.

    Attributes:
        best_tick: int64 best price that would not trade at once. level: float64 steps that our quote is behind it, NaN
            without one. ahead: int64 size before us, millionths of a lot. live_tick: int64 our price.
    """

    best_tick: Ints
    level: Floats
    ahead: Ints
    live_tick: Ints


def sides(instruments: Records) -> Sides:
    """Sides of INSTRUMENT_STATE records (...,) with a market."""
    step = np.maximum(instruments["price_step"], 1)
    bid, ask = instruments["bid_tick"], instruments["ask_tick"]
    best = np.stack([np.maximum(ask, bid + step), np.minimum(bid, ask - step)], axis=-1)
    live = np.stack([instruments["my_ask_tick"], instruments["my_bid_tick"]], axis=-1)
    is_live = np.stack([instruments["my_ask_lot"], instruments["my_bid_lot"]], axis=-1) > 0
    level = np.where(is_live, (best - live) * _SIGN, np.nan) / step[..., np.newaxis]
    return Sides(best, level, np.stack([instruments["ask_ahead"], instruments["bid_ahead"]], axis=-1), live)


def places(level: Floats, is_new: Bools, ahead: Ints, cuts: Cuts) -> Ints:
    """Place of quotes at a level behind the best price, NaN: none; arrays of one shape."""
    resting = FIRST_RESTING + np.searchsorted(cuts.ahead, ahead)
    waited = ~is_new & (ahead < sizes.UNKNOWN)
    out = np.select(
        [np.isnan(level), level < 0, (level == 0) & is_new, level == 0, (level == 1) & waited, level == 1],
        [NONE, INSIDE, NEW, resting, BEHIND_WAITED, BEHIND],
        DEEP,
    )
    return out.astype(np.int64)


def markets(instruments: Records, cuts: Cuts) -> Ints:
    """State of the market, as the bid sees it, of INSTRUMENT_STATE records (...,)."""
    bid, ask = instruments["bid_size"], instruments["ask_size"]
    index = np.searchsorted(cuts.imbalance, (bid - ask) / np.maximum(bid + ask, 1e-300))
    is_wide = instruments["ask_tick"] - instruments["bid_tick"] > np.maximum(instruments["price_step"], 1)
    return index + (len(cuts.imbalance) + 1) * is_wide


class _Log(NamedTuple):
    """T decisions of B probes of one instrument, (T, B, 2) with ask and bid where nothing else is said.

    level, ahead, is_new: of the quote sent, see `places`. then_level, then_ahead: of what is left of it at the next
    decision. gain: of its fills, tick x order, marked to the mid at the interval's end. is_open: (T, B), whether the
    interval counts. instruments: (T, B) market fields of state.INSTRUMENT_STATE at the decision. mid: (T, B), ticks.
    """

    level: Floats
    ahead: Ints
    is_new: Bools
    then_level: Floats
    then_ahead: Ints
    filled: Bools
    gain: Floats
    is_open: Bools
    instruments: Records
    mid: Floats

    def of(self, n: int) -> "_Log":
        """The log of instrument n, of one whose third axis they are."""
        return _Log(**{name: field if name == "is_open" else field[:, :, n] for name, field in self._asdict().items()})


def fit(task: TapeTask, seed: int = 0) -> tuple[tuple[Cuts, queue_inventory.Queue], ...]:
    """Cuts and Queue (tick x order) of every instrument, from probes that rest on train."""
    log = _probe(task, seed)
    ahead_steps = max(1, round(_MARKOUT_S / task.config.environment.interval_s))
    return tuple(_summary(log.of(n), ahead_steps) for n in range(len(task.scales)))


def _probe(task, seed):
    """_Log of all instruments, whose third axis they are."""
    train, windows = task.segments["train"], fill_probes.stretches(task, _STRETCH_S, _MAX_DECISIONS)
    sim = task.probe_simulator(train, windows, record=True)
    random, shape = np.random.default_rng(seed), (*sim.instruments.shape, 2)
    names = ["bid_tick", "ask_tick", "bid_size", "ask_size", "price_step"]
    sent: dict[str, Any] = {}
    log = []

    def act(now):
        instruments = now.instruments
        seen, step = sides(instruments), np.maximum(instruments["price_step"], 1)[..., np.newaxis]
        is_wide = (instruments["ask_tick"] - instruments["bid_tick"])[..., np.newaxis] > step
        drawn = random.choice(_LEVELS, shape, p=_LEVEL_SHARES)
        drawn = np.where(is_wide, drawn, np.maximum(drawn, 0))
        renewed = (random.random(shape) * _MEAN_REST < 1.0) | np.isnan(seen.level)
        price = np.where(renewed, seen.best_tick - _SIGN * drawn * step, seen.live_tick)
        sent["is_new"] = renewed & ~(price == seen.live_tick)
        sent["level"], sent["ahead"] = np.where(renewed, drawn, seen.level), seen.ahead
        sent["market"], sent["mid"] = instruments[names].copy(), _mid(instruments)
        sent["quoted"] = ((instruments["has_market"] > 0) & (task.parameters["quoted"] > 0))[..., np.newaxis]
        sent["level"] = np.where(sent["quoted"], sent["level"], np.nan)
        # the mid is a half, and prices whole: the distance gives back the price
        return np.where(sent["quoted"], (sent["mid"][..., np.newaxis] - price) * _SIGN, np.nan)

    def after(now, open_rows):
        gain = _gains(now, task, shape)
        then = sides(now.instruments)
        has_market = (now.instruments["has_market"] > 0)[..., np.newaxis]
        log.append(
            (
                sent["level"], sent["ahead"], sent["is_new"], np.where(has_market, then.level, np.nan), then.ahead,
                gain[..., 1] > 0, gain[..., 0], open_rows.copy(), sent["market"], sent["mid"],
            )
        )  # fmt: skip

    rollout.run(sim, act, after)
    return _Log(*(np.stack(field) for field in zip(*log, strict=True)))


def _mid(instruments):
    return 0.5 * (instruments["bid_tick"] + instruments["ask_tick"])


def _gains(sim, task, shape):
    """(B, N, 2, 2): gain of the fills of a step, tick x order, and their number."""
    out = np.zeros((*shape, 2))
    fills = sim.fills[sim.fills["rule"] != state.HEDGE]
    n = fills["instrument"]
    index = fills["batch_row"], n, np.where(fills["side"] > 0, _BUY, _SELL)
    order, weight = task.parameters["order_lot"][n], task.parameters["weight"][n]
    earned = fills["side"] * (_mid(sim.instruments)[index[:2]] - fills["tick"]) * fills["lot"] - fills["fee"] / weight
    np.add.at(out, (*index, 0), earned / order)
    np.add.at(out, (*index, 1), 1.0)
    return out


def _summary(log: _Log, ahead_steps: int) -> tuple[Cuts, queue_inventory.Queue]:
    resting = (log.level == 0) & ~log.is_new & log.is_open[..., np.newaxis] & (log.ahead < sizes.UNKNOWN)
    ahead = log.ahead[resting]
    shares = np.linspace(0.0, 1.0, N_SIZES + 1)[1:-1]
    market = log.instruments[log.is_open]
    total = market["bid_size"] + market["ask_size"]
    absolute = np.abs((market["bid_size"] - market["ask_size"])[total > 0] / total[total > 0])
    cuts = Cuts(
        np.quantile(ahead, shares) if len(ahead) else np.zeros(N_SIZES - 1),
        np.array(_IMBALANCES) * np.quantile(absolute, _QUANTILES) if len(absolute) else np.zeros(4),
    )
    place = places(log.level, log.is_new, log.ahead, cuts)
    then = places(log.then_level, np.zeros(log.then_level.shape, bool), log.then_ahead, cuts)
    outcome = np.where(log.filled, N_PLACES, then)
    as_bid = markets(log.instruments, cuts)
    seen = np.stack([cuts.reflected[as_bid], as_bid], axis=-1)
    # the last step of a window has no next state of the market in the log
    use = np.broadcast_to((log.is_open[:-1] & log.is_open[1:])[..., np.newaxis], place[:-1].shape)
    use = use & np.isfinite(log.level[:-1])
    now = place[:-1][use], seen[:-1][use], seen[1:][use], outcome[:-1][use]
    return cuts, _queue(cuts, now, log.gain[:-1][use], _moves(log, seen, cuts, ahead_steps, use))


class _Moves(NamedTuple):
    """drift: (M,) mean move of the mid in an interval, seen by the bid, tick. residual: (K,) of each quote counted, the
    move of the mid for it after the interval, less what the state of the market predicts, tick; NaN: not known."""

    drift: Floats
    residual: Floats


def _moves(log, seen, cuts, ahead_steps, use):
    def mean_move(steps):
        ends = log.is_open[steps:] & log.is_open[:-steps]
        move = np.where(ends, log.mid[steps:] - log.mid[:-steps], np.nan)
        signed = (move[..., np.newaxis] * _SIGN)[ends]
        where = seen[:-steps][ends]
        counts = np.maximum(np.bincount(where.reshape(-1), minlength=cuts.n_markets), 1)
        return move, np.bincount(where.reshape(-1), signed.reshape(-1), cuts.n_markets) / counts

    _, drift = mean_move(1)
    if len(log.mid) <= ahead_steps + 1:
        return _Moves(drift, np.full(int(use.sum()), np.nan))
    move, expected = mean_move(ahead_steps)
    late = np.full((len(use), *move.shape[1:], 2), np.nan)
    late[: len(move) - 1] = move[1:, :, np.newaxis] * _SIGN - expected[seen[1 : len(move)]]
    return _Moves(drift, late[use])


def _queue(cuts, quotes, gain, moves):
    """queue_inventory.Queue of K quotes (place, market, next market, outcome), each (K,)."""
    place, market, then, outcome = quotes
    n_markets = cuts.n_markets
    shape = n_markets, n_markets, N_PLACES, N_PLACES + 1
    counts = np.bincount(np.ravel_multi_index((market, then, place, outcome), shape), minlength=int(np.prod(shape)))
    counts = counts.reshape(shape).astype(float)
    known = counts.sum(axis=(0, 1, 3)) >= _MIN_COUNT
    chain = counts.sum(axis=(2, 3))
    chain += (chain.sum(axis=0) + 1e-9) / (chain.sum() + 1e-9 * n_markets)  # a state without data is left for others
    chain /= chain.sum(axis=1, keepdims=True)
    coarse = counts.sum(axis=(0, 1))
    stay = np.eye(N_PLACES, N_PLACES + 1)
    coarse = np.where(known[:, np.newaxis], coarse, stay)
    coarse = coarse / coarse.sum(axis=1, keepdims=True)
    by_next = counts.sum(axis=0) + _PRIOR * coarse
    by_next /= by_next.sum(axis=2, keepdims=True)
    probability = counts + _PRIOR * by_next
    probability /= probability.sum(axis=3, keepdims=True)
    probability[:, :, NONE] = np.eye(N_PLACES + 1)[NONE]
    filled = outcome == N_PLACES
    reliable = filled & np.isfinite(moves.residual)
    late_all = moves.residual[reliable].mean() if reliable.any() else 0.0
    late_sum = np.bincount(place[reliable], moves.residual[reliable], N_PLACES)
    late_count = np.bincount(place[reliable], minlength=N_PLACES)
    late = (late_sum + _PRIOR_FILLS * late_all) / (late_count + _PRIOR_FILLS)
    cell = np.ravel_multi_index((market, place), (n_markets, N_PLACES))
    n_cell, size = np.bincount(cell, minlength=n_markets * N_PLACES), (n_markets, N_PLACES)
    of_place = np.bincount(place, gain, N_PLACES) / np.maximum(np.bincount(place, minlength=N_PLACES), 1)
    mean_gain = (np.bincount(cell, gain, n_cell.size).reshape(size) + _PRIOR * of_place) / (
        n_cell.reshape(size) + _PRIOR
    )
    fill_probability = (chain[:, :, np.newaxis] * probability[..., N_PLACES]).sum(axis=1)
    mean_gain += fill_probability * late
    mean_gain[:, NONE] = 0.0
    return queue_inventory.Queue(
        chain, cuts.reflected, probability, mean_gain, _reachable(n_markets, known), moves.drift
    )


def _reachable(n_markets, known):
    """(M, Y, Y) bool: see queue_inventory.Queue; places that were hardly seen are not chosen."""
    out = np.zeros((n_markets, N_PLACES, N_PLACES), bool)
    out[:, :, NONE] = True
    out[n_markets // 2 :, :, INSIDE] = True
    out[:, :, NEW] = out[:, :, BEHIND] = True
    for place in (INSIDE, *range(FIRST_RESTING, BEHIND_WAITED), BEHIND_WAITED, DEEP):
        out[:, place, place] = True
    out[:, FIRST_RESTING:BEHIND_WAITED, NEW] = False  # the same price is a quote that rests
    out[:, BEHIND_WAITED, BEHIND] = False
    return out & (known | (np.arange(N_PLACES) == NONE))
