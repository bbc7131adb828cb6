"""Baseline strategies and saved policies."""
