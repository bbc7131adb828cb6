"""Closed forms and dynamic programming of market-making models; they know no data."""
