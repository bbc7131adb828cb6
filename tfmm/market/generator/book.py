"""The level-1 book of one instrument, event by event.

A queue-reactive model (Huang, Lehalle and Rosenbaum 2015, "Simulating and analyzing order book data: the
queue-reactive model"): limit orders, cancellations and market orders change the two best queues at rates
that depend on their sizes; an empty queue moves the price, and so does a limit order inside a wide spread.
Assumes beyond it: a fair value towards which market orders and queues lean and the quotes return after a
displacement, so that most of the impact of a sweep is transient; arrivals that excite each other (Hawkes
1971), thinned after Ogata 1981; market orders that keep their side for a while.
Ignores: levels behind the best (drawn when they are reached), hidden orders, cancellations by owner.
"""

import math

import numpy as np

from tfmm import arrays, jit
from tfmm.market.generator import fair_value

SETTINGS = np.dtype(
    [
        (name, np.float64)
        for name in ("rate", "branching", "decay", "trade_share", "sweep", "half_spread", "order_lot", "queue_lot",
                     "runs", "day_shape", "jump")
    ]
)  # fmt: skip
_LEAN = 0.9  # of the side of market orders, per tick between fair value and mid
_LEAN_QUEUES = 1.1  # the same towards the thinner queue, per unit of imbalance
_RETURN = 0.45  # probability that a book event moves a displaced quote back, by at most `jump` ticks
_TURN_PER_S = 1.0 / 30.0  # rate at which the run of market orders changes side
_IMPACT = 0.12  # ticks by which a market order moves the fair value
_FORGET_PER_S = 1.0 / 30.0  # rate at which that impact fades, so that several markets stay together
_MOST_LEVELS = 20
_QUIET, _RUSH = 0.6, 1.6  # bounds of the effect of volatility on activity and spread


@jit.kernel
def _lots(random, mean):
    """Size of an order or queue: at least one lot, exponential, rounded."""
    return np.int64(1 + random.exponential(max(mean - 1.0, 1e-9)))


@jit.kernel
def simulate(
    random: np.random.Generator,
    fair: arrays.Floats,
    volatility: arrays.Floats,
    seconds: float,
    settings: arrays.Record,
    quotes: arrays.Ints,
    trades: arrays.Ints,
) -> tuple[int, int, float]:
    """Fills quotes (C, 5) int64 (ns, bid, bid lots, ask, ask lots) and trades (C, 4) (ns, price, lots, side).

    Returns:
        (number of quotes, number of trades, seconds simulated): fewer where an array is full.
    """
    one = settings
    shift = 0.0  # impact of past market orders on the fair value
    value = fair[0]
    bid, ask = np.int64(math.floor(value - one.half_spread)), np.int64(math.ceil(value + one.half_spread))
    ask = max(ask, bid + 1)
    bid_lot, ask_lot = _lots(random, one.queue_lot), _lots(random, one.queue_lot)
    base = one.rate * (1.0 - one.branching)
    clock, excess, run, shifted_at = 0.0, 0.0, 1.0, 0.0
    n_quotes = n_trades = 0
    peak = 1.0 + one.day_shape
    while True:
        # thinning: the excitation only falls between events, the rest is below its peak
        bound = base * peak * _RUSH + excess
        wait = random.exponential(1.0 / bound)
        clock += wait
        if clock >= seconds or n_quotes >= len(quotes) or n_trades >= len(trades) - _MOST_LEVELS:
            break
        excess *= math.exp(-one.decay * wait)
        k = np.int64(clock / fair_value.GRID_S)
        activity = min(max(volatility[k], _QUIET), _RUSH)
        share = 2.0 * clock / seconds - 1.0
        shape = (1.0 + one.day_shape * share * share) / (1.0 + one.day_shape / 3.0)
        if random.random() * bound > base * shape * activity + excess:
            continue
        excess += one.branching * one.decay
        shift *= math.exp(-_FORGET_PER_S * (clock - shifted_at))
        shifted_at = clock
        value = fair[k] + shift
        half = one.half_spread * activity
        ns = np.int64(clock * 1e9)
        if random.random() < _TURN_PER_S * wait:
            run = -run
        if random.random() < one.trade_share:
            lean = _LEAN * (value - 0.5 * (bid + ask)) / max(1.0, half)
            lean += _LEAN_QUEUES * (bid_lot - ask_lot) / (bid_lot + ask_lot) + one.runs * run
            side = 1 if random.random() < 1.0 / (1.0 + math.exp(-lean)) else -1
            price, queue = (ask, ask_lot) if side > 0 else (bid, bid_lot)
            levels = 0
            while True:
                levels += 1
                on = random.random() < one.sweep and levels < _MOST_LEVELS
                taken = queue if on else min(_lots(random, one.order_lot), max(queue - 1, 1))
                trades[n_trades, 0], trades[n_trades, 1] = ns, price
                trades[n_trades, 2], trades[n_trades, 3] = taken, side
                n_trades += 1
                if not on:
                    break
                price += side
                queue = _lots(random, one.queue_lot)
            queue = max(queue - taken, 1)
            if side > 0:
                ask, ask_lot = price, queue
            else:
                bid, bid_lot = price, queue
            shift += _IMPACT * side
        elif random.random() < 0.5:
            bid, bid_lot = _book_event(random, 1, bid, bid_lot, ask, value, half, one)
        else:
            ask, ask_lot = _book_event(random, -1, ask, ask_lot, bid, value, half, one)
        quotes[n_quotes, 0], quotes[n_quotes, 1], quotes[n_quotes, 2] = ns, bid, bid_lot
        quotes[n_quotes, 3], quotes[n_quotes, 4] = ask, ask_lot
        n_quotes += 1
    return n_quotes, n_trades, min(clock, seconds)


@jit.kernel
def _book_event(random, side, price, lots, opposite, value, half, one):
    """A limit order or a cancellation at the bid (side 1) or ask (side -1); its new price and queue."""
    wanted = np.int64(math.floor(value - half + 0.5)) if side > 0 else np.int64(math.ceil(value + half - 0.5))
    wanted = min(wanted, opposite - 1) if side > 0 else max(wanted, opposite + 1)
    jump = np.int64(one.jump)
    away = side * (wanted - price)  # above 0: the quote lies behind where it belongs
    if away > 0 and random.random() < _RETURN:
        # a limit order inside the spread
        return price + side * min(away, jump), _lots(random, 0.5 * one.queue_lot)
    lean = side * (value - 0.5 * (price + opposite)) / max(1.0, half)
    # the longer the queue, and the more the fair value lies against it, the more cancellations
    weight = lots / one.queue_lot * math.exp(-min(max(lean, -2.0), 2.0))
    if random.random() < weight / (1.0 + weight):
        lots -= _lots(random, one.order_lot)
        if lots <= 0 or (away < 0 and random.random() < _RETURN):
            return price - side * max(1, min(-away, jump)), _lots(random, one.queue_lot)
        return price, lots
    return price, lots + _lots(random, one.order_lot)
