"""Closed forms, calibration and exact yardsticks."""
