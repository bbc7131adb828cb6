"""The reward realised_pnl: change of the wealth at the mid less the cost of risk, with fills as they are drawn."""

from tfmm import jit
from tfmm.arrays import Record
from tfmm.simulation import arguments
from tfmm.simulation.exchange import ledger
from tfmm.simulation.rewards import kinds

_ABSOLUTE = kinds.RiskKind.ABSOLUTE


@jit.kernel
def objective(row: Record, account: arguments.Account, risk: kinds.Risk) -> float:
    """Mark-to-mid wealth after fees minus the cost of risk so far, in tick x lot of the first instrument."""
    instruments, parameters = account.instruments, account.parameters
    total = 0.0
    for n in range(instruments.shape[0]):
        money = ledger.equity(instruments[n], parameters[n].reference_tick)
        m = parameters[n].rate
        if m >= 0 and instruments[m].has_market:
            money *= 0.5 * (instruments[m].bid_tick + instruments[m].ask_tick) / parameters[n].rate_tick
        if risk.kind == _ABSOLUTE:
            money -= parameters[n].risk * instruments[n].abs_lot_s
        total += parameters[n].weight * money
    return total if risk.kind == _ABSOLUTE else total - risk.cost_per_s * row.risk_s
