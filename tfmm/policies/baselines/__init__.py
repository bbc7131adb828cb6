"""Strategies that a trading firm would run, fitted on train."""
