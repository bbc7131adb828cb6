"""The reference quote: residual actions are added to it, and rewards of discount 0 are the advantage over it.

With environment.reference = "inventory_dp" it is the dynamic-programming quote given the inventory alone, solved for
known fill probabilities where only clients trade, else for fills probed on train; spread, drift and flow at the moment
do not enter. With "state_dp" it is the DP-optimal tick given inventory, spread and predicted drift
(tfmm.simulation.dealer.optimal_tick). Each of several instruments is solved by itself: what they do to each other's
risk is left to the agent.
"""

import msgspec
import numpy as np

from tfmm import errors
from tfmm.calibration import inventory_value, scales as scales_lib
from tfmm.calibration.known_fills import has_known_fills, require_known_fills
from tfmm.calibration.scales import Scales
from tfmm.calibration.task import TapeTask
from tfmm.simulation import state


def fit_once(task: TapeTask) -> tuple[Scales, ...]:
    """The scales of a task with the reference quote; fitted now where the task, without residual actions, has none."""
    return (
        task.scales
        if all(scale.reference_ask or scale.reference_marginal_value for scale in task.scales)
        else fit(task)
    )


def fit(task: TapeTask) -> tuple[Scales, ...]:
    """The scales of a task with `reference_ask` or, of state_dp, `reference_marginal_value` and what belongs to it.

    Distances from the mid become multiples of the unit of an action's distances at the mean spread of train, counted
    from the touch where environment.reference_price is "touch". A side that dynamic programming does not quote has the
    far end of offset_range. Buyers and sellers are alike: the distance of the bid is that of the ask with the opposite
    inventory, both are the mean of the two.

    Raises:
        ConfigError: the inventory limit is larger than the table; or of state_dp: the probabilities of fills are not
            known, or distances are not counted from the mid.
    """
    environment, limit = task.config.environment, task.config.rules.inventory_limit_orders
    if limit > state.REFERENCE_ORDERS:
        raise errors.ConfigError(
            f"rules.inventory_limit_orders is {limit} with environment.residual_range "
            f"{environment.residual_range:g}, wanted at most {state.REFERENCE_ORDERS}"
        )
    if environment.reference == "state_dp":
        return _state_dp(task)
    out = []
    for scale, quotes in zip(task.scales, _quotes(task), strict=True):
        touch = scale.half_spread_tick if environment.reference_price == "touch" else 0.0
        unit = scales_lib.unit_tick(scale, environment) or scale.half_spread_tick
        units = np.where(np.isnan(quotes), environment.offset_range[1], (quotes - touch) / unit)
        reference_ask = 0.5 * (units[:, 0] + units[::-1, 1])
        out.append(msgspec.structs.replace(scale, reference_ask=tuple(reference_ask.tolist())))
    return tuple(out)


def _state_dp(task):
    environment = task.config.environment
    require_known_fills(task.config, task.instruments, "reference")
    if environment.reference_price != "mid":
        raise errors.ConfigError(
            f"environment.reference is state_dp, but environment.reference_price is {environment.reference_price}, "
            "wanted mid"
        )
    out = []
    for scale, by_spread in zip(task.scales, inventory_value.solve_by_spread(task), strict=True):
        found = by_spread.cuts, by_spread.marginal_value.T, by_spread.fill_probability
        cuts, marginal_value, fill_probability = (msgspec.convert(part.tolist(), tuple) for part in found)
        fields = {
            "reference_cuts": cuts,
            "reference_marginal_value": marginal_value,
            "reference_fill_probability": fill_probability,
        }
        out.append(msgspec.structs.replace(scale, **fields))
    return tuple(out)


def _quotes(task):
    """[(2 L + 1, 2)] of every instrument: ask and bid distance from the mid by inventory, ticks; NaN: not quoted."""
    if has_known_fills(task.config, task.instruments):
        solved = [inventory_value.solve_known(task, n) for n in range(len(task.scales))]
    else:
        solved = inventory_value.solve_probed(task)
    return [solution.quotes(distance) for distance, solution in solved]
