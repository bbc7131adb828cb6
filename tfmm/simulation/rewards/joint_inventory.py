"""What the inventories of all instruments together are worth after the fills of one interval.

A value of the book is an array (S,) over all inventories Q in orders, |Q_n| <= L, of the instruments that are quoted;
the last one varies fastest. Fills of different instruments and sides are independent.
"""

import math

import numpy as np

from tfmm import jit

DOWN, STAY, UP = range(3)


def strides(instruments, limit_orders):
    """(N,) int64: how many places of a value (S,) one order of each instrument is."""
    return (2 * limit_orders + 1) ** np.arange(instruments - 1, -1, -1)


def place(lots, order_lot, limit_orders):
    """(B,) int64 places of books in a value (S,). lots: (B, N) inventories of what is quoted, order_lot: (N,)."""
    orders = np.rint(lots / order_lot).astype(np.int64)
    return (orders + limit_orders) @ strides(orders.shape[1], limit_orders)


@jit.kernel
def mean(values, place, moves, strides):
    """E V(Q') from the book at a place of values (S,).

    Args:
        moves: (N, 3) probabilities that an inventory falls by an order, stays, rises by one.
        strides: (N,) int64 steps in `values` of one order; 0 for what is not quoted, with moves (0, 1, 0).
    """
    total = 0.0
    for code in range(3 ** len(strides)):
        weight, at, rest = 1.0, place, code
        for n in range(len(strides)):
            k = rest % 3
            rest //= 3
            weight *= moves[n, k]
            at += (k - 1) * strides[n]
        if weight > 0.0:
            total += weight * values[at]
    return total


@jit.kernel
def spread_out(sold, bought, out):
    """Writes the probabilities of one inventory's move into out (3,), those of its ask and bid being taken given."""
    out[DOWN] = sold * (1.0 - bought)
    out[UP] = bought * (1.0 - sold)
    out[STAY] = 1.0 - out[DOWN] - out[UP]


@jit.kernel
def gained(books, rules, values, base):
    """E V(Q') - V(Q) from what was held and expected at the last decision, see tfmm.simulation.rewards.expected_fills.

    Args:
        books: (N,) state.BOOK. rules: (N,) state.PARAMETERS. values: (S,). base: of the quotes that ours are compared
            with.
    """
    count = books.shape[0]
    moves, strides = np.empty((count, 3)), np.zeros(count, np.int64)
    place, stride = 0, 1
    for n in range(count - 1, -1, -1):
        book, rule = books[n], rules[n]
        if base:
            spread_out(book.base_ask_chance, book.base_bid_chance, moves[n])
        else:
            spread_out(book.ask_chance, book.bid_chance, moves[n])
        if rule.quoted:
            limit = rule.limit_lot // rule.order_lot
            lot = book.base_lot if base else book.held_lot
            held = np.int64(math.floor(lot / rule.order_lot + 0.5))
            place += stride * (limit + held)
            strides[n] = stride
            stride *= 2 * limit + 1
    return mean(values, place, moves, strides) - values[place]
