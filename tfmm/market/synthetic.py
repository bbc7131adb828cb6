"""Synthetic quotes: the market of X/Y that X/Z and Y/Z, or X/Y and Y/Z, imply.

Division (ETHUSDT / BTCUSDT gives ETH/BTC): buying X/Y is buying X for Z and paying Z with sold Y, so
    bid = bid(X/Z) / ask(Y/Z),    ask = ask(X/Z) / bid(Y/Z).
Product (X/Y * Y/Z gives X/Z): bid = bid(X/Y) bid(Y/Z), ask = ask(X/Y) ask(Y/Z).
Sizes, in X: what both legs allow. Bids round down, asks up to a tick. Ignored: fees and the time between legs.
"""

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from tfmm import arrays, errors, jit
from tfmm.market import schema

_FORM = re.compile(r"(?P<name>[^=]+)=(?P<legs>.+?)(?:@(?P<tick>[0-9.][0-9.eE+-]*))?")
_QUOTED = re.compile(r"(['\"])(?P<first>.+?)\1(?P<how>[/*])\1(?P<second>.+?)\1")
_DIGITS = 6  # of the price of one tick where none is given


class Triangle(NamedTuple):
    """A synthetic instrument `name` of two instruments. divide: first / second, else first x second.
    tick_size: 0 to choose one of about a millionth of the price. readings: (first, second, divide) that the text may
    mean, where the names of instruments hold a / or * themselves; see `resolve`."""

    name: str
    first: str
    second: str
    divide: bool
    tick_size: float
    readings: tuple[tuple[str, str, bool], ...] = ()


def parse(text: str) -> Triangle:
    """Triangle of "ETHBTC=ETHUSDT/BTCUSDT" or "X=A*B@0.01" (tick size); ConfigError where it is none.

    Legs that hold / or * themselves may be quoted: X="ETH/USDT"/"BTC/USDT". Without quotes the text has several
    readings, of which `resolve` takes the one with legs that exist.
    """
    match = _FORM.fullmatch(text)
    wrong = errors.ConfigError(
        f"--synthetic {text}: cannot be read, wanted NAME=FIRST/SECOND or NAME=FIRST*SECOND, then @TICK if given"
    )
    if match is None:
        raise wrong
    try:
        tick = float(match["tick"] or 0.0)
    except ValueError as error:
        raise wrong from error
    legs = match["legs"]
    if quoted := _QUOTED.fullmatch(legs):
        return Triangle(match["name"], quoted["first"], quoted["second"], quoted["how"] == "/", tick)
    signs = [k for k, letter in enumerate(legs) if letter in "/*" and 0 < k < len(legs) - 1]
    readings = tuple((legs[:k], legs[k + 1 :], legs[k] == "/") for k in signs)
    if not readings:
        raise wrong
    return Triangle(match["name"], *readings[0], tick, readings if len(readings) > 1 else ())


def resolve(triangle: Triangle, symbols: Sequence[str]) -> Triangle:
    """The triangle with the one reading whose legs are among the symbols.

    Raises:
        ConfigError: no reading has both legs there, or several have.
    """
    if not triangle.readings:
        return triangle
    fitting = [one for one in triangle.readings if one[0] in symbols and one[1] in symbols]
    if len(fitting) != 1:
        listed = " or ".join(f"{first} and {second}" for first, second, _ in fitting or triangle.readings)
        raise errors.ConfigError(
            f"--synthetic {triangle.name}: the legs may be {listed}, wanted one of these among {', '.join(symbols)}; "
            'quotes tell legs apart: NAME="FIRST"/"SECOND"'
        )
    return Triangle(triangle.name, *fitting[0], triangle.tick_size)


def tick_size(triangle: Triangle, first_px: float, second_px: float) -> float:
    """The given tick size, else the power of ten that leaves _DIGITS digits of the price."""
    if triangle.tick_size:
        return triangle.tick_size
    px = first_px / second_px if triangle.divide else first_px * second_px
    return float(f"1e{int(np.floor(np.log10(px))) - _DIGITS + 1}")


class Maker:
    """Adds the synthetic quotes of one triangle to blocks of events.

    Args:
        triangle: Triangle. legs: indices of the two instruments. index: of the synthetic one.
        instruments: schema.Instrument of all, the synthetic one included.
    """

    def __init__(self, triangle: Triangle, legs: Sequence[int], index: int, instruments: Sequence[schema.Instrument]):
        self._divide = triangle.divide
        self._legs, self._index = legs, index
        self._ticks = np.array([instruments[k].tick_size for k in (*legs, index)])
        self._quotes = np.zeros((2, 4))  # bid, ask, bid size, ask size of the legs; 0: no market
        self._is_unknown = np.ones(1, np.bool_)  # no synthetic market stands

    def add(self, events: arrays.Records) -> arrays.Records:
        """(K,) schema.EVENT in order -> the same with a synthetic quote after each quote of a leg.

        While a leg has no market of two sides there is no synthetic one.
        """
        first, second = self._legs
        out = np.empty(2 * len(events), schema.EVENT)
        state, indices = (self._quotes, self._is_unknown), (first, second, self._index)
        count = _synthesise(events, out, state, self._ticks, indices, self._divide)
        return out[:count]


@jit.kernel
def implied(first: arrays.Floats, second: arrays.Floats, divide: bool) -> tuple[float, float, float, float]:
    """(bid, ask, bid_size, ask_size) from the quotes (bid, ask, bid size, ask size) of both legs; sizes in X."""
    if divide:
        bid, ask = first[0] / second[1], first[1] / second[0]
        return (
            bid,
            ask,
            min(first[2], second[3] * second[1] / first[0]),
            min(first[3], second[2] * second[0] / first[1]),
        )
    bid, ask = first[0] * second[0], first[1] * second[1]
    return bid, ask, min(first[2], second[2] / first[0]), min(first[3], second[3] / first[1])


@jit.kernel
def _synthesise(events, out, state, ticks, indices, divide):
    quotes, is_unknown = state
    first, second, index = indices
    count = 0
    for k in range(len(events)):
        event = events[k]
        out[count] = event
        count += 1
        leg = 0 if event.instrument == first else 1
        if event.kind == schema.TRADE or (event.instrument != first and event.instrument != second):
            continue
        quote = out[count]
        quote.ts, quote.kind, quote.side, quote.instrument = event.ts, schema.NO_MARKET, 0, index
        quote.lo_tick, quote.hi_tick, quote.lo_size, quote.hi_size = schema.NO_ASK, schema.NO_BID, 0.0, 0.0
        if event.kind == schema.QUOTE:
            quotes[leg, 0], quotes[leg, 1] = event.lo_tick * ticks[leg], event.hi_tick * ticks[leg]
            quotes[leg, 2], quotes[leg, 3] = event.lo_size, event.hi_size
        else:
            quotes[leg, 0] = 0.0
        if quotes[0, 0] > 0.0 and quotes[1, 0] > 0.0:
            bid, ask, bid_size, ask_size = implied(quotes[0], quotes[1], divide)
            bid_tick = np.int64(np.floor(bid / ticks[2] + 1e-9))
            if bid_tick > 0:
                quote.kind, quote.lo_tick = schema.QUOTE, bid_tick
                quote.hi_tick = np.int64(np.ceil(ask / ticks[2] - 1e-9))
                quote.lo_size, quote.hi_size = bid_size, ask_size
        count += quote.kind == schema.QUOTE or not is_unknown[0]
        is_unknown[0] = quote.kind != schema.QUOTE
    return count
