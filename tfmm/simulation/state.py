"""The simulator's memory layout: one record per batch row and instrument.

Prices are ticks, quantities lots, times ns UTC. Records keep what one row touches together in
the cache, and let a kernel take few arguments.
"""

import numpy as np

NO_BID, NO_ASK = -(2**62), 2**62
"""Price of a side that is not quoted: no market price ever reaches it."""
FOREVER = 2**62
NEVER = -FOREVER

REFERENCE_MID, REFERENCE_TOUCH, REFERENCE_SYNTHETIC = range(3)
NO_INSTRUMENT = -1
MARKET, TRADE, TOUCH, QUEUE, TAKER, CLIENT, HEDGE = range(7)
RULE_NAMES = ("MARKET", "TRADE", "TOUCH", "QUEUE", "TAKER", "CLIENT", "HEDGE")
TOUCH_NEVER, TOUCH_ALWAYS, TOUCH_QUEUE = range(3)
CLAMP, REJECT, TAKE = range(3)
NOT_SENT, WAITING, QUOTED, MOVED, TAKEN, INVENTORY_LIMIT, CASH_LIMIT, REJECTED = range(8)
OUTCOME_NAMES = (
    "not sent",  # no price on this side
    "waiting",  # not active before the tape ended
    "quoted",
    "moved",  # quoted one tick behind the far touch
    "taken",  # filled at the touch on activation
    "inventory limit",
    "cash limit",
    "rejected",  # marketable
)
"""What became of a side of a quote when it reached the venue."""
SKEW_SPREAD, OFFSETS, DISTANCES, CORRECTIONS, TICK_CORRECTIONS = range(5)
CURVE_EXPONENTIAL, CURVE_POWER, CURVE_LOGISTIC, CURVE_TABLE = range(4)
CLOCK_TIME, CLOCK_EVENTS, CLOCK_BOTH = range(3)
HEDGE_NONE, HEDGE_LIMIT, HEDGE_ACTION = range(3)
LOCKED_TICK = 0.5
"""What the spread of a locked market counts as."""
TABLE_SIZE, TABLE_FROM, TABLE_STEP = 17, -1.0, 0.25
TABLE_X = TABLE_FROM + TABLE_STEP * np.arange(TABLE_SIZE)
"""Distances beyond the market, in market spreads, at which a table of fill probabilities has its values."""
BASE_ORDERS = 64
"""Most orders held, long or short, that a base quote has a distance of its own for."""
CHANCE_SIZE, CHANCE_TO = 241, 6.0
CHANCE_STEP = CHANCE_TO / (CHANCE_SIZE - 1)
MOST_VALUE_STATES = 12
"""Most states of the spread that inventory has a value of its own in."""

ORDER = np.dtype(
    [
        ("active_ns", np.int64),  # takes effect before the first event later than this
        ("bid_tick", np.int64),
        ("bid_lot", np.int64),  # 0: no quote on this side
        ("ask_tick", np.int64),
        ("ask_lot", np.int64),
        ("bid_outcome", np.int32),  # OUTCOME_NAMES, written when it takes effect
        ("ask_outcome", np.int32),
    ]
)
"""A quote on its way to the venue."""

BOOK = np.dtype(
    [
        # the market
        ("bid_tick", np.int64),
        ("ask_tick", np.int64),
        ("bid_size", np.float64),
        ("ask_size", np.float64),
        ("has_market", np.int64),
        # our live quote
        ("my_bid_tick", np.int64),
        ("my_bid_lot", np.int64),
        ("my_ask_tick", np.int64),
        ("my_ask_lot", np.int64),
        # place in the queue at our price, see tfmm.simulation.exchange.queue
        ("bid_ahead", np.float64),
        ("bid_seen", np.float64),
        ("bid_traded", np.float64),
        ("ask_ahead", np.float64),
        ("ask_seen", np.float64),
        ("ask_traded", np.float64),
        # quotes in flight: ring[head % len] .. ring[(tail - 1) % len]
        ("head", np.int64),
        ("tail", np.int64),
        # ledger
        ("inventory_lot", np.int64),
        ("cash", np.float64),  # tick x lot; whole numbers, exact below 2**53
        ("fees", np.float64),  # tick x lot
        ("abs_lot_s", np.float64),  # integral of |inventory| dt
        ("changed_ns", np.int64),  # the integral's upper end
        ("n_fills", np.int64),
        ("n_refused", np.int64),  # sides not quoted because of a limit or rejected
        ("last_ns", np.int64),  # time of the last event
        # clients, see tfmm.simulation.clients.arrivals
        ("random", np.uint64),
        ("client_ns", np.int64),  # next arrival
        ("client_excess", np.float64),  # intensity above the base, per second
        # what the last quote was expected to do, see tfmm.simulation.rewards.expected_fills
        ("held_lot", np.int64),
        ("held_mid", np.float64),  # tick
        ("lesson_ask", np.int64),
        ("lesson_bid", np.int64),
        ("ask_chance", np.float64),
        ("bid_chance", np.float64),
        ("lesson_lot_s", np.float64),  # integral of |inventory| dt
        ("hedge_gain", np.float64),  # tick x lot
        # and what the quote that it is compared with was, before any hedge
        ("base_lot", np.int64),
        ("base_ask", np.int64),
        ("base_bid", np.int64),
        ("base_ask_chance", np.float64),
        ("base_bid_chance", np.float64),
        ("base_lot_s", np.float64),
        # trades since the last decision
        ("buy_size", np.float64),
        ("sell_size", np.float64),
        # moving averages, updated at decisions
        ("warm", np.int64),
        ("drift", np.float64),  # the feature
        ("last_mid", np.float64),
        ("mid_average", np.float64, (3,)),
        ("signed_flow", np.float64, (2,)),
        ("total_flow", np.float64, (2,)),
        ("variance", np.float64),
        ("inventory_average", np.float64),
    ]
)
"""What one batch row knows of one instrument."""

DECAYS = np.dtype(
    [("returns", np.float64, (3,)), ("flows", np.float64, (2,)), ("volatility", np.float64), ("inventory", np.float64)]
)
"""What is left of the moving averages after an interval, see tfmm.simulation.dealer.features.decays."""

ROW = np.dtype(
    [
        ("cursor", np.int64),  # next event
        ("stop", np.int64),  # one past the last event of the segment
        ("ts", np.int64),  # time of the current decision
        ("start_ns", np.int64),
        ("end_ns", np.int64),
        ("done", np.int64),  # the last step ended the window
        ("window", np.int64),  # next window in consecutive order
        ("random", np.uint64),  # state of the row's generator
        ("risk_s", np.float64),  # integral of Risk(Q) dt, see tfmm.simulation.rewards.inventory_risk
        ("risk_now", np.float64),
        ("risk_ns", np.int64),  # the integral's upper end
        ("decays", DECAYS),  # of the interval under way
    ]
)
"""One batch row: an episode under way."""

PARAMETERS = np.dtype(
    [
        ("touch", np.int64),
        ("marketable", np.int64),
        ("partial", np.int64),
        ("latency_ns", np.int64),
        ("gap_ns", np.int64),  # over a longer hole in the data quotes are pulled
        ("maker_rate", np.float64),  # fee as a share of notional
        ("taker_rate", np.float64),
        ("limit_lot", np.int64),
        ("cash_limit", np.float64),  # tick x lot that may be owed
        ("lot_size", np.float64),
        ("tape_fills", np.int64),  # whether quotes and trades of the tape fill us
        ("client_rate", np.float64),  # arrivals per second and side
        ("client_branching", np.float64),
        ("client_decay", np.float64),  # per second
        ("client_lot", np.int64),  # mean size
        ("client_random_size", np.int64),
        ("client_curve", np.int64),
        ("client_k", np.float64),
        ("client_middle", np.float64),
        ("client_informed", np.float64),  # share who know where the mid goes
        ("client_ahead_ns", np.int64),  # how far they see
        ("client_table", np.float64, (TABLE_SIZE,)),
        ("hedge", np.int64),
        ("hedge_lot", np.int64),  # inventory beyond it is closed at the market
        ("liquidate", np.int64),  # whether a window ends flat
        ("reference_tick", np.float64),  # of an inverse contract, see tfmm.simulation.exchange.ledger; 0: linear
        ("order_lot", np.int64),
        ("half_spread_tick", np.float64),  # mean on train
        ("unit_tick", np.float64),  # what an action's distances are multiples of; 0: half the spread of the moment
        ("sigma_tick", np.float64),  # volatility on train, tick per square root of a second
        ("weight", np.float64),  # money of one tick x lot over that of the first instrument
        ("rate", np.int64),  # instrument whose mid is the worth of the quote currency, or NO_INSTRUMENT
        ("rate_tick", np.float64),  # its mean mid on train, at which `weight` counts
        ("drift", np.float64, (6,)),  # coefficients of the features 2 to 7, see tfmm.calibration.drift
        ("risk", np.float64),  # r: cost of order_lot |Q|^risk_power held for a second, Q in orders, tick
        ("risk_power", np.float64),
        ("action", np.int64),  # SKEW_SPREAD, OFFSETS, DISTANCES, CORRECTIONS or TICK_CORRECTIONS
        ("quoted", np.int64),  # whether we quote it; else it is only seen
        ("reference", np.int64),  # what offsets are counted from: REFERENCE_MID, _TOUCH or _SYNTHETIC
        ("synthetic", np.int64),  # instrument that holds its synthetic quotes, or NO_INSTRUMENT
        ("synthetic_ratio", np.float64),  # ticks of it in one tick of the synthetic
        ("sizes", np.int64),  # whether actions set the sizes too
        ("skew_range", np.float64),
        ("range_low", np.float64),  # OFFSETS: distance; SKEW_SPREAD: log half-spread
        ("range_high", np.float64),
        ("residual_range", np.float64),  # half of the width of corrections
        ("base", np.int64),  # CORRECTIONS or TICK_CORRECTIONS: the base quote, and what a lesson is compared with
        ("base_ask", np.float64, (2 * BASE_ORDERS + 1,)),  # CORRECTIONS: what they are added to, by orders held
        # TICK_CORRECTIONS: w of tfmm.simulation.dealer.optimal_tick without drift, by state of the spread and orders
        # held, tick
        ("base_worth", np.float64, (MOST_VALUE_STATES, 2 * BASE_ORDERS + 1)),
        ("base_states", np.int64),
        ("base_cuts", np.float64, (MOST_VALUE_STATES - 1,)),  # between them, tick
        ("base_chance", np.float64, (CHANCE_SIZE,)),  # and P there, at 0, CHANCE_STEP, ... market spreads from the mid
        (
            "value_states",
            np.int64,
        ),  # of the spread that have a value of their own, see tfmm.simulation.rewards.expected_fills
        ("value_cuts", np.float64, (MOST_VALUE_STATES - 1,)),  # between them, tick
    ]
)
"""Rules and scales of one instrument, constant over a run."""

FILL = np.dtype(
    [
        ("ts", np.int64),
        ("event", np.int64),
        ("tick", np.int64),
        ("lot", np.int64),
        ("fee", np.float64),
        ("instrument", np.int16),
        ("side", np.int8),
        ("rule", np.int8),
        ("batch_row", np.int32),
    ]
)

WINDOW_SEGMENT, WINDOW_START, WINDOW_END = range(3)
"""Columns of windows: index of the segment, start and end in ns."""
COUNTER = np.dtype([("n_fills", np.int64)])
"""Entries of a log of fills."""

SEGMENT = np.dtype([("start_row", np.int64), ("stop_row", np.int64), ("start_ns", np.int64), ("end_ns", np.int64)])


def clear(books):
    """Sets books (any shape) to: no market, no quotes, nothing held."""
    books[...] = np.zeros((), BOOK)
    books["my_bid_tick"] = NO_BID
    books["my_ask_tick"] = NO_ASK
    books["last_ns"] = NEVER


def read_only(events):
    """The same events as a plain read-only array: kernels compile for one type, files and memory alike."""
    view = np.asarray(events).view()
    view.flags.writeable = False
    return view
