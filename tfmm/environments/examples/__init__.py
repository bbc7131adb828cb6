"""Example environments that need no tick data."""
