"""The price step of an instrument, of all days and of each: what the prices that occur are multiples of."""

import itertools
from collections.abc import Iterable, Sequence

from tfmm import errors
from tfmm.market import instruments
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


def in_ticks(streams: Iterable[spool.Stream], tick: float, where: str) -> int:
    """The price step of a session in ticks; 1 where its prices do not tell."""
    seen = merged(streams)
    if seen.changes < _ENOUGH:
        return 1
    return max(1, round(seen.step(where) / tick))
