"""What the embedded market is made of, and its measurement on a real session."""

import msgspec
import numpy as np

from tfmm import arrays, errors
from tfmm.market import schema

SAMPLING_S = 10.0
_LEAST_EVENTS = 1000
_FREE_JUMP = 1e6
_RUNS_OF_ITSELF = 0.6  # what the lean towards the fair value alone is measured as


class Parameters(msgspec.Struct, frozen=True, kw_only=True):
    """One instrument of the embedded market.

    Attributes:
        symbol, tick_size, lot_size, start_px: of the contract; start_px in quote currency.
        rate: book events per second, clustering included, mean over the day.
        branching: share of events caused by earlier ones (Hawkes), in [0, 1). decay: of their effect, per second.
        trade_share: market orders per book event.
        sweep: probability that a market order takes a level and goes on to the next.
        half_spread_tick: what the quotes tend to on each side of the fair value.
        sigma_tick: of the fair value, tick per square root of a second, mean over the day.
        order_lot: mean size of an order; queue_lot: of a queue.
        runs: strength of the side that market orders keep for a while (0: none).
        jump_tick: most that a displaced quote moves back at once.
        day_shape: height of the U of activity at open and close above noon (0: flat).
    """

    symbol: str = "SIM"
    tick_size: float = 0.01
    lot_size: float = 1.0
    start_px: float = 100.0
    rate: float = 7.0
    branching: float = 0.7
    decay: float = 2.0
    trade_share: float = 0.25
    sweep: float = 0.35
    half_spread_tick: float = 1.0
    sigma_tick: float = 0.6
    order_lot: float = 120.0
    queue_lot: float = 400.0
    runs: float = 0.5
    jump_tick: float = 1.0
    day_shape: float = 0.8

    def __post_init__(self) -> None:
        positive = ("tick_size", "lot_size", "start_px", "rate", "decay", "order_lot", "queue_lot", "jump_tick")
        shares = ("branching", "trade_share", "sweep")
        for name in positive:
            if not (getattr(self, name) > 0 and np.isfinite(getattr(self, name))):
                raise errors.ConfigError(f"generator: {name} is {getattr(self, name)}, wanted above 0")
        for name in shares:
            if not 0 <= getattr(self, name) < 1:
                raise errors.ConfigError(f"generator: {name} is {getattr(self, name)}, wanted from 0 to below 1")
        for name in ("half_spread_tick", "sigma_tick", "runs", "day_shape"):
            if not (getattr(self, name) >= 0 and np.isfinite(getattr(self, name))):
                raise errors.ConfigError(f"generator: {name} is {getattr(self, name)}, wanted at least 0")


def measure(events: arrays.Records, instrument: schema.Instrument) -> Parameters:
    """Parameters under which the embedded market resembles a session.

    The branching share comes from the dispersion of counts in windows of 10 s: for a Hawkes process the
    variance over the mean tends to 1 / (1 - n)^2 (Hawkes 1971; Bacry, Mastromatteo and Muzy 2015, section 2.3).

    Args:
        events: (E,) schema.EVENT of one instrument. instrument: schema.Instrument.

    Raises:
        DataError: fewer than 1000 quotes, or no trades.
    """
    quotes, trades = events[events["kind"] == schema.QUOTE], events[events["kind"] == schema.TRADE]
    if len(quotes) < _LEAST_EVENTS or not len(trades):
        raise errors.DataError(
            f"{instrument.symbol}: {len(quotes)} quotes and {len(trades)} trades, wanted at least {_LEAST_EVENTS} and 1"
        )
    seconds = float(quotes["ts"][-1] - quotes["ts"][0]) * 1e-9
    mid = 0.5 * (quotes["lo_tick"] + quotes["hi_tick"])
    times = np.arange(quotes["ts"][0], quotes["ts"][-1], round(SAMPLING_S * 1e9))
    moves = np.diff(mid[np.searchsorted(quotes["ts"], times, side="right") - 1])
    counts = np.diff(np.searchsorted(quotes["ts"], times))
    dispersion = float(np.var(counts) / max(np.mean(counts), 1e-9)) if len(counts) > 1 else 1.0
    lasting = np.diff(quotes["ts"]) * 1e-9
    spread = (quotes["hi_tick"] - quotes["lo_tick"])[:-1]
    orders = _orders(trades)
    sizes = np.concatenate([quotes["lo_size"], quotes["hi_size"]]) / instrument.lot_size
    first, second = orders["side"][:-1], orders["side"][1:]
    repeat = float(np.mean((first * second)[first * second != 0])) if (first * second != 0).any() else 0.0
    return Parameters(
        symbol=instrument.symbol,
        tick_size=instrument.tick_size,
        lot_size=instrument.lot_size,
        start_px=float(mid[0]) * instrument.tick_size,
        rate=len(quotes) / seconds,
        branching=float(np.clip(1.0 - 1.0 / np.sqrt(max(dispersion, 1.0)), 0.0, 0.85)),
        trade_share=float(np.clip(len(orders) / len(quotes), 0.001, 0.9)),
        sweep=float(np.clip(np.mean(orders["levels"] > 1), 0.0, 0.6)),
        half_spread_tick=float(0.5 * np.sum(spread * lasting) / max(np.sum(lasting), 1e-9)),
        sigma_tick=float(np.std(moves) / np.sqrt(SAMPLING_S)),
        order_lot=max(1.0, float(np.mean(trades["lo_size"])) / instrument.lot_size),
        queue_lot=max(1.0, float(np.median(sizes))),
        jump_tick=_FREE_JUMP,
        runs=max(0.0, float(np.arctanh(np.clip(repeat, 0.0, 0.9)) * 2.0) - _RUNS_OF_ITSELF),
    )


def _orders(trades):
    """Market orders: prints of one time and side together. Structured (K,) side, levels (distinct prices)."""
    new = np.r_[True, (np.diff(trades["ts"]) != 0) | (np.diff(trades["side"]) != 0)]
    begin = np.flatnonzero(new)
    deeper = np.r_[False, (np.diff(trades["lo_tick"]) != 0) & ~new[1:]]
    out = np.zeros(len(begin), [("side", np.int64), ("levels", np.int64)])
    out["side"] = trades["side"][begin]
    out["levels"] = 1 + np.add.reduceat(deeper.astype(np.int64), begin)
    return out
