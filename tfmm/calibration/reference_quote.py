"""The quote that actions correct where environment.residual_range is above 0, and that rewards of discount 0 compare
with.

By dynamic programming over the inventory alone: where clients alone trade, with known fill probabilities, it is solved
for these; else for what quotes did on train. It knows nothing of the moment's spread, drift or flow. Where
environment.reference is `state_dp` it knows the spread and the drift (tfmm.simulation.dealer.optimal_tick). Of several
instruments it knows each by itself: the rest is left to learn.
"""

import msgspec
import numpy as np

from tfmm import errors
from tfmm.calibration import inventory_value, known_fills, scales
from tfmm.simulation import state


def known(task):
    """The scales of a TapeTask with their base quote, fitted now where actions correct nothing."""
    return task.scales if all(one.base_ask or one.base_worth for one in task.scales) else fitted(task)


def fitted(task):
    """The scales of a TapeTask with their `base_ask` or, of the moment, their `base_worth` and `base_cuts` set.

    Distances from the mid become multiples of the unit of an action's at the mean spread of train, and are counted from
    the touch where that is the reference. A side that is not quoted stands at the far end of offset_range. Buyers and
    sellers are alike: the distance of the bid is that of the ask with the opposite inventory, the mean of both.

    Raises:
        ConfigError: more orders may be held than the table has room for; of the moment, fills have no known
            probability, or distances are not counted from the mid.
    """
    environment, limit = task.config.environment, task.config.rules.inventory_limit_orders
    if limit > state.BASE_ORDERS:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with environment.residual_range "
            f"{environment.residual_range:g}, wanted at most {state.BASE_ORDERS}"
        )
    if environment.reference == "state_dp":
        return _of_the_moment(task)
    out = []
    for one, quotes in zip(task.scales, _quotes(task), strict=True):
        before = one.half_spread_tick if environment.reference_price == "touch" else 0.0
        unit = scales.unit_tick(one, environment) or one.half_spread_tick
        units = np.where(np.isnan(quotes), environment.offset_range[1], (quotes - before) / unit)
        base_ask = 0.5 * (units[:, 0] + units[::-1, 1])
        out.append(msgspec.structs.replace(one, base_ask=tuple(base_ask.tolist())))
    return tuple(out)


def _of_the_moment(task):
    environment = task.config.environment
    known_fills.check(task.config, task.instruments, "reference")
    if environment.reference_price != "mid":
        raise errors.ConfigError(
            f"environment.reference is state_dp, but environment.reference_price is {environment.reference_price}, "
            "wanted mid"
        )
    out = []
    for one, by_spread in zip(task.scales, inventory_value.by_spread(task), strict=True):
        found = by_spread.cuts, by_spread.worth.T, by_spread.chance
        cuts, worth, chance = (msgspec.convert(part.tolist(), tuple) for part in found)
        out.append(msgspec.structs.replace(one, base_cuts=cuts, base_worth=worth, base_chance=chance))
    return tuple(out)


def _quotes(task):
    """[(2 L + 1, 2)] of every instrument: ask and bid distance from the mid by inventory, ticks; NaN: not quoted."""
    if known_fills.known(task.config, task.instruments):
        solved = [inventory_value.solve(task, n) for n in range(len(task.scales))]
    else:
        solved = inventory_value.measured(task)
    return [solution.quotes(distance) for distance, solution in solved]
