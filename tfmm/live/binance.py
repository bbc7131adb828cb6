"""Binance's public USD-M streams as the messages of a live session: bookTicker, and trade or aggTrade.

What a store holds of the same stream comes out in the same order: by time (T), trades before quotes, then the venue's
numbers. Binance sends up to 0.11 s out of that order (one measured stretch of BTCUSDT), so that messages wait for
others of their time: see Feed.
"""

import heapq
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TypeAlias

import msgspec

from tfmm import errors
from tfmm.live import messages, sequences, websocket
from tfmm.market import binance_messages, raw

Message: TypeAlias = messages.Quote | messages.Trade | messages.Time
_NS = 10**9
_MS = 10**6
_FAR_NS = 60 * _NS  # a time that far from the newest one says nothing until the next one confirms it
_LATEST_MS = 2**62 // _MS
_FIELDS = list(raw.RAW.fields or ())
_LO, _LO_SIZE, _HI_SIZE, _SIDE = (_FIELDS.index(name) for name in ("lo", "lo_size", "hi_size", "side"))


class Counts(msgspec.Struct):
    """Numbers of messages. quotes, trades: taken. others: of kinds that are not used. duplicates: trades that came
    before. old: quotes that came before, or after a newer one. gaps, missed: holes in the numbers of the trades, and
    trades in them. before: trades before the first quote, which are dropped. lost: connections."""

    quotes: int = 0
    trades: int = 0
    others: int = 0
    duplicates: int = 0
    old: int = 0
    gaps: int = 0
    missed: int = 0
    before: int = 0
    lost: int = 0


class Feed:
    """Messages of the streams of some symbols, in the order of a tape.

    A message counts as taken however late it comes; the session says what it drops.

    Attributes:
        received: number of messages that `of_event` was given.
    """

    def __init__(self, instruments: Sequence[str], hold_s: float = 0.15) -> None:
        """
        Args:
            instruments: symbols of a policy; Binance's is what stands before an @.
            hold_s: how long, in time of the market, a message waits for earlier ones.
        """
        self._names = {name.partition("@")[0]: name for name in instruments}
        self._hold_ns = round(hold_s * _NS)
        self._waiting: list[tuple[int, bool, int, int, Message]] = []
        self.received = 0
        self._newest_ns: int | None = None
        self._far_ns: int | None = None
        self._count = self._taken_quotes = self._taken_trades = self._others = self._lost = self._before = 0
        self._begun: set[str | None] = set()
        self._quotes = {name: sequences.Updates() for name in instruments}
        self._trades = {name: sequences.Numbers() for name in instruments}
        self._traded: dict[str, str] = {}

    @property
    def counts(self) -> Counts:
        """Of all symbols, up to now."""
        trades = self._trades.values()
        return Counts(
            quotes=self._taken_quotes, trades=self._taken_trades, others=self._others,
            duplicates=sum(one.old for one in trades), old=sum(one.old for one in self._quotes.values()),
            gaps=sum(one.gaps for one in trades), missed=sum(one.missed for one in trades),
            before=self._before, lost=self._lost,
        )  # fmt: skip

    def take(self, data: bytes, where: str) -> list[Message]:
        """The messages that need not wait any longer now that `data` came. Raises DataError: it is not understood."""
        try:
            one = binance_messages.decode(data)
            message = self._message(one, where)
        except (msgspec.DecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
            said = f"{type(error).__name__}: {error}"
            raise errors.DataError(f"{where}: {said}, got {_shown(data)}, wanted a message of Binance") from error
        if message is None:
            return []
        return self._in_order(*message)

    def lost(self) -> list[Message]:
        """The connection is lost: what waits, and then an unknown market."""
        self._lost += 1
        out = self._until(None)
        if self._newest_ns is not None:
            ts = self._newest_ns + 1
            nobody = dict.fromkeys(("bid", "bid_size", "ask", "ask_size"))
            out += [messages.Quote(ts=ts, instrument=name, **nobody) for name in self._names.values()]
        return out

    def silence(self, elapsed_s: float) -> list[Message]:
        """Nothing came up to elapsed_s after the last message: what need not wait any longer, and the time."""
        if self._newest_ns is None:
            return []
        now_ns = self._newest_ns + round(elapsed_s * _NS) - self._hold_ns
        out = self._until(now_ns)
        if now_ns > self._newest_ns:
            out.append(messages.Time(ts=now_ns))
        return out

    def close(self) -> list[Message]:
        """What still waits."""
        return self._until(None)

    def _message(self, one, where):
        """(time ns, is a quote, number, Message); None where there is nothing to tell."""
        kind = one.kind
        if kind not in ("bookTicker", "trade", "aggTrade"):
            if not kind:
                raise ValueError("no event (e)")
            self._others += 1
            return None
        if one.symbol not in self._names:
            raise ValueError(f"symbol {one.symbol[:40]!r}, wanted {', '.join(self._names)}")
        if not 0 < one.time < _LATEST_MS:
            raise ValueError(f"time T {one.time}, wanted ms UTC (the streams of spot have none)")
        name, ns = self._names[one.symbol], one.time * _MS
        if kind == "bookTicker":
            return self._quote(name, binance_messages.row(one, "", ns))
        if self._traded.setdefault(name, kind) != kind:
            self._others += 1  # the same trades, once one by one and once put together
            return None
        number = one.ask if kind == "aggTrade" else one.trade
        if type(number) is not int or number < 0:
            raise ValueError(f"id {str(number)[:40]!r} of a {kind}, wanted a whole number")
        row = binance_messages.row(one, kind, ns)
        if row is not None and row[_SIDE] == raw.WRONG_SIDE:
            raise ValueError(f"a {kind} that does not say its side (m)")
        if not self._trades[name].is_new(number, ns):
            return None
        if row is None:  # insurance fund and the like: no trade of the market, but a number
            self._others += 1
            return None
        self._taken_trades += 1
        trade = messages.Trade(ts=ns, instrument=name, price=row[_LO], size=row[_LO_SIZE], side=row[_SIDE])
        return ns, False, number, trade

    def _quote(self, name, row):
        ns, number, *values = row[: _HI_SIZE + 1]
        if number < 0:
            raise ValueError("a bookTicker without update id (u)")
        if not self._quotes[name].is_new(number, ns):
            return None
        self._taken_quotes += 1
        bid, ask, bid_size, ask_size = (None if value != value else value for value in values)
        quote = messages.Quote(ts=ns, instrument=name, bid=bid, bid_size=bid_size, ask=ask, ask_size=ask_size)
        return ns, True, number, quote

    def _in_order(self, ns, is_quote, number, message):
        """The messages that are due now that one at ns came."""
        if self._newest_ns is not None and abs(ns - self._newest_ns) > _FAR_NS:
            confirmed = self._far_ns is not None and abs(ns - self._far_ns) <= _FAR_NS
            self._far_ns = ns
            if not confirmed:
                return [*self._until(None), message]
            self._newest_ns = ns
        self._far_ns = None
        self._newest_ns = ns if self._newest_ns is None else max(ns, self._newest_ns)
        self._count += 1
        heapq.heappush(self._waiting, (ns, is_quote, number, self._count, message))
        return self._until(self._newest_ns - self._hold_ns)

    def _until(self, ns):
        """Messages earlier than a time, None: all."""
        out = []
        while self._waiting and (ns is None or self._waiting[0][0] < ns):
            message = heapq.heappop(self._waiting)[-1]
            if isinstance(message, messages.Quote):
                self._begun.add(message.instrument)
            elif message.instrument not in self._begun and not self._begins(message):
                self._before += 1  # without a market, and so prepare leaves them out
                continue
            out.append(message)
        return out

    def _begins(self, trade):
        """Whether the first quote of the instrument is at the time of a trade."""
        return any(
            is_quote and ns == trade.ts and message.instrument == trade.instrument
            for ns, is_quote, _, _, message in self._waiting
        )


def of_event(
    event: websocket.Event, feed: Feed, refuse: Callable[[errors.DataError], None]
) -> Iterator[tuple[str, Message, float]]:
    """Yields (where it is, message, time received) of what happened on a connection.

    Args:
        refuse: called with the error of a message that is not understood.
    """
    out: list[Message] = []
    if isinstance(event, websocket.Received):
        feed.received += 1
        try:
            out = feed.take(event.data, f"message {feed.received}")
        except errors.DataError as error:
            refuse(error)
        at_s = event.received_s
    else:
        at_s = time.perf_counter()
        out = feed.lost() if isinstance(event, websocket.Lost) else feed.silence(event.elapsed_s)
    for message in out:
        yield f"message {feed.received}", message, at_s


def _shown(data):
    """The beginning of a message from outside, in one line."""
    return ascii(bytes(data[:60]))[1:]
