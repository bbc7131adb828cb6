"""Reinforcement-learning market making on tick data."""
