"""The embedded market: simulated sessions of one or several instruments, the same for the same seed."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from tfmm import arrays, errors
from tfmm.market import schema
from tfmm.market.generator import book, fair_value, parameters

Parameters = parameters.Parameters
measure = parameters.measure
SESSION_HOURS = 1.5
FIRST_DAY = np.datetime64("2024-01-02T09:00:00", "ns")
CORRELATION = 0.6
_DEFAULT = Parameters()
TICK_SIZE, LOT_SIZE = _DEFAULT.tick_size, _DEFAULT.lot_size


def instruments(count: int, like: Parameters = _DEFAULT, triangle: bool = False) -> tuple[Parameters, ...]:
    """Parameters of a market of several instruments.

    Without a triangle they are alike, named SIM, SIM2, ...; with one (count 3) they are XY, YZ and XZ, the
    product of the other two, whose fair value is as volatile as the legs make it.

    Raises:
        ConfigError: a triangle of other than three.
    """
    if triangle and count != 3:
        raise errors.ConfigError(f"--triangle --instruments {count}: wanted 3 instruments")
    names = ("XY", "YZ", "XZ") if triangle else [like.symbol, *(f"{like.symbol}{k}" for k in range(2, count + 1))]
    out = [_changed(like, symbol=name) for name in names]
    if triangle:
        product = like.start_px**2
        tick = float(f"1e{round(np.log10(like.tick_size * like.start_px))}")
        sigma = like.sigma_tick * like.tick_size * like.start_px * np.sqrt(2 * (1 + CORRELATION)) / tick
        # as wide as both legs together, so that there is no free round trip
        half = 2.0 * like.half_spread_tick * like.tick_size * like.start_px / tick
        out[2] = _changed(out[2], tick_size=tick, start_px=product, sigma_tick=float(sigma), half_spread_tick=half)
    return tuple(out)


def market(
    day: int,
    seed: int,
    hours: float = SESSION_HOURS,
    members: Sequence[Parameters] = (_DEFAULT,),
    triangle: bool = False,
) -> tuple[str, dict[str, tuple[pd.DataFrame, pd.DataFrame]]]:
    """One session of several instruments.

    Args:
        day: 0, 1, ...: the date it falls on. seed: of the whole market. hours: its length.
        members: sequence of Parameters. triangle: the third is the cross of the first two.

    Returns:
        (date text, {symbol: (quotes, trades)}): data frames of the `tfmm` layout.
    """
    seconds = hours * 3600.0
    random = np.random.default_rng([seed, day])
    fair, volatility = fair_value.paths(random, members, seconds, CORRELATION, triangle)
    start = int((FIRST_DAY + np.timedelta64(day, "D")).astype(np.int64))
    out = {}
    for member, generator, path in zip(members, random.spawn(len(members)), fair, strict=True):
        quotes, trades = _simulated(generator, path, volatility, seconds, member)
        out[member.symbol] = _frames(quotes, trades, start, member)
    return str((FIRST_DAY + np.timedelta64(day, "D")).astype("datetime64[D]")).replace("-", ""), out


def session(
    day: int, seed: int, hours: float = SESSION_HOURS, member: Parameters = _DEFAULT
) -> tuple[str, pd.DataFrame, pd.DataFrame]:
    """(date text, quotes, trades) of one session of one instrument; see `market`."""
    date, frames = market(day, seed, hours, (member,))
    return date, *frames[member.symbol]


def events(
    day: int, seed: int, hours: float = SESSION_HOURS, member: Parameters = _DEFAULT
) -> tuple[arrays.Ints, arrays.Ints]:
    """(quotes (Q, 5), trades (T, 4)) int64 as the kernel writes them, see book.simulate; for speed tests."""
    random = np.random.default_rng([seed, day])
    fair, volatility = fair_value.paths(random, (member,), hours * 3600.0, CORRELATION, False)
    return _simulated(random.spawn(1)[0], fair[0], volatility, hours * 3600.0, member)


def instrument(member: Parameters) -> schema.Instrument:
    """schema.Instrument of Parameters."""
    return schema.Instrument(symbol=member.symbol, tick_size=member.tick_size, lot_size=member.lot_size)


def _simulated(random, fair, volatility, seconds, one):
    settings = np.array(
        [(one.rate, one.branching, one.decay, one.trade_share, one.sweep, one.half_spread_tick, one.order_lot,
          one.queue_lot, one.runs, one.day_shape, one.jump_tick)], book.SETTINGS,
    )[0]  # fmt: skip
    expected = one.rate * seconds * 2.0 + 1000
    quotes = np.empty((int(expected), 5), np.int64)
    trades = np.empty((int(expected * max(one.trade_share, 0.05) / (1.0 - one.sweep)) + 1000, 4), np.int64)
    n_quotes, n_trades, done = book.simulate(random, fair, volatility, seconds, settings, quotes, trades)
    if done < seconds:
        raise errors.ConfigError(
            f"generator: {one.symbol} has more events than twice its rate of {one.rate:g} a second, wanted a smaller "
            f"branching than {one.branching:g}"
        )
    return quotes[:n_quotes], trades[:n_trades]


def _frames(quotes, trades, start_ns, one):
    size, digits = one.lot_size, 9
    quote_frame = pd.DataFrame(
        {
            "ts": quotes[:, 0] + start_ns,
            "bid": np.round(schema.multiples(quotes[:, 1], one.tick_size), digits),
            "bid_size": schema.multiples(quotes[:, 2], size),
            "ask": np.round(schema.multiples(quotes[:, 3], one.tick_size), digits),
            "ask_size": schema.multiples(quotes[:, 4], size),
        }
    )
    trade_frame = pd.DataFrame(
        {
            "ts": trades[:, 0] + start_ns,
            "price": np.round(schema.multiples(trades[:, 1], one.tick_size), digits),
            "size": schema.multiples(trades[:, 2], size),
            "side": trades[:, 3].astype(np.int8),
        }
    )
    return quote_frame, trade_frame


def _changed(like, **changes):
    return Parameters(**{name: getattr(like, name) for name in like.__struct_fields__} | changes)
