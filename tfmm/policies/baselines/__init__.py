"""Strategies that a trading firm would use, fitted on train; an agent's policy is compared with them."""
