"""Types that every baseline shares."""

from typing import Any, Protocol

from tfmm.arrays import Floats, Floats32, Records


class MarketState(Protocol):
    """The part of a simulator in `distances` mode that a baseline reads: simulator.Simulator, SimulatorView or
    backtest.expected_objective.States. instruments: (B, N) instrument states. observation: (B, N F) all features."""

    @property
    def instruments(self) -> Records: ...

    @property
    def observation(self) -> Floats32: ...


class Baseline(Protocol):
    """A fitted policy. name: as in metrics.json. fitted: its parameters, JSON-able."""

    @property
    def name(self) -> str: ...

    @property
    def fitted(self) -> dict[str, Any]: ...

    def __call__(self, sim: MarketState) -> Floats:
        """(B, N, 2) ask and bid distance from the mid, ticks, NaN: no quote; or (B, N, 3) with the share of the
        inventory that is hedged."""
        ...
