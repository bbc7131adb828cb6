"""Metrics of one path and of whole evaluations."""
