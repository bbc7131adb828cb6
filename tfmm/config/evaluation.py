"""Section [evaluation] of a configuration."""

from typing import Annotated

import msgspec

from tfmm.config.market import Count, Positive


class Evaluation(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Backtest and comparison.

    block_s: length of the blocks that policies are paired by. sampling_s: of the profits in Sharpe and
    Sortino, annualised with trading_days_per_year days of trading_hours_per_day (equities: 252 of 6.5).
    """

    block_s: Positive = 60.0
    sampling_s: Positive = 60.0
    trading_days_per_year: Positive = 365.0
    trading_hours_per_day: Annotated[float, msgspec.Meta(gt=0, le=24)] = 24.0
    bootstrap_samples: Count = 2_000
