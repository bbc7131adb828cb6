"""Evaluation on models and example environments."""
