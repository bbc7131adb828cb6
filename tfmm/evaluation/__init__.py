"""Backtest, metrics, comparison, report."""
