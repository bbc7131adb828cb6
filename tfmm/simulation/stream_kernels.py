"""Kernels of a stream: its next decision, its observation, what it would send, fills and positions reported to it."""

from typing import Any

from tfmm import jit
from tfmm.arrays import Floats, Floats32, Records
from tfmm.simulation import arguments, kernel, state
from tfmm.simulation.clients import arrivals
from tfmm.simulation.dealer import features, quoting
from tfmm.simulation.exchange import admission, fees, ledger


@jit.kernel
def next_decision_ns(events: Records, rows: Records, instruments: Records, schedule: tuple[Any, ...]) -> int:
    """Time of the next decision, see kernel.next_decision."""
    return kernel.next_decision(events, rows[0], instruments[0], arguments.DecisionSchedule(*schedule))


@jit.kernel
def observe(
    rows: Records, instruments: Records, in_flight: Records, parameters: Records, observation: Floats32
) -> None:
    """Writes observation (1, N F)."""
    kernel.write_observation(rows[0], arguments.Account(instruments[0], in_flight[0], parameters), observation[0])


@jit.kernel
def preview(
    instruments: Records,
    in_flight: Records,
    parameters: Records,
    ts: int,
    actions: Floats,
    no_log: tuple[Records, Records],
) -> None:
    """Hedges and writes the orders of a decision, as the simulator does; the instruments are a copy."""
    log = arguments.FillLog(no_log[0], no_log[1][0])
    after_gap = admission.is_after_gap(ts, instruments[0].last_ns, parameters[0].gap_ns)
    for n in range(instruments.shape[0]):
        instruments[n].tail = 0
        synthetic = quoting.synthetic_mid(instruments, n, parameters)
        if parameters[n].hedge == state.HEDGE_ACTION:
            arrivals.hedge_share(instruments[n], n, actions[n, actions.shape[1] - 1], ts, -1, parameters[n], log)
        order = quoting.send(instruments[n], in_flight[n], parameters[n], ts, actions[n], synthetic)
        admission.admit(instruments[n], order, parameters[n], after_gap)


@jit.kernel
def report(instruments: Records, n: int, side: int, price_tick: Any, lots: int, ts: int, parameters: Records) -> None:
    """Books a fill of ours, of which less is quoted then."""
    instrument = instruments[n]
    trade = arguments.Trade(side, price_tick, lots, ts, -1, n, state.TRADE)
    fee = fees.of_fill(instrument, trade, parameters[n])
    ledger.apply_fill(instrument, side, price_tick, lots, fee, parameters[n].reference_tick, ts)
    if side > 0:
        instrument.my_bid_lot = max(0, instrument.my_bid_lot - lots)
        if instrument.my_bid_lot == 0:
            instrument.my_bid_tick = state.NO_BID
    else:
        instrument.my_ask_lot = max(0, instrument.my_ask_lot - lots)
        if instrument.my_ask_lot == 0:
            instrument.my_ask_tick = state.NO_ASK


@jit.kernel
def set_position(instruments: Records, n: int, lots: int, ts: int, parameters: Records) -> None:
    """Inventory becomes `lots`: the difference is booked at the mid, without a fee, and is no fill."""
    instrument = instruments[n]
    difference = lots - instrument.inventory_lot
    if difference == 0:
        return
    mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
    if mid > 0.0:
        ledger.apply_fill(instrument, 1, mid, difference, 0.0, parameters[n].reference_tick, ts)
        instrument.n_fills -= 1
    else:
        instrument.inventory_lot = lots


@jit.kernel
def decay_over(rows: Records, interval_s: float) -> None:
    """The averages' next update is one over interval_s."""
    features.decay_over(interval_s, rows[0].decays)
