"""The batched environment step: every row sends its quotes, lives through one interval, looks."""

import numpy as np

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import randomness, state
from tfmm.simulation.clients import arrivals
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.exchange import events as events_lib, ledger
from tfmm.simulation.rewards import expected_fills, inventory_risk, mark_to_market, markout

FIRST, MID, LAST = 0, 1, 2
CLOCK_LEAST_NS = 1_000_000
"""Shortest time between two decisions where events decide: it bounds the quotes in flight."""
_CLOCK_TIME, _CLOCK_EVENTS, _QUOTE = state.CLOCK_TIME, state.CLOCK_EVENTS, schema.QUOTE
_HEDGE_LIMIT, _HEDGE_ACTION = state.HEDGE_LIMIT, state.HEDGE_ACTION
_NO_BID, _NO_ASK, _FOREVER = state.NO_BID, state.NO_ASK, state.FOREVER


@jit.kernel
def _pick_window(row, segments, windows, stride, window_ns, warmup_ns):
    """Chooses the next window: a random stretch of a segment, or the next of `windows`. Returns the segment."""
    if windows.shape[0] > 0:
        window = windows[row.window % windows.shape[0]]
        row.window += stride
        row.start_ns = window[1]
        row.end_ns = window[2]
        return window[0]
    total = 0.0
    for s in range(segments.shape[0]):
        total += max(1.0, segments[s].end_ns - segments[s].start_ns - warmup_ns - window_ns + 1.0)
    target = randomness.uniform(row) * total
    chosen = segments.shape[0] - 1
    for s in range(segments.shape[0]):
        target -= max(1.0, segments[s].end_ns - segments[s].start_ns - warmup_ns - window_ns + 1.0)
        if target < 0.0:
            chosen = s
            break
    segment = segments[chosen]
    room = max(0, segment.end_ns - segment.start_ns - warmup_ns - window_ns)
    row.start_ns = segment.start_ns + warmup_ns + np.int64(randomness.uniform(row) * room)
    row.end_ns = min(row.start_ns + window_ns, segment.end_ns)
    return chosen


@jit.kernel
def reset_row(events, segments, windows, stride, row, books, rings, rules, clock, decay, log, outcomes):
    """Starts a window flat, with the features warmed up over `warmup_ns` before it."""
    interval_ns, window_ns, warmup_ns = clock[0], clock[1], clock[2]
    segment = segments[_pick_window(row, segments, windows, stride, window_ns, warmup_ns)]
    for n in range(books.shape[0]):
        book = books[n]
        book.has_market = 0
        book.my_bid_tick = _NO_BID
        book.my_ask_tick = _NO_ASK
        book.my_bid_lot = 0
        book.my_ask_lot = 0
        book.head = 0
        book.tail = 0
        book.inventory_lot = 0
        book.cash = 0.0
        book.fees = 0.0
        book.abs_lot_s = 0.0
        book.n_fills = 0
        book.n_refused = 0
        book.last_ns = state.NEVER
        book.buy_size = 0.0
        book.sell_size = 0.0
        book.warm = 0
        book.inventory_average = 0.0
        for k in range(2):
            book.signed_flow[k] = 0.0
            book.total_flow[k] = 0.0
    steps = (row.start_ns - segment.start_ns) // interval_ns
    steps = min(steps, warmup_ns // interval_ns)
    row.ts = row.start_ns - steps * interval_ns
    row.stop = segment.stop_row
    row.cursor = max(segment.start_row, events_lib.seek(events, segment.start_row, segment.stop_row, row.ts) - 1)
    row.done = 0
    for k in range(steps + 1):
        row.cursor, _ = events_lib.advance(
            events, row.cursor, row.stop, row.ts, books, rings, rules, True, False, log, 0, outcomes
        )
        for n in range(books.shape[0]):
            features.update(books[n], rules[n], decay, interval_ns * 1e-9)
        if k < steps:
            row.ts += interval_ns
    for n in range(books.shape[0]):
        books[n].changed_ns = row.ts
    for k in range(len(decay)):
        row.decay[k] = decay[k]
    inventory_risk.begin(row, row.ts)
    arrivals.begin(row, books, rules)


@jit.kernel
def next_decision(events, row, books, clock):
    """Time of the next decision, ns: after the interval; at the clock[4]-th quote of the tape; or after the interval
    or with the first other best price, whichever comes first. Never later than the window's end, and not sooner than
    CLOCK_LEAST_NS where events decide."""
    if clock[3] == _CLOCK_TIME:
        return row.ts + clock[0]
    latest = row.end_ns if clock[3] == _CLOCK_EVENTS else min(row.end_ns, row.ts + clock[0])
    earliest = min(latest, row.ts + CLOCK_LEAST_NS)
    seen = 0
    for k in range(row.cursor, row.stop):
        event = events[k]
        if event.ts > latest:
            break
        if event.kind != _QUOTE:
            continue
        if clock[3] == _CLOCK_EVENTS:
            seen += 1
            if seen >= clock[4]:
                return max(event.ts, earliest)
        else:
            book = books[event.instrument]
            if event.lo_tick != book.bid_tick or event.hi_tick != book.ask_tick:
                return max(event.ts, earliest)
    return latest


@jit.kernel
def _live(events, row, books, rings, rules, omega, vector, log, n_log, outcomes):
    """Everything up to row.ts: events, activations, clients; then hedges. Returns the new fill count."""
    while True:
        n, arrival_ns = arrivals.next_arrival(books)
        until = min(arrival_ns, row.ts)
        pause = omega.shape[0] > 0
        while True:
            before = n_log
            row.cursor, n_log = events_lib.advance(
                events, row.cursor, row.stop, until, books, rings, rules, True, pause, log, n_log, outcomes
            )
            if not pause or n_log == before:
                break
            inventory_risk.accrue_fills(row, books, rules, omega, vector[1])
        if arrival_ns > row.ts:
            break
        n_log = arrivals.serve(events, row.cursor, row.stop, books, n, rules, log, n_log)
        inventory_risk.accrue(row, books, rules, omega, vector[1], arrival_ns)
    for n in range(books.shape[0]):
        if row.done and rules[n].liquidate:
            n_log = arrivals.hedge(books[n], n, 0, row.ts, row.cursor - 1, rules[n], log, n_log)
        elif rules[n].hedge == _HEDGE_LIMIT:
            n_log = arrivals.hedge(books[n], n, rules[n].hedge_lot, row.ts, row.cursor - 1, rules[n], log, n_log)
    inventory_risk.accrue(row, books, rules, omega, vector[1], row.ts)
    return n_log


@jit.kernel
def look(row, books, rules, observation):
    """Writes the features of every instrument into observation (N * F,)."""
    width = observation.shape[0] // books.shape[0]
    time_left = (row.end_ns - row.ts) / max(1, row.end_ns - row.start_ns)
    for n in range(books.shape[0]):
        synthetic = quoting.synthetic_mid(books, n, rules)
        features.observe(books[n], rules[n], time_left, synthetic, observation[n * width : (n + 1) * width])


@jit.kernel
def step_rows(
    actions,
    events,
    segments,
    windows,
    rows,
    books,
    rings,
    rules,
    clock,
    decay,
    scale,
    omega,
    vector,
    values,
    out,
    reward,
    step_type,
    sent,
    log,
    outcomes,
    stride,
    first_row,
):
    """One decision of every row; a row whose window is over starts the next one instead.

    Args:
        actions: (B, N, A) float64: prices, with `sizes` ask and bid size, with HEDGE_ACTION last the hedge.
            events: (E,) schema.EVENT of the whole store. segments: (S,) state.SEGMENT.
        windows: (W, 3) int64 segment, start, end; empty: random windows.
        rows: (B,) state.ROW. books: (B, N) state.BOOK. rings: (B, N, L) state.ORDER. rules: (N,)
            state.PARAMETERS.
        clock: (5,) int64 interval, window, warm-up, ns; state.CLOCK_TIME, ... and its number of quotes.
        decay: features.decays of the interval.
        scale: money of one reward unit, tick x lot of the first instrument. omega, vector: see features.objective.
        values: (N, X (2 L + 1)) or (1, S) float64 for the reward of tfmm.simulation.rewards.expected_fills, or where it
        is marked later
            (N, 2 L + 1) of tfmm.simulation.rewards.markout; empty: without.
        out: (B, N F) float32 observations. reward: (B,) float32.
        step_type: (B,) int32. sent: (B, N) state.ORDER, the quotes sent at this decision.
        log: (K,) state.FILL with room for all fills of a step, or empty. outcomes: (0, 0, 0) int8.
        stride, first_row: rows of the whole batch, and the place of these in it.

    Returns:
        Number of entries in the log.
    """
    n_log = 0
    interval_ns = clock[0]
    count = books.shape[1]
    taught = values.shape[0] > 0 and rules[0].markout_ns == 0
    for b in range(rows.shape[0]):
        row, own = rows[b], books[b]
        if row.done:
            reset_row(events, segments, windows, stride, row, own, rings[b], rules, clock, decay, log, outcomes)
            reward[b] = 0.0
            step_type[b] = FIRST
            look(row, own, rules, out[b])
            continue
        before, risk_before = mark_to_market.objective(row, own, rules, omega, vector), row.risk_s
        first = n_log
        for n in range(count):
            synthetic = quoting.synthetic_mid(own, n, rules)
            if taught and rules[n].compared:
                expected_fills.compare(
                    events, row, row.ts + interval_ns, own[n], n, rules[n], synthetic, own[0].last_ns
                )
            if rules[n].hedge == _HEDGE_ACTION:
                share, drift = actions[b, n, actions.shape[2] - 1], expected_fills.drift_of(out[b], n, count)
                wealth = expected_fills.wealth(own[n], rules[n], values[n], drift) if taught else 0.0
                n_log = arrivals.hedge_share(own[n], n, share, row.ts, row.cursor - 1, rules[n], log, n_log)
                if taught:
                    own[n].hedge_gain = expected_fills.wealth(own[n], rules[n], values[n], drift) - wealth
                inventory_risk.accrue(row, own, rules, omega, vector[1], row.ts)
            order = quoting.send(own[n], rings[b, n], rules[n], row.ts, actions[b, n], synthetic)
            markout.note(own[n])
            if taught:
                expected_fills.expect(events, row, row.ts + interval_ns, own[n], n, rules[n], order, own[0].last_ns)
            copy = sent[b, n]
            copy.active_ns = row.ts
            copy.bid_tick = order.bid_tick
            copy.bid_lot = order.bid_lot
            copy.ask_tick = order.ask_tick
            copy.ask_lot = order.ask_lot
        sent_ns, standing = row.ts, vector[0] * row.risk_now * interval_ns * 1e-9
        row.ts = next_decision(events, row, own, clock)
        if clock[3] == _CLOCK_TIME:
            row.done = 1 if row.ts + interval_ns > row.end_ns else 0
        else:
            row.done = 1 if row.ts >= row.end_ns else 0
            features.decay_over((row.ts - sent_ns) * 1e-9, row.decay)
        n_log = _live(events, row, own, rings[b], rules, omega, vector, log, n_log, outcomes)
        if log.shape[0] > 0:
            for k in range(first, n_log):
                log[k].batch_row = first_row + b
        for n in range(count):
            ledger.accrue(own[n], row.ts)
            features.update(own[n], rules[n], row.decay, (row.ts - sent_ns) * 1e-9)
        step_type[b] = LAST if row.done else MID
        look(row, own, rules, out[b])
        if taught:
            drawn = vector[0] * (row.risk_s - risk_before)
            reward[b] = expected_fills.reward(own, rules, values, omega.shape[0] > 0, drawn, standing, out[b]) / scale
        else:
            gained = mark_to_market.objective(row, own, rules, omega, vector) - before
            if rules[0].markout_ns > 0:
                gained += markout.correction(events, row, own, rules, values)
            reward[b] = gained / scale
    return n_log
