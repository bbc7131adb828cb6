"""A schedule of quotes becomes orders in flight: checked, in ticks and lots."""

import numpy as np

from tfmm import errors, jit
from tfmm.arrays import Ints, Records
from tfmm.market.tape import Tape
from tfmm.simulation import arguments, price_steps, state

SCHEDULE = np.dtype(
    [
        ("ts_ns", np.int64),
        ("bid_px", np.float64),
        ("bid_qty", np.float64),
        ("ask_px", np.float64),
        ("ask_qty", np.float64),
        ("instrument", np.int16),
    ]
)
"""Quotes sent, in order of time. NaN price: no quote on that side. `instrument` may be left out."""

_LARGEST = 2.0**53  # ticks or lots; above, float64 skips whole numbers
GRID_TOLERANCE = 1e-6
"""A price this close (in ticks) to a tick is on it; others round away from the market."""
_ROUNDING = 4 * 2.0**-52  # of a price in ticks, relative


def checked(schedule: Records, count: int) -> Records:
    """(S,) SCHEDULE of a structured array, instrument 0 where the field is left out.

    Raises:
        DataError: a field is missing, or an instrument is not below count.
    """
    schedule = np.asarray(schedule)
    given, wanted = schedule.dtype.names or (), SCHEDULE.names or ()
    missing = [name for name in wanted[:-1] if name not in given]
    if missing:
        raise errors.DataError(f"schedule: no field {missing[0]}, wanted {', '.join(wanted[:-1])}")
    if schedule.dtype != SCHEDULE:
        out = np.zeros(len(schedule), SCHEDULE)
        for name in set(wanted) & set(given):
            out[name] = schedule[name]
        schedule = out
    owner = schedule["instrument"]
    if len(schedule) and (owner.min() < 0 or owner.max() >= count):
        raise errors.DataError(f"schedule: instrument {owner.max()}, wanted 0 to {count - 1}")
    return schedule


def in_flight(tape: Tape, schedule: Records, parameters: Records) -> tuple[arguments.Account, tuple[Ints, Ints]]:
    """Sends a whole schedule at once.

    Args:
        schedule: (S,) SCHEDULE. parameters: (N,) state.PARAMETERS.

    Returns:
        An Account of one row with every quote in flight; indices (n, l) there of each row of the schedule.

    Raises:
        DataError: time goes back, a price is no price, or a quantity is below one lot.
    """
    count = len(tape.instruments)
    owner = schedule["instrument"].astype(np.int64)
    length = len(schedule) if count == 1 else int(np.bincount(owner, minlength=count).max(initial=0))
    orders = np.empty((count, max(1, length)), state.ORDER)
    instruments = np.zeros(count, state.INSTRUMENT_STATE)
    state.clear(instruments)
    instruments["price_step"] = tape.price_steps or 1
    account = arguments.Account(instruments, orders, parameters)
    index = np.empty(len(schedule), np.int64)
    ticks = np.array([one.tick_size for one in tape.instruments])
    wrong, row = _send(state.read_only(schedule), ticks, account, index)
    if wrong:
        _refuse(wrong, schedule[row], row, tape.instruments)
    return account, (owner, index)


_BACKWARDS, _BID_PX, _ASK_PX, _BID_QTY, _ASK_QTY = range(1, 6)


def _refuse(wrong, quote, row, instruments):
    """Raises the DataError of what `_send` found."""
    instrument = instruments[quote["instrument"]]
    if wrong == _BACKWARDS:
        raise errors.DataError(f"schedule: time goes back at row {row}, wanted sorted ts_ns")
    side = "bid" if wrong in (_BID_PX, _BID_QTY) else "ask"
    if wrong in (_BID_PX, _ASK_PX):
        raise errors.DataError(
            f"schedule: {side}_px of {instrument.symbol} is {quote[f'{side}_px']}, wanted a price or NaN"
        )
    raise errors.DataError(
        f"schedule: {side}_qty of {instrument.symbol} is {quote[f'{side}_qty']}, wanted a lot ({instrument.lot_size}) "
        "or more"
    )


@jit.kernel
def _tolerance(px_tick):
    """How close to a tick, in ticks, a price is on it: at least what floats of its size can tell apart."""
    return max(GRID_TOLERANCE, _ROUNDING * abs(px_tick))


@jit.kernel
def _send(schedule, ticks, account, index):
    """Puts every quote in flight, bids rounded down and asks up to a price step. Returns (what is wrong or 0, row)."""
    instruments, parameters = account.instruments, account.parameters
    for row in range(len(schedule)):
        quote = schedule[row]
        if row and quote.ts_ns < schedule[row - 1].ts_ns:
            return _BACKWARDS, row
        n = quote.instrument
        tick, lot = ticks[n], parameters[n].lot_size
        order = account.in_flight[n, instruments[n].tail]
        index[row] = instruments[n].tail
        instruments[n].tail += 1
        order.active_ns = quote.ts_ns + parameters[n].latency_ns
        order.bid_tick = order.ask_tick = order.bid_lot = order.ask_lot = 0
        order.bid_outcome = order.ask_outcome = state.WAITING
        if not np.isnan(quote.bid_px):
            if not abs(quote.bid_px) < _LARGEST * tick:
                return _BID_PX, row
            if not lot - GRID_TOLERANCE * lot <= quote.bid_qty < _LARGEST * lot:
                return _BID_QTY, row
            nearest = np.int64(np.floor(quote.bid_px / tick + _tolerance(quote.bid_px / tick)))
            order.bid_tick = price_steps.down(nearest, instruments[n].price_step)
            order.bid_lot = np.int64(np.floor(quote.bid_qty / lot + GRID_TOLERANCE))
        if not np.isnan(quote.ask_px):
            if not abs(quote.ask_px) < _LARGEST * tick:
                return _ASK_PX, row
            if not lot - GRID_TOLERANCE * lot <= quote.ask_qty < _LARGEST * lot:
                return _ASK_QTY, row
            nearest = np.int64(np.ceil(quote.ask_px / tick - _tolerance(quote.ask_px / tick)))
            order.ask_tick = price_steps.up(nearest, instruments[n].price_step)
            order.ask_lot = np.int64(np.floor(quote.ask_qty / lot + GRID_TOLERANCE))
    return 0, 0
