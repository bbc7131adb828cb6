"""Which reward a step earns and how inventory risk is priced, by name."""

import enum
from typing import NamedTuple

import numpy as np

from tfmm import jit
from tfmm.arrays import Floats


class RewardKind(enum.IntEnum):
    """One file of tfmm.simulation.rewards each."""

    REALISED_PNL = 0
    """Change of the wealth at the mid: mark_to_market."""
    MARKOUT = 1
    """Fills marked to a later mid: markout."""
    SHAPED_MARKOUT = 2
    """The same and the change of the inventory's value."""
    EXPECTED_PNL = 3
    """Expected instead of drawn fills: expected_fills."""
    SHAPED_EXPECTED_PNL = 4
    """The same and the expected change of the inventory's value."""


class Baseline(enum.IntEnum):
    """What is subtracted from the reward of an interval, so that less of the tape's noise is left in it."""

    NONE = 0
    REFERENCE = 1
    """The expected reward of the reference quote, sent with the same inventory: the one-step advantage. It depends on
    the inventory, thus only fits a discount of 0."""
    FLAT_DEALER = 2
    """The reward of a dealer who comes to the interval without inventory and quotes one distance, on the same tape and
    to the same clients: an input-driven baseline (Mao et al. 2019), which no action changes. It fits every discount."""


class RiskKind(enum.IntEnum):
    """What Risk(Q) is, see inventory_risk."""

    ABSOLUTE = 0
    """|Q| of each instrument by itself."""
    COVARIANCE = 1
    """(Q' Omega Q)^u of all instruments together."""


class Risk(NamedTuple):
    """The price of inventory.

    Attributes:
        kind: RiskKind.
        omega: (N, N) float64 of inventories in orders, COVARIANCE; else empty.
        cost_per_s: of one unit of Risk(Q) for a second, tick x lot of the first instrument, COVARIANCE.
        power: u.
        is_joint: whether what one instrument costs depends on the inventory of another: COVARIANCE where more than one
            instrument is quoted. Else Risk(Q) of each is r order_lot |Q|^p with the state.PARAMETERS risk and
            risk_power, and has an expectation of its own.
    """

    kind: int = RiskKind.ABSOLUTE
    omega: Floats = np.zeros((0, 0))
    cost_per_s: float = 0.0
    power: float = 0.5
    is_joint: bool = False


class Reward(NamedTuple):
    """What a step earns.

    Attributes:
        kind: RewardKind.
        scale: money of one reward unit, tick x lot of the first instrument.
        risk: Risk.
        values: float64, tick x lot. SHAPED_MARKOUT: (N, 2 L + 1) value of -L, ..., L orders. EXPECTED_PNL (zeros) and
            SHAPED_EXPECTED_PNL: (N, X (2 L + 1)) by state of the spread and orders; SHAPED_EXPECTED_PNL where the risk
            is joint: (1, S) of all inventories together, see joint_inventory. Else empty.
        baseline: Baseline; REFERENCE with expected fills alone.
        baseline_spreads: (N,) float64 distance of the flat dealer's quotes from the mid, market spreads.
        markout_ns: how long after the interval's end fills are marked, MARKOUT and SHAPED_MARKOUT.
    """

    kind: int = RewardKind.REALISED_PNL
    scale: float = 1.0
    risk: Risk = Risk()
    values: Floats = np.zeros((0, 0))
    baseline: int = Baseline.NONE
    baseline_spreads: Floats = np.zeros(0)
    markout_ns: int = 0


@jit.kernel
def has_expected_fills(kind: int) -> bool:
    """Whether a reward counts expected instead of drawn fills."""
    return kind == RewardKind.EXPECTED_PNL or kind == RewardKind.SHAPED_EXPECTED_PNL


@jit.kernel
def has_flat_dealer(reward: Reward) -> bool:
    """Whether a flat dealer of his own steps through the interval: his fills are drawn."""
    return reward.baseline == Baseline.FLAT_DEALER and not has_expected_fills(reward.kind)


@jit.kernel
def has_joint_value(reward: Reward) -> bool:
    """Whether the values of a reward are of all inventories together."""
    return reward.risk.is_joint and reward.kind == RewardKind.SHAPED_EXPECTED_PNL
