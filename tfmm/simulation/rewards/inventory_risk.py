"""The price of holding several instruments: Risk(Q) = (Q' Omega Q)^u, Q in orders, integrated over time.

Where Omega is not given, an instrument's |Q| is priced by itself (state.PARAMETERS.risk). With one instrument that is
quoted Risk(Q) = Omega^u |Q|^(2u): it has an expectation of its own, as |Q| has; Omega = 1 and u = 1/2 are |Q|.
"""

from tfmm import jit
from tfmm.simulation.rewards import kinds

_COVARIANCE = kinds.RiskKind.COVARIANCE


@jit.kernel
def of_inventory(account, risk):
    """(Q' Omega Q)^u now, Q in orders."""
    instruments, parameters = account.instruments, account.parameters
    total = 0.0
    for m in range(instruments.shape[0]):
        for n in range(instruments.shape[0]):
            product = (instruments[m].inventory_lot / parameters[m].order_lot) * (
                instruments[n].inventory_lot / parameters[n].order_lot
            )
            total += product * risk.omega[m, n]
    return max(total, 0.0) ** risk.power


@jit.kernel
def begin(row, ts):
    """Starts the integral at a time without inventory."""
    row.risk_s, row.risk_now, row.risk_ns = 0.0, 0.0, ts


@jit.kernel
def accrue(row, account, risk, ts):
    """Brings the integral up to a time at which the inventory changes, or is looked at."""
    if risk.kind != _COVARIANCE:
        return
    row.risk_s += row.risk_now * (ts - row.risk_ns) * 1e-9
    row.risk_ns = ts
    row.risk_now = of_inventory(account, risk)


@jit.kernel
def accrue_fills(row, account, risk):
    """The same at the time of the latest fill."""
    instruments = account.instruments
    latest = instruments[0].changed_ns
    for n in range(1, instruments.shape[0]):
        latest = max(latest, instruments[n].changed_ns)
    accrue(row, account, risk, max(latest, row.risk_ns))
