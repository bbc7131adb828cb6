"""A saved policy on a live market: events in, quotes out, without store, environment or agent.

Assumes that events arrive about in order of time, and that decisions follow the clock of the market's times.
"""

import msgspec
import numpy as np

from tfmm import errors
from tfmm.calibration import scales as scales_lib
from tfmm.config import experiment as experiment_lib
from tfmm.environments.tape import parameters, specs
from tfmm.market import clean, raw, schema
from tfmm.simulation import stream

FILLS = ("simulated", "reported")


class _Message(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True, tag_field="type"):
    """ts: ns UTC. instrument: symbol; may be left out where there is only one."""

    ts: int
    instrument: str | None = None


class Quote(_Message, frozen=True, tag="quote"):
    """A change of the best quote."""

    bid: float
    bid_size: float
    ask: float
    ask_size: float


class Trade(_Message, frozen=True, tag="trade"):
    """side: +1 buyer, -1 seller was the aggressor, 0 unknown."""

    price: float
    size: float
    side: int = 0


class Time(_Message, frozen=True, tag="time"):
    """Nothing happened up to now: decisions before ts need not wait for the next event."""


class Fill(_Message, frozen=True, tag="fill"):
    """A fill of ours, for sessions with fills `reported`. side: +1 we bought."""

    side: int
    price: float
    size: float


class Observation(msgspec.Struct, frozen=True):
    """A ready observation: its answer is the action."""

    observation: list[float]


class _Kind(msgspec.Struct):
    observation: msgspec.Raw = msgspec.Raw()


_MESSAGES = msgspec.json.Decoder(Quote | Trade | Time | Fill)
_OBSERVATION, _KIND = msgspec.json.Decoder(Observation), msgspec.json.Decoder(_Kind)


def decode(line, where):
    """One of the messages above from a line of JSON; DataError naming `where` for anything else."""
    try:
        return (_OBSERVATION if _KIND.decode(line).observation else _MESSAGES).decode(line)
    except msgspec.DecodeError as error:
        raise errors.DataError(
            f"{where}: {error}; wanted type quote, trade, time or fill with its fields, or an observation"
        ) from error


class Session:
    """Quotes of a policy through one trading session that begins flat.

    Attributes:
        stream: the Stream under it. dropped: events that could not be true, by reason.
    """

    def __init__(self, policy, fills="simulated", end_ns=None, seed=0):
        """
        Args:
            policy: saved.Policy. end_ns: see Stream. seed: of simulated clients.
            fills: `simulated`: the rules of the policy's configuration decide what was filled, as in a backtest;
                `reported`: nothing is filled but what Fill messages tell.

        Raises:
            ConfigError: the policy was trained on a model, which has no market events; unknown `fills`; simulated
                clients who would have to know the future.
        """
        config, description = policy.config, policy.description
        if config.environment.name != experiment_lib.TAPE:
            raise errors.ConfigError(
                f"policy {policy.folder}: trained on {config.environment.name}, wanted one of market events; "
                "it answers observations only"
            )
        if fills not in FILLS:
            raise errors.ConfigError(f"fills is {fills!r}, wanted {' or '.join(FILLS)}")
        if fills == "simulated" and config.clients.informed:
            raise errors.ConfigError(
                "fills is simulated, but clients.informed is above 0: a stream has no future, wanted reported"
            )
        self._instruments = msgspec.convert(description["instruments"], tuple[schema.Instrument, ...])
        scales = msgspec.convert(description["scales"], tuple[scales_lib.Scales, ...])
        _, rules = parameters.terms(config, self._instruments, scales)
        self._reported = fills == "reported"
        self._hedged = config.rules.hedge != "none"
        environment = config.environment
        clock = environment.clock, environment.interval_quotes
        self.stream = stream.Stream(
            rules, environment.interval_s, environment.warmup_s, clock, end_ns, seed, not self._reported
        )
        self._columns, _ = specs.chosen_features(environment, self._instruments)
        self._policy, self._action = policy, None
        self._numbers = {one.symbol: n for n, one in enumerate(self._instruments)}
        self._cleaner = clean.Cleaner(
            [one.tick_size for one in self._instruments], [np.nan] * len(self._instruments), drop_duplicates=False
        )
        self._row = np.zeros(1, raw.RAW)
        self._row["sequence"] = raw.NO_SEQUENCE

    @property
    def dropped(self):
        out = {}
        for n in range(len(self._instruments)):
            for reason, count in self._cleaner.dropped(n).items():
                out[reason] = out.get(reason, 0) + count
        return out

    def take(self, message, where="message"):
        """Takes a Quote, Trade, Time or Fill; yields the quotes of every decision before it.

        Yields:
            [{ts, instrument, bid, bid_size, ask, ask_size}] for each instrument quoted; None for a side without a
            quote. Where the policy hedges also `hedge`: the quantity to trade at the market now, + to buy.

        Raises:
            DataError: an unknown instrument or side, or a fill that is not to be reported.
        """
        number = self._number(message, where)
        if isinstance(message, Quote | Trade):
            # decisions that this event makes due do not see it: it is later than they are
            for event in self._event(message, number, where):
                self.stream.add(event)
        self.stream.see(message.ts)
        yield from self._decide()
        if isinstance(message, Fill):
            self._fill(message, number, where)

    def close(self):
        """No more events: yields the quotes of what is still due at the time of the last one."""
        self.stream.see(self.stream.seen_ns + 1)
        yield from self._decide()

    def _number(self, message, where):
        if message.instrument is None and (len(self._instruments) == 1 or isinstance(message, Time)):
            return 0
        if message.instrument not in self._numbers:
            raise errors.DataError(f"{where}: instrument {message.instrument}, wanted {', '.join(self._numbers)}")
        return self._numbers[message.instrument]

    def _event(self, message, number, where):
        """(0 or 1,) schema.EVENT; what cannot be true is dropped and counted."""
        row = self._row[0]
        row["ts"], row["instrument"] = message.ts, number
        if isinstance(message, Quote):
            row["kind"], row["side"] = schema.QUOTE, 0
            row["lo"], row["hi"] = message.bid, message.ask
            row["lo_size"], row["hi_size"] = message.bid_size, message.ask_size
        else:
            if message.side not in (schema.BUY, schema.SELL, schema.UNKNOWN):
                raise errors.DataError(f"{where}: side {message.side}, wanted +1, -1 or 0")
            row["kind"], row["side"] = schema.TRADE, message.side
            row["lo"] = row["hi"] = message.price
            row["lo_size"] = row["hi_size"] = message.size
        return self._cleaner.clean(self._row)

    def _fill(self, message, number, where):
        one = self._instruments[number]
        lots = round(message.size / one.lot_size)
        if not self._reported:
            raise errors.DataError(f"{where}: a fill, but fills of this session are simulated, wanted none")
        if message.side not in (schema.BUY, schema.SELL) or lots < 1:
            raise errors.DataError(f"{where}: fill of {message.size} with side {message.side}, wanted a lot, +1 or -1")
        self.stream.report(number, message.side, message.price / one.tick_size, lots, message.ts)

    def _decide(self):
        while self.stream.due():
            observation = self.stream.decide(self._action)
            if self.stream.over:
                break
            self._action = self._policy(observation[self._columns])[0]
            yield self._answer()

    def _answer(self):
        orders = self.stream.quotes(self._action)
        hedges = self.stream.hedges(self._action) if self._hedged else None
        out = []
        for n, (one, order) in enumerate(zip(self._instruments, orders, strict=True)):
            if not self.stream.rules["quoted"][n]:
                continue
            answer = {"ts": self.stream.decision_ns, "instrument": one.symbol}
            for side in ("bid", "ask"):
                quoted = order[f"{side}_lot"] > 0
                px, qty = (
                    float(schema.multiples(order[f"{side}_{unit}"], size))
                    for unit, size in (("tick", one.tick_size), ("lot", one.lot_size))
                )
                answer[side], answer[f"{side}_size"] = (px, qty) if quoted else (None, None)
            if hedges is not None:
                answer["hedge"] = float(schema.multiples(hedges[n], one.lot_size))
            out.append(answer)
        return out


def messages(tape):
    """The events of a Tape as the messages that a Session takes."""
    for event in tape.events:
        one = tape.instruments[event["instrument"]]
        lo, hi = (float(schema.multiples(event[name], one.tick_size)) for name in ("lo_tick", "hi_tick"))
        if event["kind"] == schema.QUOTE:
            yield Quote(
                ts=int(event["ts"]), instrument=one.symbol, bid=lo, bid_size=float(event["lo_size"]), ask=hi,
                ask_size=float(event["hi_size"]),
            )  # fmt: skip
        else:
            px = lo if lo == hi else 0.5 * (lo + hi)
            yield Trade(
                ts=int(event["ts"]), instrument=one.symbol, price=px, size=float(event["lo_size"]),
                side=int(event["side"]),
            )  # fmt: skip
