"""The simulator on events that come one by one: the same kernel, so the same features and quotes as in training.

A decision at t needs every event with ts <= t. It is due when something later than t has been seen: an event, or
word that the clock is past t.
"""

import numpy as np

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import arguments, kernel, parallel, simulator, state
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import ledger

_CAPACITY = 1 << 12
_FOREVER = state.FOREVER


class Stream(simulator.Simulator):
    """One dealer on a stream; the first `warmup_s` after the first event only warm the features up.

    Attributes:
        decision_ns: time of the last decision, None before the first.
        seen_ns: latest time seen. late: events dropped because a decision after them had been taken.
    """

    def __init__(self, rules, interval_s, warmup_s, clock=("time", 1), end_ns=None, seed=0, simulated=True):
        """
        Args:
            rules: (N,) state.PARAMETERS. interval_s, warmup_s, clock, seed: as Simulator.
            end_ns: end of the session, where one is known; only the feature `time_left` and the last decision need it.
            simulated: whether the rules fill our quotes and hedge; else nothing happens but what `report` tells.
        """
        self._hedging, self._simulated = rules["hedge"].copy(), simulated
        if not simulated:
            rules = rules.copy()
            rules["tape_fills"], rules["client_rate"], rules["liquidate"] = 0, 0.0, 0
            rules["hedge"][rules["hedge"] == state.HEDGE_LIMIT] = state.HEDGE_NONE
        self._buffer = np.zeros(_CAPACITY, schema.EVENT)
        kind, n_quotes = clock
        super().__init__(
            simulator.Tape(self._buffer, np.zeros(1, state.SEGMENT), np.zeros((1, 3))),
            rules,
            1,
            simulator.Decisions(interval_s, warmup_s=warmup_s, clock=kind, n_quotes=n_quotes),
            seed=seed,
        )
        self._segments, self._windows = self._market.segments, self._market.windows
        self._count, self.seen_ns, self._start_ns = 0, state.NEVER, None
        self._warmup_ns, self._end_ns = round(warmup_s * 1e9), _FOREVER if end_ns is None else int(end_ns)
        self.decision_ns, self.late, self._reported = None, 0, []
        self._held = np.zeros(len(rules), np.int64)  # at the last decision

    def add(self, event):
        """Takes one market event.

        Args:
            event: a schema.EVENT record. One earlier than others finds its place as long as no decision came after it.
        """
        ts = int(event["ts"])
        if self._start_ns is None:
            self._start_ns = ts + self._warmup_ns
            self._segments[0] = (0, 0, ts, self._end_ns)
        if ts < self._segments["start_ns"][0] or (self.decision_ns is not None and ts <= self.decision_ns):
            self.late += 1
            return
        if self._count == len(self._buffer):
            self._grow()
        place = self._count
        while place > 0 and self._buffer["ts"][place - 1] > ts:
            place -= 1
        self._buffer[place + 1 : self._count + 1] = self._buffer[place : self._count]
        self._buffer[place] = event
        self._count += 1
        self.see(ts)

    def see(self, ts):
        """The clock is at ts; more events at exactly ts may come."""
        self.seen_ns = max(self.seen_ns, int(ts))

    def due(self):
        """Whether everything that the next decision needs has come."""
        if self._start_ns is None:
            return False
        if self.decision_ns is None:
            return self._start_ns < self.seen_ns
        if self.over:
            return False
        self.rows["stop"] = self._count
        return _next(self._market.events, self.rows, self.books, self._decisions) < self.seen_ns

    def decide(self, action):
        """Goes on to the decision that is due.

        Args:
            action: (N A,) taken at the last decision; None at the first.

        Returns:
            (N F,) float32 view, features.NAMES for each instrument.
        """
        if self.decision_ns is None:
            self._segments["stop_row"] = self._count
            self._windows[0] = (0, self._start_ns, self._end_ns)
            self.reset()
            for fill in self._reported:
                _report(self.books[0], *fill, self.rules)
            _observe(self.rows, self.books, self.rings, self.rules, self.observation)
        else:
            self.rows["stop"] = self._count
            action = self._whole(action).copy()
            if not self._simulated:
                self._as_told(action[0])
                action[:, self._hedging == state.HEDGE_ACTION, -1] = 0.0
            self.step(action)
        self.decision_ns = int(self.rows["ts"][0])
        done = int(self.rows["cursor"][0])
        self._buffer[: self._count - done] = self._buffer[done : self._count]
        self._count -= done
        self.rows["cursor"] = 0
        self._held = self.books["inventory_lot"][0].copy()
        return self.observation[0]

    @property
    def over(self):
        """Whether the last decision was the session's end, at which nothing is quoted any more."""
        return self.decision_ns is not None and bool(self.rows["done"][0])

    def quotes(self, action):
        """(N,) state.ORDER that an action (N A,) sends at the last decision; `active_ns` is when they arrive."""
        orders, books = np.zeros((len(self.rules), 1), state.ORDER), self.books[0].copy()
        books["inventory_lot"] = self._kept(action)
        _preview(books, orders, self.rules, self.decision_ns, self._whole(action)[0])
        return orders[:, 0]

    def hedges(self, action):
        """(N,) int64 lots that are to be traded at the market now, + to buy: by the action or beyond the limit."""
        held = self._held
        close = np.zeros(len(held), np.int64)
        share = np.clip(self._whole(action)[0, :, -1], 0.0, 1.0)
        for n, hedging in enumerate(self._hedging):
            if hedging == state.HEDGE_ACTION:
                close[n] = int(share[n] * abs(held[n]) + 0.5)
            elif hedging == state.HEDGE_LIMIT:
                close[n] = max(0, abs(int(held[n])) - int(self.rules["hedge_lot"][n]))
        return -np.sign(held) * close

    def _kept(self, action):
        """(N,) int64 lots held at the last decision once the action's own hedge is done: what its quotes go by."""
        return self._held + np.where(self._hedging == state.HEDGE_ACTION, self.hedges(action), 0)

    def _as_told(self, action):
        """Rewrites an action (N, A) so that, with fills reported since, it sends what `quotes` told of it."""
        told = self._kept(action)
        for n, rule in enumerate(self.rules):
            if rule["action"] == rule["base"]:
                moved = np.zeros(2)
                quoting.moved(self.books[0, n], rule, told[n], moved)
                action[n, :2] += moved

    def report(self, instrument, side, price_tick, lots, ts):
        """Books a fill that happened elsewhere, for a simulator whose rules fill nothing."""
        fill = (instrument, side, float(price_tick), lots, ts)
        if self.decision_ns is None:  # the session begins flat; what is held by then counts from its first decision on
            self._reported.append(fill)
        else:
            _report(self.books[0], *fill, self.rules)

    def _grow(self):
        self._buffer = np.concatenate([self._buffer, np.zeros(len(self._buffer), schema.EVENT)])
        self._mapped, self._market = self._buffer, self._market._replace(events=state.read_only(self._buffer))
        self._work = parallel.Rows(1, self._part, 1)


@jit.kernel
def _next(events, rows, books, decisions):
    return kernel.next_decision(events, rows[0], books[0], decisions)


@jit.kernel
def _observe(rows, books, rings, rules, observation):
    kernel.write_observation(rows[0], arguments.Account(books[0], rings[0], rules), observation[0])


@jit.kernel
def _preview(books, rings, rules, ts, actions):
    for n in range(books.shape[0]):
        books[n].tail = 0
        quoting.send(books[n], rings[n], rules[n], ts, actions[n], quoting.synthetic_mid(books, n, rules))


@jit.kernel
def _report(books, n, side, price_tick, lots, ts, rules):
    book = books[n]
    ledger.apply_fill(book, side, price_tick, lots, rules[n].maker_rate, rules[n].reference_tick, ts)
    if side > 0:
        book.my_bid_lot = max(0, book.my_bid_lot - lots)
        if book.my_bid_lot == 0:
            book.my_bid_tick = state.NO_BID
    else:
        book.my_ask_lot = max(0, book.my_ask_lot - lots)
        if book.my_ask_lot == 0:
            book.my_ask_tick = state.NO_ASK
