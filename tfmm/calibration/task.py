"""What the fits of this room read of a task on market data; environments.tape.task.TapeTask provides it."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from tfmm.arrays import Floats, Ints, Records
from tfmm.calibration.scales import Scales
from tfmm.config.experiment import Config
from tfmm.market.schema import Instrument
from tfmm.market.splits import Segment
from tfmm.models import inventory
from tfmm.simulation.rewards import kinds
from tfmm.simulation.simulator import Simulator


class Costs(Protocol):
    """Costs of the instruments of a task, indexed by instrument n."""

    def holding_cost(self, n: int) -> Floats:
        """(2 L + 1,) float64 cost of holding -L, ..., L orders per decision, tick x order."""

    def hedge(self, n: int, half_spread_tick: Any = None) -> inventory.Hedge | None:
        """The hedge, None without; half_spread_tick None: the mean one."""


class TapeTask(Protocol):
    """N instruments of a store, split into train, validation and test.

    Hashable: fits that are made once are kept by task.
    """

    def __hash__(self) -> int: ...

    @property
    def config(self) -> Config: ...

    @property
    def instruments(self) -> Sequence[Instrument]: ...

    @property
    def segments(self) -> Mapping[str, Sequence[Segment]]: ...

    @property
    def scales(self) -> tuple[Scales, ...]: ...

    @property
    def parameters(self) -> Records:
        """(N,) state.PARAMETERS."""

    @property
    def risk(self) -> kinds.Risk:
        """What inventory costs."""

    def windows(self, segments: Sequence[Segment], window_s: float = 0.0) -> Ints:
        """(W, 3) consecutive windows."""

    @property
    def costs(self) -> Costs: ...

    def probe_simulator(self, segments: Sequence[Segment], windows: Ints, record: bool = False) -> Simulator:
        """A simulator that takes raw distances and has no inventory limits, a row for each window."""
