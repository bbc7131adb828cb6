"""The simulator's memory layout: one record per batch row and instrument; ticks, lots, ns UTC.

Records keep what one row touches together in the cache, and let a kernel take few arguments.
"""

from typing import Any

import numpy as np

from tfmm.arrays import Records
from tfmm.market import schema

NO_BID, NO_ASK = schema.NO_BID, schema.NO_ASK
"""Price of a side that is not quoted: no market price ever reaches it."""
FOREVER = 2**62
NEVER = -FOREVER
NO_INSTRUMENT = -1

# which rule filled us
MARKET, TRADE, TOUCH, QUEUE, TAKER, CLIENT, HEDGE = range(7)
RULE_NAMES = ("MARKET", "TRADE", "TOUCH", "QUEUE", "TAKER", "CLIENT", "HEDGE")

# FillRules.touch, FillRules.marketable
TOUCH_NEVER, TOUCH_ALWAYS, TOUCH_QUEUE = range(3)
CLAMP, REJECT, TAKE = range(3)

NOT_SENT, WAITING, QUOTED, MOVED, TAKEN, INVENTORY_LIMIT, CASH_LIMIT, REJECTED, UNKNOWN_MARKET = range(9)
OUTCOME_NAMES = (
    "not sent",  # no price on this side
    "waiting",  # not active before the tape ended
    "quoted",
    "moved",  # quoted one tick behind the far touch
    "taken",  # filled at the touch on activation
    "inventory limit",
    "cash limit",
    "rejected",  # marketable, or a price of zero or less
    "market unknown",  # between a quote that cannot be true and the next one, or after a hole in the data
)
"""What became of a side of a quote when it reached the venue."""

# what an action means, see dealer.quoting (residuals are also kinds of reference quotes)
SKEW_SPREAD, OFFSETS, DISTANCES, RESIDUAL_INVENTORY_DP, RESIDUAL_STATE_DP, TICKS = range(6)
# what offsets are counted from, fill probability of a client by distance, what a decision waits for, when to hedge
REFERENCE_MID, REFERENCE_TOUCH, REFERENCE_SYNTHETIC = range(3)
CURVE_EXPONENTIAL, CURVE_POWER, CURVE_LOGISTIC, CURVE_TABLE = range(4)
CLOCK_TIME, CLOCK_EVENTS, CLOCK_BOTH = range(3)
HEDGE_NONE, HEDGE_LIMIT, HEDGE_ACTION = range(3)

LOCKED_TICK = 0.5
"""What the spread of a locked market counts as."""
TABLE_SIZE, TABLE_FROM, TABLE_STEP = 17, -1.0, 0.25
TABLE_X = TABLE_FROM + TABLE_STEP * np.arange(TABLE_SIZE)
"""Distances beyond the market, in market spreads, at which CURVE_TABLE has its values."""
REFERENCE_ORDERS = 64
"""Largest inventory, in orders, for which a reference quote has a distance of its own."""
N_DISTANCES, FARTHEST_SPREADS = 241, 6.0
DISTANCE_STEP = FARTHEST_SPREADS / (N_DISTANCES - 1)
"""Grid 0, DISTANCE_STEP, ..., FARTHEST_SPREADS of distances from the mid, market spreads."""
MAX_SPREAD_STATES = 12
"""Most states of the spread that a value function tells apart."""

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

TAKEN_PRICES = 4
TAKEN_SIZES = np.dtype([("count", np.int64), ("tick", np.int64, (TAKEN_PRICES,)), ("size", np.int64, (TAKEN_PRICES,))])
"""Displayed size that we took from one side: prices from the worst to the best, sizes in millionths of a lot."""

INSTRUMENT_STATE = np.dtype(
    [
        # market
        ("bid_tick", np.int64),  # of the last quote of two sides: what inventory is marked at
        ("ask_tick", np.int64),
        ("bid_size", np.float64),
        ("ask_size", np.float64),
        ("has_market", np.int64),  # whether that quote stands
        # best prices now; NO_BID, NO_ASK: nobody there; the bid above the ask: unknown
        ("touch_bid_tick", np.int64),
        ("touch_ask_tick", np.int64),
        ("price_step", np.int64),  # of the session, ticks; 0: one tick
        # our quote
        ("my_bid_tick", np.int64),
        ("my_bid_lot", np.int64),
        ("my_ask_tick", np.int64),
        ("my_ask_lot", np.int64),
        # our position in the queue, millionths of a lot, see tfmm.simulation.exchange.queue
        ("bid_ahead", np.int64),
        ("bid_seen", np.int64),
        ("bid_traded", np.int64),
        ("ask_ahead", np.int64),
        ("ask_seen", np.int64),
        ("ask_traded", np.int64),
        # quotes in flight: in_flight[head % L] .. in_flight[(tail - 1) % L]
        ("head", np.int64),
        ("tail", np.int64),
        # ledger
        ("inventory_lot", np.int64),
        ("cash", np.float64),  # tick x lot; whole numbers, exact below 2**53
        ("fees", np.float64),  # tick x lot
        ("abs_lot_s", np.float64),  # integral of |inventory| dt
        ("changed_ns", np.int64),  # the integral's upper end
        ("n_fills", np.int64),
        ("n_refused", np.int64),  # sides not quoted: a limit, rejected, an unknown market
        ("last_ns", np.int64),  # time of the last event
        # clients, see tfmm.simulation.clients.arrivals
        ("random", np.uint64),
        ("client_ns", np.int64),  # next arrival
        ("client_excess", np.float64),  # intensity above the base rate, per second
        ("start_inventory_lot", np.int64),  # at the interval's start, after the decision's hedge
        ("start_mid_tick", np.float64),
        # expected fills of the last quote, see tfmm.simulation.rewards.expected_fills
        ("expected_ask_tick", np.int64),
        ("expected_bid_tick", np.int64),
        ("ask_fill_probability", np.float64),
        ("bid_fill_probability", np.float64),
        ("expected_risk_lot_s", np.float64),  # integral of survival.risk_lot dt
        ("hedge_gain", np.float64),  # tick x lot
        # expected fills of the reference quote, sent with the inventory before any hedge
        ("reference_inventory_lot", np.int64),
        ("reference_ask_tick", np.int64),
        ("reference_bid_tick", np.int64),
        ("reference_ask_fill_probability", np.float64),
        ("reference_bid_fill_probability", np.float64),
        ("reference_risk_lot_s", np.float64),
        # trades since the last decision
        ("buy_size", np.float64),
        ("sell_size", np.float64),
        # moving averages, updated at decisions
        ("warm", np.int64),
        ("drift", np.float64),  # features.DRIFT as last observed
        ("last_mid", np.float64),
        ("mid_average", np.float64, (3,)),
        ("signed_flow", np.float64, (2,)),
        ("total_flow", np.float64, (2,)),
        ("variance", np.float64),
        ("inventory_average", np.float64),
        # what our orders owe and have paid, tick x lot, see tfmm.simulation.exchange.fees
        ("bid_fee_owed", np.float64),
        ("bid_fee_paid", np.float64),
        ("ask_fee_owed", np.float64),
        ("ask_fee_paid", np.float64),
        # displayed size that we took from the market, see tfmm.simulation.exchange.displayed
        ("bid_taken", TAKEN_SIZES),
        ("ask_taken", TAKEN_SIZES),
    ]
)
"""Market, quote, ledger and averages of one instrument in one batch row."""

POSITION = np.dtype([("inventory_lot", np.int64), ("cash", np.float64), ("fees", np.float64)])
"""What an instrument's ledger carries from one trading period of a session into the next; fields as in its state."""

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
        # fill rules
        ("touch", np.int64),
        ("marketable", np.int64),
        ("partial", np.int64),
        ("latency_ns", np.int64),
        ("gap_ns", np.int64),  # over a longer hole in the data quotes are cancelled
        ("maker_rate", np.float64),  # fee as a share of notional
        ("taker_rate", np.float64),
        ("maker_fee_tick", np.float64),  # further fee for each lot
        ("taker_fee_tick", np.float64),
        ("minimum_fee", np.float64),  # least fee of an order that is filled, tick x lot
        ("limit_lot", np.int64),
        ("cash_limit", np.float64),  # tick x lot that may be owed
        ("lot_size", np.float64),
        ("tape_fills", np.int64),  # whether quotes and trades of the tape fill us
        # clients
        ("client_rate", np.float64),  # arrivals per second and side
        ("client_branching", np.float64),
        ("client_decay", np.float64),  # per second
        ("client_lot", np.int64),  # mean size
        ("client_random_size", np.int64),
        ("client_curve", np.int64),
        ("client_k", np.float64),
        ("client_middle", np.float64),
        ("client_informed", np.float64),  # share of clients who know where the mid goes
        ("client_ahead_ns", np.int64),  # how far ahead they know it
        ("client_table", np.float64, (TABLE_SIZE,)),
        # hedging
        ("hedge", np.int64),
        ("hedge_threshold_lot", np.int64),  # HEDGE_LIMIT: inventory beyond it is closed at the market
        ("liquidate", np.int64),  # whether a window ends flat
        # money
        ("reference_tick", np.float64),  # price at which an inverse contract is counted, see ledger; 0: linear
        ("weight", np.float64),  # money of one tick x lot over that of the first instrument
        ("rate", np.int64),  # instrument whose mid is the price of the quote currency, or NO_INSTRUMENT
        ("rate_tick", np.float64),  # its mean mid on train, at which `weight` counts
        ("risk", np.float64),  # r: cost of order_lot |Q|^risk_power held for a second, Q in orders, tick
        ("risk_power", np.float64),
        # scales of train
        ("order_lot", np.int64),
        ("half_spread_tick", np.float64),  # mean
        ("unit_tick", np.float64),  # unit of an action's distances; 0: half the spread of the moment
        ("sigma_tick", np.float64),  # volatility, tick per square root of a second
        ("touch_size_lot", np.float64),  # mean size displayed at a best price; 0: not measured, as the next one
        ("traded_lot_s", np.float64),  # mean size traded per second and side
        ("drift", np.float64, (6,)),  # coefficients of the features `imbalance` and after, see calibration.drift
        # actions
        ("action", np.int64),  # SKEW_SPREAD, ..., TICKS
        ("quoted", np.int64),  # whether we quote it; else it is only observed
        ("reference_price", np.int64),  # what offsets are counted from: REFERENCE_MID, _TOUCH or _SYNTHETIC
        ("synthetic", np.int64),  # instrument that holds its synthetic quotes, or NO_INSTRUMENT
        ("synthetic_ratio", np.float64),  # ticks of it in one tick of the synthetic
        ("sizes", np.int64),  # whether actions set the sizes too
        ("skew_range", np.float64),
        ("range_low", np.float64),  # OFFSETS: distance; SKEW_SPREAD: log half-spread; TICKS: price steps
        ("range_high", np.float64),
        ("keep_ticks", np.float64),  # TICKS: how much farther than half a price step a price that rests may be
        ("residual_range", np.float64),  # half of the width of residuals
        # reference quote: what residuals are added to, and what a reward may subtract
        ("reference_quote", np.int64),  # RESIDUAL_INVENTORY_DP or RESIDUAL_STATE_DP
        # RESIDUAL_INVENTORY_DP: distance of the ask by orders held, in the unit of an action's distances
        ("reference_ask", np.float64, (2 * REFERENCE_ORDERS + 1,)),
        # RESIDUAL_STATE_DP, see dealer.optimal_tick: w without drift by spread state and orders, cuts, P
        ("reference_marginal_value_tick", np.float64, (MAX_SPREAD_STATES, 2 * REFERENCE_ORDERS + 1)),
        ("n_reference_states", np.int64),
        ("reference_cuts", np.float64, (MAX_SPREAD_STATES - 1,)),
        ("reference_fill_probability", np.float64, (N_DISTANCES,)),
        # value function of a reward: states of the spread, cuts between them (tick), see rewards.expected_fills
        ("n_value_states", np.int64),
        ("value_cuts", np.float64, (MAX_SPREAD_STATES - 1,)),
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


def clear(instruments: Records) -> None:
    """Sets INSTRUMENT_STATE records (any shape) to no market, no quotes and no inventory."""
    instruments[...] = np.zeros((), INSTRUMENT_STATE)
    for side in ("my_", "touch_"):
        instruments[f"{side}bid_tick"], instruments[f"{side}ask_tick"] = NO_BID, NO_ASK
    instruments["last_ns"] = NEVER


def hold(instruments: Records, positions: Records) -> None:
    """Puts POSITION records into the ledgers of INSTRUMENT_STATE records of the same shape."""
    instruments[list(POSITION.names or ())] = positions


def read_only(events: Any) -> Records:
    """The same events as a plain read-only array: kernels compile for one type, files and memory alike."""
    view = np.asarray(events).view()
    view.flags.writeable = False
    return view
