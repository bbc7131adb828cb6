"""The quote that actions correct where environment.residual is above 0: dynamic programming over the inventory alone.

Where clients alone trade, with known fill probabilities, it is solved for these; else for what quotes did on train. It
knows nothing of the moment's spread, drift or flow, and of several instruments each by itself: that is left to learn.
"""

import msgspec
import numpy as np

from tfmm import errors
from tfmm.environments import lessons
from tfmm.models import calibration
from tfmm.simulation import state


def known(problem):
    """The scales of a Problem with their `base_ask`, fitted now where actions correct nothing."""
    return problem.scales if all(one.base_ask for one in problem.scales) else fitted(problem)


def fitted(problem):
    """The scales of a Problem with their `base_ask` set.

    Distances from the mid become multiples of the unit of an action's at the mean spread of train, and are counted from
    the touch where that is the reference. A side that is not quoted stands at the far end of offset_range. Buyers and
    sellers are alike: the distance of the bid is that of the ask with the opposite inventory, the mean of both.

    Raises:
        ConfigError: more orders may be held than the table has room for.
    """
    environment, limit = problem.config.environment, problem.config.rules.inventory_limit_orders
    if limit > state.BASE_ORDERS:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with environment.residual {environment.residual:g}, wanted "
            f"at most {state.BASE_ORDERS}"
        )
    out = []
    for one, quotes in zip(problem.scales, _quotes(problem), strict=True):
        before = one.half_spread_tick if environment.reference == "touch" else 0.0
        unit = calibration.unit_tick(one, environment) or one.half_spread_tick
        units = np.where(np.isnan(quotes), environment.offset_range[1], (quotes - before) / unit)
        base_ask = 0.5 * (units[:, 0] + units[::-1, 1])
        out.append(msgspec.structs.replace(one, base_ask=tuple(base_ask.tolist())))
    return tuple(out)


def _quotes(problem):
    """[(2 L + 1, 2)] of every instrument: ask and bid distance from the mid by inventory, ticks; NaN: not quoted."""
    if lessons.known(problem.config, problem.instruments):
        solved = [lessons.solve(problem, n) for n in range(len(problem.scales))]
    else:
        solved = lessons.measured(problem)
    return [solution.quotes(distance) for distance, solution in solved]
