"""The simulator, compiled by numba: which quotes are filled, and what cash and inventory they lead to."""

from tfmm.simulation.exchange.replay import Result, replay
from tfmm.simulation.exchange.rules import FillRules

__all__ = ["FillRules", "Result", "replay"]
