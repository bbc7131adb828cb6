"""A saved policy on a live market: events in, quotes out, without store, environment or agent.

Assumes that events arrive about in order of time, and that decisions follow the time stamps of the market.
"""

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import msgspec
import numpy as np

from tfmm import errors
from tfmm.arrays import Array
from tfmm.calibration import scales as scales_lib
from tfmm.config import experiment as experiment_lib
from tfmm.environments.tape import parameters, specs
from tfmm.live import messages
from tfmm.market import clean, raw, schema
from tfmm.policies import saved
from tfmm.simulation import state, stream_state

FILLS = ("simulated", "reported")
_EVENTS = (messages.Quote, messages.Trade)
Answer: TypeAlias = list[dict[str, Any]]
"""{ts, instrument, bid, bid_size, ask, ask_size} and perhaps bid_reason, ask_reason, hedge, of each instrument: see
Session.take."""


class Session:
    """Quotes of a policy through one trading session that begins flat.

    Attributes:
        stream: the simulator of the session, a stream_state.ResumableStream. scales: of the policy's instruments.
    """

    def __init__(
        self, policy: saved.Policy, fills: str = "simulated", end_ns: int | None = None, seed: int = 0,
        price_steps: Sequence[int] | None = None, silence_s: float | None = None,
    ) -> None:  # fmt: skip
        """
        Args:
            policy: what quotes. end_ns: end of the session, ns UTC, where it is known. seed: of simulated clients.
            fills: `simulated`: fills follow the rules of the policy's configuration, as in a backtest; `reported`: only
                Fill messages are fills.
            price_steps: of each instrument, ticks; None: those of the last session of the store that
                the policy was trained on.
            silence_s: a longer time without an event is passed by one decision, when time resumes; None: by a decision
                for every interval, as in a backtest.

        Raises:
            ConfigError: the policy was trained on a model, which has no market events; unknown `fills`; informed
                clients, whose simulation needs the future.
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
        self.scales = msgspec.convert(description["scales"], tuple[scales_lib.Scales, ...])
        rules = parameters.build_parameters(config, self._instruments, self.scales)
        self._reported = fills == "reported"
        self._hedged = config.rules.hedge != "none"
        environment = config.environment
        clock = environment.clock, environment.interval_quotes
        steps = description.get("price_steps", ()) if price_steps is None else price_steps
        self.stream = stream_state.ResumableStream(
            rules, environment.interval_s, environment.warmup_s, clock, end_ns, seed, not self._reported, steps
        )
        if silence_s is not None:
            self.stream.silence_ns = round(silence_s * 1e9)
        self._columns = specs.create(config, self._instruments).columns
        self._policy = policy
        self._action: Any = None
        self._index = {instrument.symbol: n for n, instrument in enumerate(self._instruments)}
        self._cleaner = clean.Cleaner(
            [instrument.tick_size for instrument in self._instruments],
            [np.nan] * len(self._instruments),
            drop_duplicates=False,
        )
        self._row = np.zeros(1, raw.RAW)
        self._row["sequence"] = raw.NO_SEQUENCE

    @property
    def instruments(self) -> tuple[schema.Instrument, ...]:
        """Of the policy, in the order of its answers."""
        return self._instruments

    @property
    def dropped(self) -> dict[str, int]:
        """Number of events that were dropped since they cannot be true, by reason."""
        out: dict[str, int] = {}
        for n in range(len(self._instruments)):
            for reason, count in self._cleaner.dropped(n).items():
                out[reason] = out.get(reason, 0) + count
        return out

    def take(self, message: messages.Message, where: str = "message") -> Iterator[Answer]:
        """Takes a message; yields the quotes of every decision before it.

        Yields:
            [{ts, instrument, bid, bid_size, ask, ask_size}] for each instrument quoted: what the rules of the policy's
            configuration let rest at the market and inventory known. None for a side without a quote, which then has
            its `bid_reason`, `ask_reason`. Where the policy hedges also `hedge`: the quantity to trade at the market
            now, above 0 to buy.

        Raises:
            DataError: an unknown instrument or side, or a Fill or Position where fills are simulated.
        """
        if isinstance(message, messages.Restart):
            yield self._restart(message.ts)
            return
        n = self._instrument_index(message, where)
        is_event = isinstance(message, _EVENTS)
        if not is_event and not self._reported and isinstance(message, messages.Fill | messages.Position):
            what = "fill" if isinstance(message, messages.Fill) else "position"
            raise errors.DataError(f"{where}: a {what}, but fills of this session are simulated, wanted none")
        if is_event:
            # the decisions that become due do not see this event: it is later than they are
            for event in self._event(message, n, where):
                self.stream.add(event)
        elif isinstance(message, messages.NoMarket):
            self.stream.add(_no_market(message.ts, n))
        self.stream.set_clock(message.ts)
        yield from self._decide()
        if is_event:
            return
        if isinstance(message, messages.Fill):
            self._fill(message, n, where)
        elif isinstance(message, messages.Position):
            lots = round(message.size / self._instruments[n].lot_size)
            self.stream.set_position(n, lots, message.ts)

    def close(self) -> Iterator[Answer]:
        """No more events: yields the quotes of the decisions that are still due at the time of the last one."""
        self.stream.set_clock(self.stream.seen_ns + 1)
        yield from self._decide()

    def get_state(self) -> dict[str, Array]:
        """Copies of all that changes; `set_state` of a new session of the same policy and settings goes on from it."""
        cleaned = {f"cleaner_{name}": array.copy() for name, array in self._cleaner.state().items()}
        width = 0 if self._action is None else np.size(self._action)
        action = np.zeros(width, np.float32) if self._action is None else np.asarray(self._action, np.float32)
        return self.stream.get_state() | cleaned | {"action": action}

    def set_state(self, arrays: dict[str, Array]) -> None:
        """Raises ValueError where they are not what get_state of such a session returns."""
        arrays = dict(arrays)
        action = arrays.pop("action", np.zeros(0))
        sizes = (0, len(self._policy.description["actions"]))
        if action.dtype != np.float32 or action.ndim != 1 or action.size not in sizes:
            raise ValueError(f"action is {action.dtype} {action.shape}, wanted float32 of {sizes[1]}")
        for name, array in self._cleaner.state().items():
            found = arrays.pop(f"cleaner_{name}", np.zeros(0))
            if (found.dtype, found.shape) != (array.dtype, array.shape):
                raise ValueError(f"cleaner's {name} is {found.dtype} {found.shape}, wanted {array.dtype} {array.shape}")
            array[...] = found
        self.stream.set_state(arrays)
        if (self.stream.decision_ns is None) != (action.size == 0):
            raise ValueError("an action without a decision, or a decision without an action")
        self._action = action if action.size else None

    def _instrument_index(self, message, where):
        if message.instrument is None and (len(self._instruments) == 1 or isinstance(message, messages.Time)):
            return 0
        if message.instrument not in self._index:
            raise errors.DataError(f"{where}: instrument {message.instrument}, wanted {', '.join(self._index)}")
        return self._index[message.instrument]

    def _event(self, message, n, where):
        """(0 or 1,) schema.EVENT; an event that cannot be true is dropped and counted, and after a quote the market is
        unknown."""
        number = raw.NO_SEQUENCE if message.sequence is None else message.sequence
        # a row in the order of raw.RAW is assigned in a third of the time that its fields take one by one
        if isinstance(message, messages.Quote):
            bid, ask, bid_size, ask_size = message.bid, message.ask, message.bid_size, message.ask_size
            if bid is None or ask is None or bid_size is None or ask_size is None:
                bid, ask, bid_size, ask_size = (
                    np.nan if value is None else value for value in (bid, ask, bid_size, ask_size)
                )
            self._row[0] = message.ts, number, bid, ask, bid_size, ask_size, schema.QUOTE, 0, n
        else:
            if message.side not in (schema.BUY, schema.SELL, schema.UNKNOWN):
                raise errors.DataError(f"{where}: side {message.side}, wanted +1, -1 or 0")
            px, size = message.price, message.size
            self._row[0] = message.ts, number, px, px, size, size, schema.TRADE, message.side, n
        return self._cleaner.clean(self._row)

    def _fill(self, message, n, where):
        instrument = self._instruments[n]
        lots = round(message.size / instrument.lot_size)
        if message.side not in (schema.BUY, schema.SELL) or lots < 1:
            raise errors.DataError(f"{where}: fill of {message.size} with side {message.side}, wanted a lot, +1 or -1")
        self.stream.report(n, message.side, message.price / instrument.tick_size, lots, message.ts)

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
        for n, (instrument, order) in enumerate(zip(self._instruments, orders, strict=True)):
            if not self.stream.parameters["quoted"][n]:
                continue
            answer = {"ts": self.stream.decision_ns, "instrument": instrument.symbol}
            for side in ("bid", "ask"):
                answer |= self._side(n, order, side)
            if hedges is not None:
                answer["hedge"] = float(schema.multiples(hedges[n], instrument.lot_size))
            out.append(answer)
        return out

    def _restart(self, ts):
        """The answer that pulls all quotes."""
        self.stream.restart()
        self._action = None
        pulled = dict.fromkeys(("bid", "bid_size", "ask", "ask_size"))
        reasons = {"bid_reason": "clock went back", "ask_reason": "clock went back"}
        return [
            {"ts": ts, "instrument": one.symbol} | pulled | reasons
            for n, one in enumerate(self._instruments)
            if self.stream.parameters["quoted"][n]
        ]

    def _side(self, n, order, side):
        """The fields of a side of an order, which admission has seen."""
        if order[f"{side}_lot"] == 0:
            return {side: None, f"{side}_size": None, f"{side}_reason": self._reason(n, order[f"{side}_outcome"])}
        instrument = self._instruments[n]
        return {
            side: float(schema.multiples(order[f"{side}_tick"], instrument.tick_size)),
            f"{side}_size": float(schema.multiples(order[f"{side}_lot"], instrument.lot_size)),
        }

    def _reason(self, n, outcome):
        """Why a side is not quoted, in words."""
        if outcome != state.NOT_SENT:
            return state.OUTCOME_NAMES[outcome]
        market = self.stream.instruments[0, n]
        if not market["has_market"]:
            sides = (market["touch_bid_tick"] > state.NO_BID) + (market["touch_ask_tick"] < state.NO_ASK)
            unknown = market["touch_bid_tick"] > market["touch_ask_tick"]
            return "market has one side" if sides == 1 and not unknown else "market unknown"
        return "no price" if np.isfinite(self._action).all() else "action is no number"


def _no_market(ts, n):
    """A schema.EVENT: the market of instrument n is unknown."""
    event = np.zeros(1, schema.EVENT)
    event["ts"], event["instrument"], event["kind"] = ts, n, schema.NO_MARKET
    event["lo_tick"], event["hi_tick"] = schema.NO_ASK, schema.NO_BID
    return event[0]
