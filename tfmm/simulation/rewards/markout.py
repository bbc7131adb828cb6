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
from tfmm.simulation import interpolation
from tfmm.simulation.exchange import events as events_lib
from tfmm.simulation.rewards import kinds

_SHAPED_MARKOUT = kinds.RewardKind.SHAPED_MARKOUT


@jit.kernel
def snapshot(instrument):
    """Notes the inventory and the mid at which a quote is sent."""
    instrument.held_lot = instrument.inventory_lot
    instrument.held_mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)


@jit.kernel
def correction(events, row, account, reward):
    """What is added to the drawn profit of the interval that has just ended, tick x lot of the first instrument."""
    total = 0.0
    for n in range(account.instruments.shape[0]):
        instrument, parameters = account.instruments[n], account.parameters[n]
        mid = 0.5 * (instrument.bid_tick + instrument.ask_tick)
        total -= parameters.weight * instrument.held_lot * (mid - instrument.held_mid)
        traded = instrument.inventory_lot - instrument.held_lot
        if traded != 0:
            later = events_lib.mid_at(events, row.cursor, row.stop, row.ts + reward.markout_ns, n, mid)
            total += parameters.weight * traded * (later - mid)
            if reward.kind == _SHAPED_MARKOUT:
                now = interpolation.between(reward.values[n], instrument.inventory_lot / parameters.order_lot)
                before = interpolation.between(reward.values[n], instrument.held_lot / parameters.order_lot)
                total += parameters.weight * (now - before)
    return total
