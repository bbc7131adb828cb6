"""Messages that cannot be true are stopped before they reach a session: times, repeats, prices far from the market.

Assumes that the events of a feed are about in order of time. A message that leads the clock ahead is held until the
ones after it confirm it, so that one wrong time neither silences the session nor loses what follows. A quote far from
the last one is dropped, and the market is unknown until a true one comes.
"""

import itertools
import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from tfmm import errors
from tfmm.calibration import scales as scales_lib
from tfmm.live import messages, reports, sequences
from tfmm.market import schema

JUMP_S = 60.0
"""Longest step of time that one message may make alone."""
_UNITS = ((1, "ns"), (10**3, "us"), (10**6, "ms"), (10**9, "s"))
_FIRST_NS, _LAST_NS = 631_152_000 * 10**9, 4_102_444_800 * 10**9  # 1990 and 2100
# messages in a row that confirm a time: within a jump of each other, or in order and within FARTHEST jumps
_CLOSE, _IN_ORDER, _FARTHEST = 3, 5, 10
_BACK = 10  # messages in a row that say that the clock had been led ahead
_MOST_HELD = 1000
_HALF_SPREADS, _SIGMAS, _SHARE = 50.0, 20.0, 0.005  # how far a price may move at once
_ALIKE = 3  # quotes in a row that confirm a price
_REMEMBERED = 10_000  # ids of fills


class _Instrument(msgspec.Struct):
    """What is known of an instrument; prices NaN before the first quote. far: of how many quotes in a row."""

    bid: float = math.nan
    ask: float = math.nan
    ts: int = 0
    far: int = 0
    far_mid: float = math.nan


class State(msgspec.Struct):
    """All that a Guard remembers."""

    last_ns: int | None = None
    unit: str = ""
    quotes: list[messages.Quote | None] = []
    held: list[messages.Message] = []
    behind: list[int] = []
    known: list[tuple[float | None, float | None, int, int, float | None]] = []
    numbers: list[tuple[int | None, int, int, int, int]] = []
    fill_ids: list[str] = []
    counts: dict[str, int] = {}


class Guard:
    """Stops messages that cannot be true.

    Attributes:
        counts: {reason: number of messages stopped, or changed}. unit: of the first time, empty before it.
        last_ns: latest time accepted, None before the first.
    """

    def __init__(
        self,
        instruments: Sequence[schema.Instrument],
        scales: Sequence[scales_lib.Scales],
        jump_s: float = JUMP_S,
        clock: Callable[[], int] = time.time_ns,
    ) -> None:
        """
        Args:
            instruments, scales: N, of the policy. jump_s: see JUMP_S. clock: of the machine, ns UTC; a time within
                jump_s of it needs no confirmation.
        """
        self._instruments = tuple(instruments)
        self._index: dict[str | None, int] = {one.symbol: n for n, one in enumerate(instruments)}
        if len(self._instruments) == 1:
            self._index[None] = 0
        self._jump_ns, self._clock = round(jump_s * 1e9), clock
        units = [one.tick_size for one in instruments]
        self._least = [_HALF_SPREADS * s.half_spread_tick * u for s, u in zip(scales, units, strict=True)]
        self._sigma = [_SIGMAS * s.sigma_tick * u for s, u in zip(scales, units, strict=True)]
        self._known = [_Instrument() for _ in instruments]
        self._numbers = [[sequences.Updates() for _ in instruments] for _ in range(2)]  # of quotes, of trades
        self._quotes: list[messages.Quote | None] = [None for _ in instruments]  # the last ones
        self._held: list[messages.Message] = []
        self._behind: list[int] = []  # times in a row before the last
        self._fill_ids: dict[str, None] = {}
        self.counts: dict[str, int] = {}
        self.unit = ""
        self.last_ns: int | None = None

    def check(self, message: messages.Message, where: str) -> Sequence[messages.Message]:
        """The messages to hand on now, in order: this one, none, or several that waited for it.

        Raises:
            DataError: an instrument, side, size or price that no message may have.
        """
        if message.instrument not in self._index and not (
            message.instrument is None and isinstance(message, messages.Time)
        ):
            wanted = ", ".join(one.symbol for one in self._instruments)
            raise errors.DataError(f"{where}: instrument {message.instrument}, wanted {wanted}")
        if not _FIRST_NS <= message.ts < _LAST_NS:
            message = self._in_ns(message)
            if message is None:
                return ()
        elif not self.unit:
            self.unit = "ns"
        if isinstance(message, messages.Fill | messages.Position):
            return self._report(message, where)
        last_ns = self.last_ns
        if last_ns is not None and -self._jump_ns <= message.ts - last_ns <= self._jump_ns:
            if self._held or self._behind:
                self._count("times_ahead", len(self._held))
                self._held.clear()
                self._behind.clear()
            if message.ts > last_ns:
                self.last_ns = message.ts
            one = self._judged(message, where)
            return () if one is None else (one,)
        return self._step(message, where)

    def close(self) -> Sequence[messages.Message]:
        """No more messages: those that still wait, where nothing speaks against them."""
        if self.last_ns is None:
            return self._release(sorted(self._held, key=lambda one: one.ts), "")
        self._count("times_ahead", len(self._held))
        self._held.clear()
        return ()

    def _count(self, reason, number=1):
        if number:
            self.counts[reason] = self.counts.get(reason, 0) + number

    def _in_ns(self, message):
        """The message with its time in ns, by its magnitude; None where no unit makes it a time of this age."""
        for factor, unit in _UNITS:
            if _FIRST_NS <= message.ts * factor < _LAST_NS:
                if not self.unit:
                    self.unit = unit
                self._count("times_in_another_unit", unit != self.unit)
                return msgspec.structs.replace(message, ts=message.ts * factor)
        self._count("times_impossible")
        return None

    def _step(self, message, where):
        """The first message, or one whose time is far from the last."""
        if self.last_ns is not None and message.ts < self.last_ns:
            self._count("times_back")
            return self._step_back(message, where)
        if self._held and message.ts < self._held[-1].ts:
            later = [one for one in self._held if abs(one.ts - message.ts) <= self._jump_ns]
            self._count("times_ahead", len(self._held) - len(later))
            self._held = later
        self._held.append(message)
        near = [one for one in self._held if abs(one.ts - message.ts) <= self._jump_ns]
        # the same time again confirms nothing
        if abs(message.ts - self._clock()) <= self._jump_ns or len({one.ts for one in near}) >= _CLOSE:
            self._count("times_ahead", len(self._held) - len(near))
            return self._release(near, where)
        steps = [after.ts - before.ts for before, after in itertools.pairwise(self._held)]
        if len(steps) >= _IN_ORDER - 1 and all(0 < step <= _FARTHEST * self._jump_ns for step in steps):
            return self._release(list(self._held), where)
        if len(self._held) > _MOST_HELD:
            self._count("times_ahead")
            del self._held[0]
        return ()

    def _step_back(self, message, where):
        """Begins anew at a time before that many messages in a row have, unless the machine's clock is at the last."""
        if abs(self.last_ns - self._clock()) <= self._jump_ns or self._is_old(message):
            return ()
        self._behind = [ts for ts in self._behind if ts <= message.ts <= ts + self._jump_ns] + [message.ts]
        if len(set(self._behind)) < _BACK:
            return ()
        self._count("restarts")
        self._behind.clear()
        self._held.clear()
        self._known = [_Instrument() for _ in self._instruments]
        return [messages.Restart(ts=message.ts), *self._release([message], where)]

    def _is_old(self, message):
        """Whether the venue's number says that a message came before."""
        sequence = getattr(message, "sequence", None)
        if sequence is None:
            return False
        last = self._numbers[isinstance(message, messages.Trade)][self._index[message.instrument]].last
        return last is not None and sequence <= last

    def _release(self, held, where):
        self._held.clear()
        if held:
            self.last_ns = max(one.ts for one in held)
        judged = [self._judged(one, where) for one in held]
        return [one for one in judged if one is not None]

    def _judged(self, message, where):
        """A quote or trade that is new and near the market, or what stands for it; any other message."""
        if isinstance(message, messages.Quote):
            n = self._index[message.instrument]
            if message.sequence is not None and not self._numbers[0][n].is_new(message.sequence, message.ts):
                return self._count("quotes_repeated")
            if message == self._quotes[n]:
                return self._count("quotes_repeated")
            self._quotes[n] = message
            if not self._is_near(n, message):
                message = messages.NoMarket(ts=message.ts, instrument=message.instrument)
            return message
        if isinstance(message, messages.Trade):
            n = self._index[message.instrument]
            if message.side not in (schema.BUY, schema.SELL, schema.UNKNOWN):
                raise errors.DataError(f"{where}: side {message.side}, wanted +1, -1 or 0")
            if message.sequence is not None and not self._numbers[1][n].is_new(message.sequence, message.ts):
                return self._count("trades_repeated")
            known, room = self._known[n], self._room(n, message.ts)
            if message.price > known.ask + room or message.price < known.bid - room:
                return self._count("trades_outlier")
        return message

    def _room(self, n, ts):
        """How far from the last quote a price may be."""
        known = self._known[n]
        passed_s = 1.0 + max(0, ts - known.ts) * 1e-9
        return max(self._least[n], self._sigma[n] * math.sqrt(passed_s), _SHARE * abs(known.ask))

    def _is_near(self, n, quote):
        """Whether a quote is near the last one or confirmed; a crossed or one-sided quote is for others to judge."""
        bid, ask, known = quote.bid, quote.ask, self._known[n]
        if bid is None or ask is None or not 0.0 < bid <= ask:
            return True
        room = self._room(n, quote.ts)
        # comparisons with NaN, before the first quote, are false
        if abs(bid - known.bid) > room or abs(ask - known.ask) > room:
            mid = 0.5 * (bid + ask)
            known.far = known.far + 1 if abs(mid - known.far_mid) <= room + _SHARE * mid else 1
            known.far_mid = mid
            if known.far < _ALIKE:
                self._count("quotes_outlier")
                return False
            self._count("quotes_confirmed_far")
        known.bid, known.ask, known.far = bid, ask, 0
        known.ts = max(known.ts, quote.ts)
        return True

    def _report(self, message, where):
        """A fill or position that may be true: it counts at once, whatever its time."""
        n = self._index[message.instrument]
        market = self._known[n]
        reports.check(message, self._instruments[n], (market.bid, market.ask), where)
        is_fill = isinstance(message, messages.Fill)
        if is_fill and message.id is not None:
            if message.id in self._fill_ids:
                return self._count("fills_repeated") or ()
            self._fill_ids[message.id] = None
            if len(self._fill_ids) > _REMEMBERED:
                del self._fill_ids[next(iter(self._fill_ids))]
        if self.last_ns is not None and abs(message.ts - self.last_ns) > self._jump_ns:
            self._count("fills_of_another_time" if is_fill else "positions_of_another_time")
            return (msgspec.structs.replace(message, ts=self.last_ns),)
        return (message,)

    def get_state(self) -> State:
        """What `set_state` goes on exactly from."""
        numbers = [one.get_state() for kind in self._numbers for one in kind]
        ids = list(self._fill_ids)
        fields = [msgspec.structs.astuple(one) for one in self._known]
        known: Any = [tuple(None if value != value else value for value in one) for one in fields]
        quotes, held, behind, counts = self._quotes, list(self._held), list(self._behind), dict(self.counts)
        return State(self.last_ns, self.unit, quotes, held, behind, known, numbers, ids, counts)

    def set_state(self, state: State) -> None:
        """Raises ValueError for the state of another number of instruments."""
        every: list[Any] = [one for kind in self._numbers for one in kind]
        sizes = len(state.known), len(state.quotes), len(state.numbers)
        if sizes != (len(self._known), len(self._known), len(every)):
            raise ValueError(f"guard of {len(state.known)} instruments, wanted {len(self._known)}")
        if not {one.instrument for one in state.held} <= {None, *self._index}:
            raise ValueError("a message of another instrument waits")
        for one, values in zip(every, state.numbers, strict=True):
            one.set_state(values)
        self.last_ns, self.unit, self._held = state.last_ns, state.unit, state.held
        known: list[Any] = [[math.nan if value is None else value for value in one] for one in state.known]
        self._known = [_Instrument(*one) for one in known]
        self._quotes, self._behind = state.quotes, state.behind
        self._fill_ids, self.counts = dict.fromkeys(state.fill_ids), state.counts
