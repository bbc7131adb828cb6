"""Baseline policies and saved policies."""
