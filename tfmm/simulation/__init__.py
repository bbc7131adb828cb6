"""The numba simulator: decides which quotes fill, and keeps the books."""

from tfmm.simulation.exchange.replay import Result, replay
from tfmm.simulation.exchange.rules import FillRules

__all__ = ["FillRules", "Result", "replay"]
