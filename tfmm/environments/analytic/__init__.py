"""Exact models as environments: the same problem without market data."""
