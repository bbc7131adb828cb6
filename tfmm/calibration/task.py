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

    def holding_cost(self, n: int) -> Floats:
        """(2 L + 1,) cost of holding -L, ..., L orders of instrument n per decision, tick x order."""

    def hedge(self, n: int, half_spread_tick: Any = None) -> inventory.Hedge | None:
        """The hedge of instrument n, None without."""

    def simulator(
        self,
        segments: Sequence[Segment],
        rows: int,
        seed: int = 0,
        windows: Ints | None = None,
        distances: bool = False,
        record: bool = False,
        limited: bool = True,
    ) -> Simulator:
        """B rows on the segments."""
