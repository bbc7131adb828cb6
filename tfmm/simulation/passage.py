"""The passage of a dealer from one decision to the next: events, activations of quotes, clients, hedges."""

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.simulation import arguments, state
from tfmm.simulation.clients import arrivals
from tfmm.simulation.exchange import events as events_lib
from tfmm.simulation.rewards import inventory_risk, kinds

_HEDGE_LIMIT = state.HEDGE_LIMIT
_COVARIANCE = kinds.RiskKind.COVARIANCE


@jit.kernel
def to_decision(
    events: Records, row: Record, account: arguments.Account, risk: kinds.Risk, log: arguments.FillLog
) -> None:
    """Everything up to row.ts: events, activations, clients; then hedges, and the liquidation of a row that is done."""
    instruments, parameters = account.instruments, account.parameters
    stop_at_fill = risk.kind == _COVARIANCE
    while True:
        n, arrival_ns = arrivals.next_arrival(instruments)
        until = min(arrival_ns, row.ts)
        while True:
            count_before = log.counter.n_fills
            row.cursor = events_lib.advance(events, row.cursor, row.stop, until, account, True, stop_at_fill, log)
            if not stop_at_fill or log.counter.n_fills == count_before:
                break
            inventory_risk.accrue_fills(row, account, risk)
        if arrival_ns > row.ts:
            break
        arrivals.on_arrival(events, row, account, n, log)
        inventory_risk.accrue(row, account, risk, arrival_ns)
    for n in range(instruments.shape[0]):
        if row.done and parameters[n].liquidate:
            arrivals.hedge(instruments[n], n, 0, row.ts, row.cursor - 1, parameters[n], log)
        elif parameters[n].hedge == _HEDGE_LIMIT:
            threshold_lot = parameters[n].hedge_threshold_lot
            arrivals.hedge(instruments[n], n, threshold_lot, row.ts, row.cursor - 1, parameters[n], log)
    inventory_risk.accrue(row, account, risk, row.ts)
