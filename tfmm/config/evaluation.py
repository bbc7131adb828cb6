"""Section [evaluation] of a configuration: backtest and comparison."""

from typing import Annotated

import msgspec

from tfmm.config import types
from tfmm.config.types import about

DAY_HOURS = 24.0
"""Trading hours of a day in a market that is not known to close."""


class Evaluation(types.Section, frozen=True, kw_only=True):
    """Backtest and comparison. Equities trade on 252 days a year, 6.5 hours a day."""

    # comparison
    block_s: Annotated[types.Positive, about("Length of the blocks in which policies are paired.", "s")] = 60.0
    bootstrap_samples: Annotated[types.Count, about("Bootstrap samples of an interval.", "samples")] = 2_000

    # Sharpe and Sortino ratio
    sampling_s: Annotated[types.Positive, about("Interval of the profits in both ratios.", "s")] = 60.0
    trading_days_per_year: Annotated[types.Positive, about("Days by which both are annualised.", "days/year")] = 365.0
    trading_hours_per_day: Annotated[
        Annotated[float, msgspec.Meta(ge=0, le=24)],
        about("Hours by which both are annualised; 0: of trading, where sessions have breaks, else 24.", "hours/day"),
    ] = 0.0
