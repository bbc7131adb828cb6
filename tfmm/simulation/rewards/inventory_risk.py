"""The price of holding several instruments: Risk(Q) = (Q' Omega Q)^u, Q in orders, integrated over time.

Where Omega is not given, an instrument's |Q| is priced by itself (state.PARAMETERS.risk). With one instrument,
Omega = 1 and u = 1/2 both are the same.
"""

from tfmm import jit


@jit.kernel
def of_inventory(books, rules, omega, power):
    """(Q' Omega Q)^u now; Omega: (N, N) of inventories in orders."""
    total = 0.0
    for m in range(books.shape[0]):
        for n in range(books.shape[0]):
            held = (books[m].inventory_lot / rules[m].order_lot) * (books[n].inventory_lot / rules[n].order_lot)
            total += held * omega[m, n]
    return max(total, 0.0) ** power


@jit.kernel
def begin(row, ts):
    """Starts the integral at a time without inventory."""
    row.risk_s, row.risk_now, row.risk_ns = 0.0, 0.0, ts


@jit.kernel
def accrue(row, books, rules, omega, power, ts):
    """Brings the integral up to a time at which the inventory changes, or is looked at."""
    if omega.shape[0] == 0:
        return
    row.risk_s += row.risk_now * (ts - row.risk_ns) * 1e-9
    row.risk_ns = ts
    row.risk_now = of_inventory(books, rules, omega, power)


@jit.kernel
def accrue_fills(row, books, rules, omega, power):
    """The same at the time of the latest fill."""
    latest = books[0].changed_ns
    for n in range(1, books.shape[0]):
        latest = max(latest, books[n].changed_ns)
    accrue(row, books, rules, omega, power, max(latest, row.risk_ns))
