"""The batched environment step: every row sends its quotes, goes through one interval and is observed."""

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats, Floats32, Record, Records
from tfmm.market import schema
from tfmm.simulation import arguments, flat_dealer, passage, randomness, state
from tfmm.simulation.clients import arrivals
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.exchange import events as events_lib, ledger
from tfmm.simulation.rewards import interval, inventory_risk, kinds

FIRST, MID, LAST = 0, 1, 2
CLOCK_LEAST_NS = 1_000_000
"""Shortest time between two decisions where events decide: it bounds the quotes in flight."""
_CLOCK_TIME, _CLOCK_EVENTS, _QUOTE, _TRADE = state.CLOCK_TIME, state.CLOCK_EVENTS, schema.QUOTE, schema.TRADE
_SEGMENT, _START, _END = state.WINDOW_SEGMENT, state.WINDOW_START, state.WINDOW_END
_HEDGE_ACTION = state.HEDGE_ACTION
_NO_BID, _NO_ASK = state.NO_BID, state.NO_ASK


@jit.kernel
def _pick_window(row, market, decisions, n_rows):
    """Chooses the next window: a random stretch of a segment, or the next of the given ones. Returns the segment."""
    windows, segments = market.windows, market.segments
    if windows.shape[0] > 0:
        window = windows[row.window % windows.shape[0]]
        row.window += n_rows
        row.start_ns = window[_START]
        row.end_ns = window[_END]
        return window[_SEGMENT]
    window_ns, warmup_ns = decisions.window_ns, decisions.warmup_ns
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
def _clear(instrument):
    """No market, no quotes, nothing held, no averages."""
    instrument.has_market = 0
    instrument.touch_bid_tick = _NO_BID
    instrument.touch_ask_tick = _NO_ASK
    instrument.my_bid_tick = _NO_BID
    instrument.my_ask_tick = _NO_ASK
    instrument.my_bid_lot = 0
    instrument.my_ask_lot = 0
    instrument.head = 0
    instrument.tail = 0
    instrument.inventory_lot = 0
    instrument.cash = 0.0
    instrument.fees = 0.0
    instrument.abs_lot_s = 0.0
    instrument.n_fills = 0
    instrument.n_refused = 0
    instrument.last_ns = state.NEVER
    instrument.buy_size = 0.0
    instrument.sell_size = 0.0
    instrument.warm = 0
    instrument.inventory_average = 0.0
    instrument.bid_taken.count = 0
    instrument.ask_taken.count = 0
    for k in range(2):
        instrument.signed_flow[k] = 0.0
        instrument.total_flow[k] = 0.0


@jit.kernel
def reset_row(
    market: arguments.Market,
    row: Record,
    account: arguments.Account,
    decisions: arguments.DecisionSchedule,
    n_rows: int,
    log: arguments.FillLog,
) -> None:
    """Starts a window flat, with the features warmed up over `warmup_ns` before it."""
    events, instruments = market.events, account.instruments
    chosen = _pick_window(row, market, decisions, n_rows)
    segment = market.segments[chosen]
    for n in range(instruments.shape[0]):
        _clear(instruments[n])
        instruments[n].price_step = market.price_steps[chosen, n]
    interval_ns = decisions.interval_ns
    steps = min((row.start_ns - segment.start_ns) // interval_ns, decisions.warmup_ns // interval_ns)
    row.ts = row.start_ns - steps * interval_ns
    row.stop = segment.stop_row
    row.cursor = max(segment.start_row, events_lib.seek(events, segment.start_row, segment.stop_row, row.ts) - 1)
    row.done = 0
    features.copy_decays(decisions.decays[0], row.decays)
    for k in range(steps + 1):
        row.cursor = events_lib.advance(events, row.cursor, row.stop, row.ts, account, True, False, log)
        for n in range(instruments.shape[0]):
            features.update(instruments[n], account.parameters[n], row.decays, interval_ns * 1e-9)
        if k < steps:
            row.ts += interval_ns
    for n in range(instruments.shape[0]):
        instruments[n].changed_ns = row.ts
    inventory_risk.begin(row, row.ts)
    arrivals.begin(row, account)


@jit.kernel
def next_decision(events: Records, row: Record, instruments: Records, decisions: arguments.DecisionSchedule) -> int:
    """Time of the next decision, ns.

    CLOCK_TIME: an interval later. CLOCK_EVENTS: at the n_quotes-th quote of the tape. CLOCK_BOTH: an interval later or
    at the first other best price, or when there is none any more, whichever comes first. Where events decide, not later
    than the window's end and not sooner than CLOCK_LEAST_NS.
    """
    if decisions.clock == _CLOCK_TIME:
        return row.ts + decisions.interval_ns
    by_events = decisions.clock == _CLOCK_EVENTS
    latest = row.end_ns if by_events else min(row.end_ns, row.ts + decisions.interval_ns)
    earliest = min(latest, row.ts + CLOCK_LEAST_NS)
    seen = 0
    for k in range(row.cursor, row.stop):
        event = events[k]
        if event.ts > latest:
            break
        if event.kind == _TRADE:
            continue
        if by_events:
            seen += event.kind == _QUOTE
            if seen >= decisions.n_quotes:
                return max(event.ts, earliest)
        else:
            instrument = instruments[event.instrument]
            moved = event.lo_tick != instrument.bid_tick or event.hi_tick != instrument.ask_tick
            if moved and (event.kind == _QUOTE or instrument.has_market):
                return max(event.ts, earliest)
    return latest


@jit.kernel
def write_observation(row: Record, account: arguments.Account, observation: Floats32) -> None:
    """Writes the features of every instrument into observation (N * F,)."""
    instruments = account.instruments
    width = observation.shape[0] // instruments.shape[0]
    time_left = (row.end_ns - row.ts) / max(1, row.end_ns - row.start_ns)
    for n in range(instruments.shape[0]):
        synthetic = quoting.synthetic_mid(instruments, n, account.parameters)
        out = observation[n * width : (n + 1) * width]
        features.observe(instruments[n], account.parameters[n], time_left, synthetic, out)


@jit.kernel
def _decide(events, row, account, actions, sent, decisions, reward, log):
    """Hedges and sends the quotes of every instrument; actions: (N, A), sent: (N,) state.ORDER, written."""
    instruments, parameters = account.instruments, account.parameters
    until = row.ts + decisions.interval_ns
    for n in range(instruments.shape[0]):
        synthetic = quoting.synthetic_mid(instruments, n, parameters)
        interval.before_quote(events, row, account, n, synthetic, until, reward)
        if parameters[n].hedge == _HEDGE_ACTION:
            interval.hedge(row, account, n, actions[n, actions.shape[1] - 1], reward, log)
        order = quoting.send(instruments[n], account.in_flight[n], parameters[n], row.ts, actions[n], synthetic)
        interval.after_quote(events, row, account, n, order, until, reward)
        copy = sent[n]
        copy.active_ns = row.ts
        copy.bid_tick = order.bid_tick
        copy.bid_lot = order.bid_lot
        copy.ask_tick = order.ask_tick
        copy.ask_lot = order.ask_lot


@jit.kernel
def _advance_interval(market, row, account, decisions, risk, log):
    """Advances a row to its next decision: its time, all that happens until then, the features' averages."""
    sent_ns = row.ts
    row.ts = next_decision(market.events, row, account.instruments, decisions)
    if decisions.clock == _CLOCK_TIME:
        row.done = 1 if row.ts + decisions.interval_ns > row.end_ns else 0
    else:
        row.done = 1 if row.ts >= row.end_ns else 0
        features.decay_over((row.ts - sent_ns) * 1e-9, row.decays)
    passage.to_decision(market.events, row, account, risk, log)
    for n in range(account.instruments.shape[0]):
        ledger.accrue(account.instruments[n], row.ts)
        features.update(account.instruments[n], account.parameters[n], row.decays, (row.ts - sent_ns) * 1e-9)


@jit.kernel
def step_rows(
    actions: Floats,
    market: arguments.Market,
    batch: arguments.Batch,
    parameters: Records,
    decisions: arguments.DecisionSchedule,
    reward: kinds.Reward,
    log: arguments.FillLog,
    flat_dealers: arguments.FlatDealers | None,
) -> int:
    """One decision of every row; a row whose window is over starts the next one instead.

    Args:
        actions: (B, N, A) float64: prices, with `sizes` ask and bid size, with HEDGE_ACTION last the hedge.
        market, batch, decisions, log: of tfmm.simulation.arguments; the log has room for all fills of a step, or none.
        parameters: (N,) state.PARAMETERS. reward: rewards.kinds.Reward.
        flat_dealers: of these rows, where their rewards are subtracted; None, known at compile time, leaves their code
            out, beside which the compiler inlines less of the rows' own.

    Returns:
        Number of entries in the log.
    """
    log.counter.n_fills = 0
    for b in range(batch.rows.shape[0]):
        row = batch.rows[b]
        account = arguments.Account(batch.instruments[b], batch.in_flight[b], parameters)
        if row.done:
            reset_row(market, row, account, decisions, batch.n_rows, log)
            batch.reward[b] = 0.0
            batch.step_type[b] = FIRST
            if flat_dealers is not None:
                flat_dealer.begin(row, account, flat_dealers, b)
            write_observation(row, account, batch.observation[b])
            continue
        first = log.counter.n_fills
        opening = interval.begin(row, account, reward)
        _decide(market.events, row, account, actions[b], batch.sent[b], decisions, reward, log)
        held_risk_cost = reward.risk.cost_per_s * row.risk_now * decisions.interval_ns * 1e-9
        _advance_interval(market, row, account, decisions, reward.risk, log)
        if log.fills.shape[0] > 0:
            for k in range(first, log.counter.n_fills):
                log.fills[k].batch_row = batch.first_row + b
        batch.step_type[b] = LAST if row.done else MID
        write_observation(row, account, batch.observation[b])
        batch.reward[b] = interval.earned(market.events, row, account, opening, held_risk_cost, reward)
        if flat_dealers is not None:
            batch.reward[b] -= flat_dealer.earned(market.events, row, parameters, flat_dealers, b, reward)
    return log.counter.n_fills
