"""SCHEDULE, at the address where users' scripts find the dtype of a schedule of quotes; see exchange.orders."""

from tfmm.simulation.exchange.orders import SCHEDULE

__all__ = ["SCHEDULE"]
