"""A reward that marks fills to the mid some time later, and leaves out what the inventory gains while it is held.

In an interval the inventory goes from Q to Q' and the mid from M to M'; m is the mid a while after its end. In the
place of the profit of the interval stands
    dPnL - Q (M' - M) + (Q' - Q) (m - M'):
what was traded in it, at its markout. What the first term takes away no quote of this interval changes, and it is most
of the noise; what a fill says of where the mid goes, adverse selection, is in m (Butz and Oomen 2019). The tape of a
training window is known, so the future is a label here and never an observation. Evaluation never uses it.
With v the value of the inventory in models.inventory, v(Q') - v(Q) is added: then nothing of the future is left that
a discount above 0 would have to find. Assumes: linear contracts; other currencies at their mean rate.
"""

from tfmm import jit
from tfmm.market import schema
from tfmm.simulation import interpolation
from tfmm.simulation.exchange import events as events_lib

_QUOTE = schema.QUOTE


@jit.kernel
def note(book):
    """Remembers what is held and what it is worth when a quote is sent."""
    book.held_lot = book.inventory_lot
    book.held_mid = 0.5 * (book.bid_tick + book.ask_tick)


@jit.kernel
def correction(events, row, books, rules, values):
    """What is added to the drawn profit of the interval that has just ended, tick x lot of the first instrument.

    Args:
        values: (N, 2 L + 1) v by orders held, tick x lot, or empty: without.
    """
    total = 0.0
    for n in range(books.shape[0]):
        book, rule = books[n], rules[n]
        mid = 0.5 * (book.bid_tick + book.ask_tick)
        total -= rule.weight * book.held_lot * (mid - book.held_mid)
        traded = book.inventory_lot - book.held_lot
        if traded != 0:
            later = events_lib.mid_at(events, row.cursor, row.stop, row.ts + rule.markout_ns, n, mid)
            total += rule.weight * traded * (later - mid)
            if values.shape[0] > 0:
                now = interpolation.between(values[n], book.inventory_lot / rule.order_lot)
                total += rule.weight * (now - interpolation.between(values[n], book.held_lot / rule.order_lot))
    return total
