"""The one function that moves money, and what a position is worth.

Cash and inventory move together; equity = cash - fees + inventory x mid at every event.
"""

from tfmm import jit


@jit.kernel
def value(price_tick):
    """Worth of one lot of a linear contract at a price (may be half a tick). tick x lot."""
    return float(price_tick)


@jit.kernel
def accrue(book, ts):
    """Brings the integral of |inventory| dt (lot s) up to ts."""
    book.abs_lot_s += abs(book.inventory_lot) * (ts - book.changed_ns) * 1e-9
    book.changed_ns = ts


@jit.kernel
def apply_fill(book, side, price_tick, lots, fee_rate, ts):
    """Books a fill: side +1 we bought, -1 we sold. Returns the fee (tick x lot, negative: rebate)."""
    accrue(book, ts)
    worth = lots * value(price_tick)
    fee = fee_rate * abs(worth)
    book.inventory_lot += side * lots
    book.cash -= side * worth
    book.fees += fee
    book.n_fills += 1
    return fee


@jit.kernel
def equity(book):
    """Mark-to-mid wealth after fees. tick x lot."""
    if book.inventory_lot == 0:
        return book.cash - book.fees
    return book.cash - book.fees + book.inventory_lot * value(0.5 * (book.bid_tick + book.ask_tick))
