"""The realised integral of Risk(Q) = (Q' Omega Q)^u over time, Q in orders.

Where Omega is not given, Risk(Q) of an instrument is |Q| with a price of its own (state.PARAMETERS.risk). Where one
instrument n is quoted Risk(Q) = Omega_nn^u |Q|^(2u), whose expectation clients.survival knows; Omega_nn = 1 and u = 1/2
are |Q|.
"""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import arguments
from tfmm.simulation.rewards import kinds

_COVARIANCE = kinds.RiskKind.COVARIANCE


@jit.kernel
def of_inventory(account: arguments.Account, risk: kinds.Risk) -> float:
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
def begin(row: Record, ts: int) -> None:
    """Starts the integral at a time without inventory."""
    row.risk_s, row.risk_now, row.risk_ns = 0.0, 0.0, ts


@jit.kernel
def accrue(row: Record, account: arguments.Account, risk: kinds.Risk, ts: int) -> None:
    """Brings the integral up to a time at which the inventory changes, or a reward is due."""
    if risk.kind != _COVARIANCE:
        return
    row.risk_s += row.risk_now * (ts - row.risk_ns) * 1e-9
    row.risk_ns = ts
    row.risk_now = of_inventory(account, risk)


@jit.kernel
def accrue_fills(row: Record, account: arguments.Account, risk: kinds.Risk) -> None:
    """The same at the time of the latest fill."""
    instruments = account.instruments
    latest = instruments[0].changed_ns
    for n in range(1, instruments.shape[0]):
        latest = max(latest, instruments[n].changed_ns)
    accrue(row, account, risk, max(latest, row.risk_ns))
