"""Which reward an interval earns: picks one of the files of this room by RewardKind.

`begin`, `before_quote`, `hedge` and `after_quote` run at the decision, in this order; `earned` at the interval's end.
"""

from typing import NamedTuple

from tfmm import jit
from tfmm.arrays import Record, Records
from tfmm.simulation import arguments
from tfmm.simulation.clients import arrivals
from tfmm.simulation.rewards import expected_fills, inventory_risk, kinds, mark_to_market, markout

_NONE, _REFERENCE = kinds.Baseline.NONE, kinds.Baseline.REFERENCE
_MARKOUT, _SHAPED_MARKOUT = kinds.RewardKind.MARKOUT, kinds.RewardKind.SHAPED_MARKOUT


class Opening(NamedTuple):
    """What an interval begins with, tick x lot of the first instrument.

    Attributes:
        objective: wealth at the mid less the cost of risk so far; 0 where fills are expected.
        risk_s: integral of Risk(Q) dt so far.
    """

    objective: float
    risk_s: float


@jit.kernel
def begin(row: Record, account: arguments.Account, reward: kinds.Reward) -> Opening:
    """The Opening of the interval that begins with a decision, before it is hedged."""
    objective = 0.0
    if not kinds.has_expected_fills(reward.kind):
        objective = mark_to_market.objective(row, account, reward.risk)
    return Opening(objective, row.risk_s)


@jit.kernel
def before_quote(
    events: Records, row: Record, account: arguments.Account, n: int, synthetic: float, until: int, reward: kinds.Reward
) -> None:
    """Writes the expected fills of instrument n's baseline quote, where the reward subtracts them."""
    if reward.baseline == _NONE or not kinds.has_expected_fills(reward.kind):
        return
    if reward.baseline == _REFERENCE:
        expected_fills.expect_reference(events, row, account, n, synthetic, until)
    else:
        expected_fills.expect_flat(events, row, account, n, reward.baseline_spreads[n], until)


@jit.kernel
def hedge(
    row: Record, account: arguments.Account, n: int, share: float, reward: kinds.Reward, log: arguments.FillLog
) -> None:
    """Closes a share of instrument n's inventory before its quote is sent; an expected reward counts the gain now."""
    instrument, parameters = account.instruments[n], account.parameters[n]
    expects = kinds.has_expected_fills(reward.kind)
    before = expected_fills.wealth(instrument, parameters, reward.values[n]) if expects else 0.0
    arrivals.hedge_share(instrument, n, share, row.ts, row.cursor - 1, parameters, log)
    if expects:
        instrument.hedge_gain = expected_fills.wealth(instrument, parameters, reward.values[n]) - before
    inventory_risk.accrue(row, account, reward.risk, row.ts)


@jit.kernel
def after_quote(
    events: Records, row: Record, account: arguments.Account, n: int, order: Record, until: int, reward: kinds.Reward
) -> None:
    """Writes what instrument n starts the interval with and, for an expected reward, the expected fills of its
    order."""
    markout.snapshot(account.instruments[n])
    if kinds.has_expected_fills(reward.kind):
        expected_fills.expect(events, row, account, n, order, until)


@jit.kernel
def earned(
    events: Records,
    row: Record,
    account: arguments.Account,
    opening: Opening,
    held_risk_cost: float,
    reward: kinds.Reward,
) -> float:
    """The reward of the interval that has just ended, reward units.

    Args:
        opening: what `begin` returned. held_risk_cost: what the inventory at the decision, once hedged, costs over an
            interval, tick x lot of the first instrument.
    """
    if kinds.has_expected_fills(reward.kind):
        risk_cost = reward.risk.cost_per_s * (row.risk_s - opening.risk_s)
        return expected_fills.earned(account, reward, risk_cost, held_risk_cost) / reward.scale
    gained = mark_to_market.objective(row, account, reward.risk) - opening.objective
    if reward.kind == _MARKOUT or reward.kind == _SHAPED_MARKOUT:
        gained += markout.correction(events, row, account, reward)
    return gained / reward.scale
