"""The numba simulator: decides which quotes fill, and keeps the books."""

from tfmm.simulation.schedule import FillRules, Result, replay

__all__ = ["FillRules", "Result", "replay"]
