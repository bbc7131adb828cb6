"""What the kernels take, grouped: numba passes the fields of a NamedTuple on at no cost.

Shapes: E events, B batch rows, N instruments, L orders in flight, F features, K entries of a log.
"""

from typing import NamedTuple

from tfmm.arrays import Floats32, Ints, Ints32, Record, Records


class Market(NamedTuple):
    """The tape and what rows play of it.

    Attributes:
        events: (E,) schema.EVENT of the whole store.
        segments: (S,) state.SEGMENT.
        windows: (W, 3) int64, columns state.WINDOW_SEGMENT, ...; W = 0: random windows of the segments.
        price_steps: (S, N) int64, ticks.
    """

    events: Records
    segments: Records
    windows: Ints
    price_steps: Ints


class FillLog(NamedTuple):
    """Where fills are written down.

    Attributes:
        fills: (K,) state.FILL; K = 0: fills are only counted.
        counter: state.COUNTER. A record, as kernels pass one on as a single pointer.
    """

    fills: Records
    counter: Record


class FlatDealers(NamedTuple):
    """The dealers whose rewards are subtracted from those of B rows, see flat_dealer.

    Attributes:
        rows: (B,) state.ROW. instruments: (B, N) state.INSTRUMENT_STATE. in_flight: (B, N, L) state.ORDER.
        log: of their fills, which are only counted.
    """

    rows: Records
    instruments: Records
    in_flight: Records
    log: FillLog


class Batch(NamedTuple):
    """All that a step overwrites of B rows, and where these rows stand in the whole batch.

    Attributes:
        rows: (B,) state.ROW. instruments: (B, N) state.INSTRUMENT_STATE. in_flight: (B, N, L) state.ORDER.
        observation: (B, N F) float32. reward: (B,) float32. step_type: (B,) int32.
        sent: (B, N) state.ORDER, the quotes sent at this decision.
        first_row: index of the first of these rows in the whole batch. n_rows: rows of the whole batch.
    """

    rows: Records
    instruments: Records
    in_flight: Records
    observation: Floats32
    reward: Floats32
    step_type: Ints32
    sent: Records
    first_row: int
    n_rows: int


class Account(NamedTuple):
    """What the dealer of one batch row has.

    Attributes:
        instruments: (N,) state.INSTRUMENT_STATE. in_flight: (N, L) state.ORDER. parameters: (N,) state.PARAMETERS.
    """

    instruments: Records
    in_flight: Records
    parameters: Records


class DecisionSchedule(NamedTuple):
    """When decisions are taken.

    Attributes:
        interval_ns, window_ns, warmup_ns: between decisions, of a random window, of the features before it.
        clock: state.CLOCK_TIME, CLOCK_EVENTS or CLOCK_BOTH.
        n_quotes: of the tape from one decision to the next, CLOCK_EVENTS.
        decays: (1,) state.DECAYS of features.decays over one interval.
    """

    interval_ns: int
    window_ns: int
    warmup_ns: int
    clock: int
    n_quotes: int
    decays: Records


class Trade(NamedTuple):
    """A trade of ours.

    Attributes:
        side: +1 we bought, -1 we sold. tick, lots, ts (ns): price, size and time. event: row of the tape.
        instrument: its index. rule: state.MARKET, ..., which rule filled us.
    """

    side: int
    tick: int
    lots: int
    ts: int
    event: int
    instrument: int
    rule: int
