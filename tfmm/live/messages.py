"""Messages of a live market: a quote, trade, passage of time, fill or position, as a struct and as a line of JSON."""

from collections.abc import Iterator
from typing import Annotated, TypeAlias

import msgspec

from tfmm import errors
from tfmm.market import schema, tape as tape_lib

Whole: TypeAlias = Annotated[int, msgspec.Meta(ge=-(2**63), le=2**63 - 1)]
"""A number that fits an int64."""


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """ts: ns UTC. instrument: symbol; may be left out where there is only one."""

    ts: Whole
    instrument: str | None = None


class Quote(_Message, frozen=True, tag="quote"):
    """A change of the best quote; None, price and size, for a side that nobody quotes, and for both: no market.

    sequence: the venue's number of the update, where it gives one.
    """

    bid: float | None
    bid_size: float | None
    ask: float | None
    ask_size: float | None
    sequence: Whole | None = None


class Trade(_Message, frozen=True, tag="trade"):
    """A trade. side: +1 the buyer was the aggressor, -1 the seller, 0 unknown. sequence: as of a Quote."""

    price: float
    size: float
    side: int = 0
    sequence: Whole | None = None


class Time(_Message, frozen=True, tag="time"):
    """All events before ts have been sent: decisions before ts need not wait for the next one."""


class Fill(_Message, frozen=True, tag="fill"):
    """A fill of ours, for sessions with fills `reported`. side: +1 bought, -1 sold. id: the venue's, to know it by."""

    side: int
    price: float
    size: float
    id: str | None = None


class Position(_Message, frozen=True, tag="position"):
    """The inventory that we hold, for sessions with fills `reported`. size: above 0 long, below 0 short."""

    size: float


class NoMarket(_Message, frozen=True, tag="no_market"):
    """The market is unknown until the next quote."""


class Restart(_Message, frozen=True, tag="restart"):
    """The clock had been led ahead and is at ts: the session begins anew, with the inventory that it has."""


class Observation(msgspec.Struct, frozen=True):
    """An observation that was computed elsewhere: its answer is the action."""

    observation: list[float]


class _Kind(msgspec.Struct):
    observation: msgspec.Raw = msgspec.Raw()


Message: TypeAlias = Quote | Trade | Time | Fill | Position | NoMarket | Restart
_MESSAGES = msgspec.json.Decoder(Quote | Trade | Time | Fill | Position | NoMarket)
_OBSERVATION, _KIND = msgspec.json.Decoder(Observation), msgspec.json.Decoder(_Kind)


def decode(line: str | bytes, where: str) -> Message | Observation:
    """The message or observation in a line of JSON. Raises DataError, which names `where`, for anything else."""
    try:
        return (_OBSERVATION if _KIND.decode(line).observation else _MESSAGES).decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, OverflowError) as error:
        what = " ".join(str(error).split())[:200]
        raise errors.DataError(
            f"{where}: {what}; wanted type quote, trade, time, fill, position or no_market with its fields, or an "
            "observation"
        ) from error


def of_tape(tape: tape_lib.Tape) -> Iterator[Quote | Trade]:
    """The events of a Tape as the messages that a Session takes."""
    for event in tape.events:
        instrument = tape.instruments[event["instrument"]]
        lo, hi = (float(schema.multiples(event[name], instrument.tick_size)) for name in ("lo_tick", "hi_tick"))
        if event["kind"] != schema.TRADE:
            known = event["kind"] != schema.NO_MARKET
            bid = (lo, float(event["lo_size"])) if known and event["lo_tick"] != schema.NO_BID else (None, None)
            ask = (hi, float(event["hi_size"])) if known and event["hi_tick"] != schema.NO_ASK else (None, None)
            yield Quote(
                ts=int(event["ts"]), instrument=instrument.symbol, bid=bid[0], bid_size=bid[1], ask=ask[0],
                ask_size=ask[1],
            )  # fmt: skip
        else:
            px = lo if lo == hi else 0.5 * (lo + hi)
            yield Trade(
                ts=int(event["ts"]), instrument=instrument.symbol, price=px, size=float(event["lo_size"]),
                side=int(event["side"]),
            )  # fmt: skip
