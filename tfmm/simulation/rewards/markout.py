"""The rewards markout and shaped_markout: fills are marked to the mid some time later.

In an interval the inventory goes from Q to Q' and the mid from M to M'; m is the mid markout_ns after its end. The
reward is
    dPnL - Q (M' - M) + (Q' - Q) (m - M'),
the profit of what was traded in the interval, at its markout. Left out is Q (M' - M): no quote of the interval
changes it, and it is most of the noise. What a fill says of where the mid goes, adverse selection, is in m (Butz and
Oomen 2019). shaped_markout adds v(Q') - v(Q), v the value function of models.inventory (potential-based shaping, Ng,
Harada, Russell 1999). The reward looks into the future, an observation never does; backtests never use it.

Assumes: linear contracts; other currencies at their mean rate.
"""

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.simulation import arguments, interpolation
from tfmm.simulation.exchange import events as events_lib
from tfmm.simulation.rewards import kinds

_SHAPED_MARKOUT = kinds.RewardKind.SHAPED_MARKOUT


@jit.kernel
def snapshot(instrument: Record) -> None:
    """Writes the inventory and the mid with which the interval starts."""
    instrument.start_inventory_lot = instrument.inventory_lot
    instrument.start_mid_tick = 0.5 * (instrument.bid_tick + instrument.ask_tick)


@jit.kernel
def correction(events: Records, row: Record, account: arguments.Account, reward: kinds.Reward) -> float:
    """What is added to the drawn profit of the interval that has just ended, tick x lot of the first instrument."""
    total = 0.0
    for n in range(account.instruments.shape[0]):
        instrument, parameters = account.instruments[n], account.parameters[n]
        mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
        total -= parameters.weight * instrument.start_inventory_lot * (mid - instrument.start_mid_tick)
        traded = instrument.inventory_lot - instrument.start_inventory_lot
        if traded != 0:
            later = events_lib.mid_at(events, row.cursor, row.stop, row.ts + reward.markout_ns, n, mid)
            total += parameters.weight * traded * (later - mid)
            if reward.kind == _SHAPED_MARKOUT:
                now = interpolation.interpolate(reward.values[n], instrument.inventory_lot / parameters.order_lot)
                before = interpolation.interpolate(
                    reward.values[n], instrument.start_inventory_lot / parameters.order_lot
                )
                total += parameters.weight * (now - before)
    return total
