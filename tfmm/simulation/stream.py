"""The simulator on events that come one by one: the same kernel, so the same features and quotes as in training.

A decision at t needs every event with ts <= t. It is due when an event later than t has come, or the clock is past t.
"""

from collections.abc import Callable, Sequence
from typing import TypeAlias

import numpy as np

from tfmm.arrays import Array, Floats32, Ints, Record, Records
from tfmm.market import schema
from tfmm.simulation import parallel, simulator, state, stream_kernels
from tfmm.simulation.dealer import quoting

_CAPACITY = 1 << 12
_LOGGED_FILLS = 1 << 14  # of a step that are kept for an observer
_FOREVER = state.FOREVER


Observer: TypeAlias = Callable[[Records, Records], None]
"""Called after each step with the (K,) schema.EVENT that passed in it and its (F,) state.FILL; both are to keep."""


class Stream(simulator.Simulator):
    """One dealer on a stream; the first `warmup_s` after the first event only warm the features up.

    Attributes:
        decision_ns: time of the last decision, None before the first.
        seen_ns: latest time of an event or the clock.
        silence_ns: a longer time without an event is passed by one decision at its end, and what is quoted is pulled
            within it; unless set: by a decision for every interval, as in a backtest.
        late: number of events dropped because they came after a decision that should have known them.
    """

    def __init__(
        self,
        parameters: Records,
        interval_s: float,
        warmup_s: float,
        clock: tuple[str, int] = ("time", 1),
        end_ns: int | None = None,
        seed: int = 0,
        simulated: bool = True,
        price_steps: Sequence[int] = (),
    ) -> None:
        """
        Args:
            parameters: (N,) state.PARAMETERS. interval_s, warmup_s: see simulator.Decisions.
            clock: Decisions.clock and Decisions.n_quotes.
            end_ns: end of the session, where it is known; only the feature `time_left` and the last decision need it.
            seed: of simulated clients.
            simulated: whether the fill rules fill our quotes and hedge; else only `report` fills them.
            price_steps: of each instrument, ticks; empty: one tick.
        """
        self._hedging, self._simulated = parameters["hedge"].copy(), simulated
        self._hedges_by_action = bool((self._hedging == state.HEDGE_ACTION).any())
        if not simulated:
            parameters = parameters.copy()
            parameters["tape_fills"], parameters["client_rate"], parameters["liquidate"] = 0, 0.0, 0
            parameters["hedge"][parameters["hedge"] == state.HEDGE_LIMIT] = state.HEDGE_NONE
        self._buffer = np.zeros(_CAPACITY, schema.EVENT)
        kind, n_quotes = clock
        steps = np.array([price_steps], np.int64) if len(price_steps) else None
        super().__init__(
            simulator.Tape(self._buffer, np.zeros(1, state.SEGMENT), np.zeros((1, 3), np.int64), steps),
            parameters,
            1,
            simulator.Decisions(interval_s, warmup_s=warmup_s, clock=kind, n_quotes=n_quotes),
            seed=seed,
        )
        self._segments, self._windows = self._market.segments, self._market.windows
        self._schedule = tuple(self._decisions)  # numba looks up its type in a third of the time
        self._count, self.seen_ns, self.silence_ns = 0, state.NEVER, _FOREVER
        self._start_ns: int | None = None
        self._warmup_ns, self._end_ns = round(warmup_s * 1e9), _FOREVER if end_ns is None else int(end_ns)
        self.decision_ns: int | None = None
        self.late = 0
        self._reported: list[tuple[int, int, float, int, int]] = []
        self._decision_lot = np.zeros(len(parameters), np.int64)  # inventory at the last decision
        self._opening = np.zeros(len(parameters), state.POSITION)  # what the first decision begins with
        self._grid_ns: int | None = None  # a time of a decision before a restart
        self._observer: Observer | None = None

    def observe(self, observer: Observer) -> None:
        """Tells an observer of every step from now on; only fills of the fill rules are in it."""
        self._observer = observer
        self._log = np.zeros(_LOGGED_FILLS, state.FILL)
        self._work = parallel.Rows(1, self._part, 1)

    def add(self, event: Record) -> None:
        """Takes one market event.

        Args:
            event: schema.EVENT. Events may come out of order as long as no decision has been taken after them.
        """
        ts = int(event["ts"])
        if self._start_ns is None:
            self._start_ns = ts + self._warmup_ns
            if self._grid_ns is not None:
                self._start_ns += (self._grid_ns - self._start_ns) % self.interval_ns
            self._segments[0] = (0, 0, ts, self._end_ns)
        if ts < self._segments["start_ns"][0] or (self.decision_ns is not None and ts <= self.decision_ns):
            self.late += 1
            return
        if self._count == len(self._buffer):
            self._grow()
        index = self._count
        if index and self._buffer["ts"][index - 1] >= ts:
            index = self._place(event, ts)
        self._buffer[index] = event
        self._count += 1
        self.set_clock(ts)

    def _place(self, event, ts):
        """Makes room for an event that is not later than all others; returns its index.

        A true quote at the time at which the market became unknown: it never was.
        """
        first, index = (int(np.searchsorted(self._buffer["ts"][: self._count], ts, side)) for side in ("left", "right"))
        if event["kind"] in (schema.QUOTE, schema.ONE_SIDED):
            same = self._buffer[first:index]
            unknown = (same["kind"] == schema.NO_MARKET) & (same["instrument"] == event["instrument"])
            if unknown.any():
                later = np.concatenate([same[~unknown], self._buffer[index : self._count]])
                self._count -= int(unknown.sum())
                index -= int(unknown.sum())
                self._buffer[first : self._count] = later
        self._buffer[index + 1 : self._count + 1] = self._buffer[index : self._count]
        return index

    def set_clock(self, ts: int) -> None:
        """The clock is at ts; more events at exactly ts may come."""
        if ts > self.seen_ns:
            self.seen_ns = int(ts)

    def due(self) -> bool:
        """Whether everything that the next decision needs has come."""
        if self._start_ns is None:
            return False
        if self.decision_ns is None:
            return self._start_ns < self.seen_ns
        by_time = self._decisions.clock == state.CLOCK_TIME
        if by_time and self.decision_ns + self.interval_ns >= self.seen_ns:
            return False
        if self.over or by_time:
            return not self.over
        self.rows["stop"] = self._count
        return (
            stream_kernels.next_decision_ns(self._market.events, self.rows, self.instruments, self._schedule)
            < self.seen_ns
        )

    def decide(self, action: Array | None) -> Floats32:
        """Advances to the decision that is due.

        Args:
            action: (N A,) taken at the last decision; None at the first.

        Returns:
            (N F,) float32 view, features.NAMES for each instrument.
        """
        if self.decision_ns is None:
            self._segments["stop_row"] = self._count
            self._windows[0] = (0, self._start_ns, self._end_ns)
            self.reset()
            if self._opening["inventory_lot"].any() or self._opening["cash"].any():
                self.hold(self._opening[np.newaxis])
            for fill in self._reported:
                self._book(*fill)
            stream_kernels.observe(self.rows, self.instruments, self.in_flight, self.parameters, self.observation)
        else:
            end_ns = self._silence_end_ns()
            self._send(action)
            if end_ns is not None and not self.over:
                self._pass_silence(end_ns)
        self._forget_passed()
        self._decision_lot = self.instruments["inventory_lot"][0].copy()
        return self.observation[0]

    def _send(self, action):
        """Steps to the next decision."""
        self.rows["stop"] = self._count
        sent = self._every_instrument(action).copy()
        if not self._simulated:
            self._keep_quotes(sent[0])
            sent[:, self._hedging == state.HEDGE_ACTION, -1] = 0.0
        self.step(sent)

    def _forget_passed(self):
        """The events of a step are done with."""
        self.decision_ns = int(self.rows["ts"][0])
        done = int(self.rows["cursor"][0])
        if self._observer is not None:
            self._observer(self._buffer[:done].copy(), self.fills.copy())
        self._buffer[: self._count - done] = self._buffer[done : self._count]
        self._count -= done
        self.rows["cursor"] = 0

    def _silence_end_ns(self):
        """The last time of a decision in a silence that begins before the next one, None without a silence."""
        if self.silence_ns == _FOREVER or self._decisions.clock == state.CLOCK_EVENTS:
            return None
        now, following = int(self.rows["ts"][0]), int(self.rows["ts"][0]) + self.interval_ns
        later = int(np.searchsorted(self._buffer["ts"][: self._count], following, side="right"))
        heard = int(self._buffer["ts"][later]) if later < self._count else self.seen_ns
        end_ns = now + (min(heard - 1, self._end_ns) - now) // self.interval_ns * self.interval_ns
        return end_ns if heard - following > self.silence_ns and end_ns > following else None

    def _pass_silence(self, end_ns):
        """From the first decision in a silence to its end, without a quote."""
        self._forget_passed()
        usual = self.rows["decays"].copy()
        stream_kernels.decay_over(self.rows, (end_ns - int(self.rows["ts"][0])) * 1e-9)
        self.rows["ts"] = end_ns - self.interval_ns
        self._send(np.full(self._no_action.shape, np.nan))
        self.rows["decays"] = usual

    @property
    def over(self) -> bool:
        """Whether the last decision was the session's end, after which nothing is quoted."""
        return self.decision_ns is not None and bool(self.rows["done"][0])

    @property
    def waiting(self) -> Records:
        """(K,) schema.EVENT later than the last decision, a copy."""
        return self._buffer[: self._count].copy()

    def quotes(self, action: Array) -> Records:
        """(N,) state.ORDER of an action (N A,) at the last decision, as far as admission.admit lets it rest there."""
        orders = np.zeros((len(self.parameters), 1), state.ORDER)
        # a copy in a tenth of the time that NumPy takes, which copies records field by field
        instruments = np.frombuffer(bytearray(self.instruments[0].tobytes()), state.INSTRUMENT_STATE)
        instruments["inventory_lot"] = self._decision_lot
        log = np.zeros(0, state.FILL), np.zeros(1, state.COUNTER)
        now, actions = int(self.rows["ts"][0]), self._every_instrument(action)[0]
        stream_kernels.preview(instruments, orders, self.parameters, now, actions, log)
        return orders[:, 0]

    def hedges(self, action: Array) -> Ints:
        """(N,) int64 lots to trade at the market now, + to buy: what the action hedges, or the limit."""
        inventory_lot = self._decision_lot
        close = np.zeros(len(inventory_lot), np.int64)
        share = np.clip(np.nan_to_num(self._every_instrument(action)[0, :, -1]), 0.0, 1.0)
        for n, hedging in enumerate(self._hedging):
            if hedging == state.HEDGE_ACTION:
                close[n] = int(share[n] * abs(inventory_lot[n]) + 0.5)
            elif hedging == state.HEDGE_LIMIT:
                close[n] = max(0, abs(int(inventory_lot[n])) - int(self.parameters["hedge_threshold_lot"][n]))
        return -np.sign(inventory_lot) * close

    def _hedged_lot(self, action):
        """(N,) int64 inventory after the action's hedge at the last decision: what its quotes were computed from."""
        if not self._hedges_by_action:
            return self._decision_lot
        return self._decision_lot + np.where(self._hedging == state.HEDGE_ACTION, self.hedges(action), 0)

    def _keep_quotes(self, action):
        """Changes an action (N, A) so that it sends what `quotes` returned, whatever fills were reported since."""
        decision_lot = self._hedged_lot(action)
        for n, parameters in enumerate(self.parameters):
            if parameters["action"] == parameters["reference_quote"]:
                shift = np.zeros(2)
                quoting.add_residual_shift(self.instruments[0, n], parameters, decision_lot[n], shift)
                action[n, :2] += shift

    def report(self, instrument: int, side: int, price_tick: float, lots: int, ts: int) -> None:
        """Books a fill of the venue, where `simulated` is False."""
        fill = (instrument, side, float(price_tick), lots, ts)
        if self.decision_ns is None:  # a session begins flat: earlier fills are booked at its first decision
            self._reported.append(fill)
        else:
            self._book(*fill)

    def set_position(self, instrument: int, lots: int, ts: int) -> None:
        """The inventory is `lots`, where `simulated` is False: what is not in fills was traded at the mid."""
        self.report(instrument, 0, 0.0, lots, ts)

    def _book(self, instrument, side, price_tick, lots, ts):
        if side == 0:
            stream_kernels.set_position(self.instruments[0], instrument, lots, ts, self.parameters)
        else:
            stream_kernels.report(self.instruments[0], instrument, side, price_tick, lots, ts, self.parameters)

    def _grow(self):
        self._buffer = np.concatenate([self._buffer, np.zeros(len(self._buffer), schema.EVENT)])
        self._mapped, self._market = self._buffer, self._market._replace(events=state.read_only(self._buffer))
        self._work = parallel.Rows(1, self._part, 1)
