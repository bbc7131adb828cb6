"""Tick and lot size inferred from the numbers that occur; what else is given or found of a contract."""

import math
import re
from collections.abc import Callable, Iterable, Sequence

import msgspec
import numpy as np

from tfmm import arrays, errors, jit
from tfmm.market import schema

_COARSE, DECIMALS = 9, 12  # decimals that are looked at; from the tenth on where a value has clearly more than nine
_BEYOND = DECIMALS + 1  # index of values with more decimals than that
_LEAST, _LARGEST = 5e-13, 9e9  # of a value; above, it does not fit into int64 at 9 decimals
_CLEARLY = 0.01  # of the last decimal: what is less is a residue of floating point
_STRAY = 1e-3  # share of values that may have more decimals than the step: damage, not a finer step
_POWERS = tuple(10**k for k in range(19))


class Steps:
    """What was seen of the decimals of a stream of values; parts are added up with `merge`.

    counts, divisors: (14,) int64 by number of decimals, the last for more than 12: how many values, and their greatest
    common divisor in units of 1e-9, from 10 decimals on of 1e-12. A multiple of what was seen just before is counted
    with it. changes: how many values differ from the one before.
    """

    def __init__(self, counts: Sequence[int] = (), divisors: Sequence[int] = (), changes: int = 0):
        self.counts = np.array(counts or [0] * (_BEYOND + 1), np.int64)
        self.divisors = np.array(divisors or [0] * (_BEYOND + 1), np.int64)
        self.changes = changes

    def add(self, values: arrays.Floats) -> None:
        """values: (K,) float64; those that are not finite, not positive or above 9e9 say nothing."""
        self.changes += _accumulate(values, self.counts, self.divisors)

    def merge(self, other: "Steps") -> None:
        """Adds what another one has seen."""
        self.counts += other.counts
        self.divisors = np.gcd(self.divisors, other.divisors)
        self.changes += other.changes

    def step(self, where: str, stray: float = _STRAY) -> float:
        """Largest step of which the values are multiples; a share of `stray` may be finer.

        Raises:
            DataError: no value to infer from, or values of more than 12 decimals.
        """
        total = int(self.counts.sum())
        if not total:
            raise errors.DataError(
                f"{where}: nothing to infer a step from, wanted at least one value between 1e-12 and 9e9"
            )
        if self.counts[_BEYOND] > total * stray:
            raise errors.DataError(
                f"{where}: {self.counts[_BEYOND] / total:.1%} of the values have more than {DECIMALS} decimals, wanted "
                "whole steps; --tick-size or --lot-size gives the step"
            )
        enough = total - int(total * stray)
        decimals = int(np.argmax(np.cumsum(self.counts) >= enough))
        coarse = int(np.gcd.reduce(self.divisors[: min(decimals, _COARSE) + 1]))
        fine = int(np.gcd.reduce(self.divisors[_COARSE + 1 : decimals + 1])) if decimals > _COARSE else 0
        return math.gcd(coarse * 10 ** (DECIMALS - _COARSE), fine) / 10**DECIMALS

    def lot(self, where: str) -> float:
        """`step` of sizes; 1e-9 where they have more than 12 decimals, as computed ones have."""
        beyond = self.counts[_BEYOND] > self.counts.sum() * _STRAY
        return 10.0**-_COARSE if beyond else self.step(where)


def common_step(steps: Iterable[float]) -> float:
    """Largest step of which all steps, multiples of 1e-12, are multiples."""
    return math.gcd(*(round(step * 10**DECIMALS) for step in steps)) / 10**DECIMALS


def infer_step(values: Iterable[float] | arrays.Floats, where: str) -> float:
    """Largest step of which all values are multiples, at 12 decimals. values: (K,) float64. See Steps.step."""
    steps = Steps()
    steps.add(np.asarray(values, np.float64))
    return steps.step(where)


@jit.kernel
def _divisor(a, b):
    while b:
        a, b = b, a % b
    return a


@jit.kernel
def _is_between(scaled):
    """Whether a value, in units of a decimal, has clearly more decimals."""
    return abs(scaled - np.rint(scaled)) > max(_CLEARLY, 4.0 * 2.0**-52 * scaled)


@jit.kernel
def _accumulate(values, counts, divisors):
    """Returns how many values differ from the one before."""
    likely, previous, changes = 0, np.nan, 0
    for value in values:
        if not (_LEAST <= value <= _LARGEST):
            continue
        if value == previous:
            counts[likely] += 1
            continue
        previous = value
        changes += 1
        finest, scaled = _COARSE, np.int64(np.rint(value * 1e9))
        if value < 1e3 and _is_between(value * 1e9):
            finest, scaled = DECIMALS, np.int64(np.rint(value * 1e12))
            if _is_between(value * 1e12):
                likely = _BEYOND
                counts[likely] += 1
                continue
        if scaled >= _POWERS[15]:
            # float64 holds about 16 digits: digits beyond the 15 that it keeps are noise
            noise = np.int64(10)
            while scaled // noise >= _POWERS[15]:
                noise *= 10
            scaled = (scaled + noise // 2) // noise * noise
        if divisors[likely] and (likely > _COARSE) == (finest > _COARSE) and scaled % divisors[likely] == 0:
            counts[likely] += 1
            continue
        likely = 0 if finest == _COARSE else _COARSE + 1
        while scaled % _POWERS[finest - likely]:
            likely += 1
        counts[likely] += 1
        divisors[likely] = _divisor(divisors[likely], scaled)
    return changes


class Terms(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a user gives, or the columns of a file say, of a contract; None: unknown. Fields as in schema.Instrument."""

    tick_size: float | None = None
    lot_size: float | None = None
    multiplier: float | None = None
    inverse: bool | None = None
    quote_currency: str | None = None


def parse(text: str) -> tuple[str, Terms]:
    """("BTCUSD_PERP", Terms) of "BTCUSD_PERP:inverse=true,multiplier=100"; ConfigError where it cannot be read.

    The symbol ends at the first colon that a key and = follow, so that it may hold any of `: / . = ,` itself.
    """
    match = re.fullmatch(r"(?P<symbol>.+?):(?P<facts>[A-Za-z_]+=.*)", text)
    try:
        if match is None:
            raise ValueError("no key=value behind a colon")
        pairs = dict(part.split("=", 1) for part in match["facts"].split(","))
        return match["symbol"], msgspec.convert(pairs, Terms, strict=False)
    except (ValueError, msgspec.ValidationError) as error:
        fields = ", ".join(Terms.__struct_fields__)
        raise errors.ConfigError(
            f"--instrument {text}: {error}, wanted SYMBOL:key=value,... with keys {fields}"
        ) from error


def combine(
    symbol: str, given: Terms, found: Terms, named: Terms, tick: Callable[[], float], lot: Callable[[], float]
) -> schema.Instrument:
    """The Instrument of what is given by the user, else found in the files, else told by its name, else inferred.

    Args:
        given, found, named: Terms. tick, lot: functions that infer a size, called where it is not given.

    Raises:
        DataError: the files contradict what is given.
    """
    for name in ("inverse", "multiplier"):
        wanted, seen = getattr(given, name), getattr(found, name)
        if None not in (wanted, seen) and not np.isclose(wanted, seen, rtol=1e-3):
            raise errors.DataError(f"{symbol}: {name} is given as {wanted}, but its files say {seen}")
    # of another kind or currency than its name says, its name says nothing of its size
    if any(
        None not in (getattr(known, name), getattr(named, name)) and getattr(known, name) != getattr(named, name)
        for known in (given, found) for name in ("inverse", "quote_currency")
    ):  # fmt: skip
        named = msgspec.structs.replace(named, inverse=None, multiplier=None)

    def first(name, otherwise):
        values = (getattr(given, name), getattr(found, name), getattr(named, name))
        return next((value for value in values if value is not None), otherwise)

    return schema.Instrument(
        symbol=symbol,
        tick_size=given.tick_size if given.tick_size is not None else tick(),
        lot_size=given.lot_size if given.lot_size is not None else lot(),
        multiplier=float(first("multiplier", 1.0)),
        inverse=bool(first("inverse", False)),
        quote_currency=first("quote_currency", "USD"),
    )
