"""The price step of an instrument, of all days and of each: what the prices that occur are multiples of."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from tfmm import errors
from tfmm.market import instruments, schema
from tfmm.market.ingest import quality, spool, time_zones

_ENOUGH = 100  # changes of the price from which the prices of a session tell its step
_FINER = 0.01  # share of a session's prices that must be finer before they make the tick finer; less is damage


def of(stream: spool.Stream) -> instruments.Steps:
    """What was seen of the decimals of a stream's prices."""
    return instruments.Steps(stream.price_counts, stream.price_divisors, stream.price_changes)


def tick_size(prices: instruments.Steps, parts: Sequence[time_zones.Part], where: str) -> float:
    """The finest step of any session.

    Args:
        prices: of all sessions together. parts: of all sessions.

    Raises:
        DataError: no price to infer it from, or prices of too many decimals.
    """
    streams = sorted((stream for _, _, stream in parts), key=lambda stream: stream.session)
    bad = sum(stream.not_positive for stream in streams)
    if bad and not prices.counts.any():
        first = min(stream.not_positive_ns for stream in streams if stream.not_positive)
        raise errors.DataError(
            f"{where.rsplit(':', 1)[0]}: prices are zero or negative in {bad} quotes from {quality.utc(first)} on: not "
            "supported, wanted prices above zero"
        )
    steps = [prices.step(where)]
    for _, of_session in itertools.groupby(streams, key=lambda stream: stream.session):
        seen = merged(of_session)
        if seen.changes >= _ENOUGH:
            steps.append(seen.step(where, _FINER))
    return instruments.common_step(steps)


def merged(streams: Iterable[spool.Stream]) -> instruments.Steps:
    """What was seen of the prices of several streams."""
    out = instruments.Steps()
    for stream in streams:
        out.merge(of(stream))
    return out


def refined(member: schema.Instrument, parts: Sequence[time_zones.Part]) -> float:
    """The tick size of a store's instrument, finer where the prices of added files lie between its ticks."""
    prices = merged(stream for _, _, stream in parts)
    if not prices.counts.any():
        return member.tick_size
    return instruments.common_step([member.tick_size, tick_size(prices, parts, f"{member.symbol}: tick size")])


def of_sessions(
    sessions: Mapping[str, Mapping[str, Sequence[time_zones.Part]]],
    symbols: Sequence[str],
    members: Sequence[schema.Instrument],
    alone: bool,
) -> dict[str, tuple[int, ...]]:
    """The price step of every session and instrument, ticks; 1 where its prices do not tell, and for synthetic ones.

    Args:
        sessions: session -> symbol -> parts. symbols: those of the first of the members.
        alone: the sessions are all of the store: a step that all of them share is the tick that was given.
    """
    steps = np.ones((len(sessions), len(members)), np.int64)
    for row, of_symbol in zip(steps, sessions.values(), strict=True):
        for n, symbol in enumerate(symbols):
            seen = merged(stream for _, _, stream in of_symbol.get(symbol, ()))
            if seen.changes >= _ENOUGH:
                row[n] = max(1, round(seen.step(f"{symbol}: price step") / members[n].tick_size))
    if alone:
        steps[:, (steps == steps[:1]).all(axis=0)] = 1
    return {name: tuple(row.tolist()) for name, row in zip(sessions, steps, strict=True)}


def notes(
    symbol: str, sessions: Iterable[str], steps: Sequence[int], members: Sequence[schema.Instrument]
) -> list[str]:
    """A sentence where the sessions have different price steps. steps: of each session, ticks."""
    if len(set(steps)) == 1:
        return []
    tick = next(one.tick_size for one in members if one.symbol == symbol)
    days: dict[int, list[str]] = {}
    for name, step in zip(sessions, steps, strict=True):
        days.setdefault(step, []).append(name)
    listed = "; ".join(
        f"{schema.multiples(np.array(step), tick):g} in {names[0]}"
        + (f" and {len(names) - 1} more" if names[1:] else "")
        for step, names in sorted(days.items())
    )
    return [f"sessions of {symbol} have different price steps: {listed}; our quotes keep to them"]
