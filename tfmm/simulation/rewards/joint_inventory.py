"""The value of the inventories of all instruments together, before and after the fills of one interval.

A value is an array (S,) over all joint inventories Q in orders, |Q_n| <= L, of the instruments that are quoted; the
last instrument varies fastest. Assumes that fills of different instruments and sides are independent.
"""

import math

import numpy as np

from tfmm import jit
from tfmm.arrays import Array, Floats, Ints, Records

DOWN, STAY, UP = range(3)


def strides(n_instruments: int, limit_orders: int) -> Ints:
    """(N,) int64: the distance in a value (S,) that one order of each instrument makes."""
    return (2 * limit_orders + 1) ** np.arange(n_instruments - 1, -1, -1)


def index(lots: Array, order_lot: Array, limit_orders: int) -> Ints:
    """(B,) int64 indices of joint inventories in a value (S,).

    Args:
        lots: (B, N) inventories of the instruments that are quoted, lots. order_lot: (N,) lots of an order.
    """
    orders = np.rint(lots / order_lot).astype(np.int64)
    return (orders + limit_orders) @ strides(orders.shape[1], limit_orders)


@jit.kernel
def expected_value(values: Floats, index: int, moves: Floats, strides: Ints) -> float:
    """E V(Q') from the joint inventory at an index of values (S,).

    Args:
        moves: (N, 3) probabilities that an inventory falls by an order, stays, rises by one.
        strides: (N,) int64 steps in `values` of one order; 0 for what is not quoted, with moves (0, 1, 0).
    """
    total = 0.0
    for code in range(3 ** len(strides)):
        probability, after, rest = 1.0, index, code
        for n in range(len(strides)):
            k = rest % 3
            rest //= 3
            probability *= moves[n, k]
            after += (k - 1) * strides[n]
        if probability > 0.0:
            total += probability * values[after]
    return total


@jit.kernel
def write_move_probabilities(sold: float, bought: float, out: Floats) -> None:
    """Writes the probabilities of DOWN, STAY and UP into out (3,), given those that the ask and the bid are filled."""
    out[DOWN] = sold * (1.0 - bought)
    out[UP] = bought * (1.0 - sold)
    out[STAY] = 1.0 - out[DOWN] - out[UP]


@jit.kernel
def value_change(instruments: Records, parameters: Records, values: Floats, of_reference: bool) -> float:
    """E V(Q') - V(Q) with the fills that were expected at the last decision, see rewards.expected_fills.

    Args:
        instruments: (N,) state.INSTRUMENT_STATE. parameters: (N,) state.PARAMETERS. values: (S,) V.
        of_reference: whether the reference quotes are meant, and the inventory before any hedge.
    """
    count = instruments.shape[0]
    moves, strides = np.empty((count, 3)), np.zeros(count, np.int64)
    index, stride = 0, 1
    for n in range(count - 1, -1, -1):
        instrument, rule = instruments[n], parameters[n]
        lot = instrument.start_inventory_lot
        sold, bought = instrument.ask_fill_probability, instrument.bid_fill_probability
        if of_reference:
            lot = instrument.reference_inventory_lot
            sold, bought = instrument.reference_ask_fill_probability, instrument.reference_bid_fill_probability
        write_move_probabilities(sold, bought, moves[n])
        if rule.quoted:
            limit_orders = rule.limit_lot // rule.order_lot
            orders = np.int64(math.floor(lot / rule.order_lot + 0.5))
            index += stride * (limit_orders + orders)
            strides[n] = stride
            stride *= 2 * limit_orders + 1
    return expected_value(values, index, moves, strides) - values[index]
