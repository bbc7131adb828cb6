"""The flat dealer, whose reward is subtracted where fills are drawn: an input-driven baseline (Mao et al. 2019).

He steps through the same intervals of the same tape as the dealer of a batch row and meets the same clients, but comes
to every interval without inventory and money and quotes one distance from the mid. What he earns depends on the tape
and the clients, which no action changes; so the best policy at any discount stays what it is, while most of the noise
that the two have in common leaves the reward. His quotes rest, wait in queues and are replaced by the rules that hold
for all. Where fills are expected, rewards.expected_fills does the same without stepping.
"""

import math

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.simulation import arguments, passage
from tfmm.simulation.dealer import quoting
from tfmm.simulation.exchange import ledger
from tfmm.simulation.rewards import interval, inventory_risk, kinds, markout


@jit.kernel
def begin(row: Record, account: arguments.Account, dealers: arguments.FlatDealers, b: int) -> None:
    """Row b's flat dealer starts the window that the row has just begun, in its market and with its clients."""
    _follow(row, dealers.rows[b])
    for n in range(account.instruments.shape[0]):
        dealers.instruments[b][n] = account.instruments[n]


@jit.kernel
def _follow(row, flat):
    """Puts the flat dealer's row where another row is."""
    flat.cursor, flat.stop, flat.ts, flat.done = row.cursor, row.stop, row.ts, row.done


@jit.kernel
def earned(
    events: Records, row: Record, parameters: Records, dealers: arguments.FlatDealers, b: int, reward: kinds.Reward
) -> float:
    """What row b's flat dealer earns in the interval that the row has just gone through, reward units.

    Args:
        row: state.ROW at the interval's end. parameters: (N,) state.PARAMETERS.
    """
    flat = dealers.rows[b]
    account = arguments.Account(dealers.instruments[b], dealers.in_flight[b], parameters)
    inventory_risk.begin(flat, flat.ts)
    for n in range(parameters.shape[0]):
        instrument = account.instruments[n]
        instrument.inventory_lot = 0
        instrument.cash = 0.0
        instrument.fees = 0.0
        instrument.abs_lot_s = 0.0
        instrument.changed_ns = flat.ts
        bid = ask = math.nan
        if instrument.has_market and parameters[n].quoted:
            bid, ask = quoting.at_distance(instrument, reward.baseline_spreads[n])
        lot = parameters[n].order_lot
        quoting.send_prices(instrument, account.in_flight[n], parameters[n], flat.ts, bid, ask, lot, lot)
        markout.snapshot(instrument)
    flat.ts, flat.done = row.ts, row.done
    passage.to_decision(events, flat, account, reward.risk, dealers.log)
    for n in range(parameters.shape[0]):
        ledger.accrue(account.instruments[n], flat.ts)
    return interval.earned(events, flat, account, interval.Opening(0.0, 0.0), 0.0, reward)
