"""The realised reward: change of the wealth at the mid less the cost of risk."""

from tfmm import jit
from tfmm.simulation.exchange import ledger


@jit.kernel
def objective(row, books, rules, omega, vector):
    """Mark-to-mid wealth after fees minus the cost of risk so far, in tick x lot of the first instrument.

    Args:
        omega: (N, N), or empty: each instrument's |Q| by itself. vector: (2,) cost of one unit of
            (Q' Omega Q)^u for a second, and u.
    """
    total = 0.0
    for n in range(books.shape[0]):
        own = ledger.equity(books[n], rules[n].reference_tick)
        m = rules[n].rate
        if m >= 0 and books[m].has_market:
            own *= 0.5 * (books[m].bid_tick + books[m].ask_tick) / rules[n].rate_tick
        if omega.shape[0] == 0:
            own -= rules[n].risk * books[n].abs_lot_s
        total += rules[n].weight * own
    return total if omega.shape[0] == 0 else total - vector[0] * row.risk_s
