"""Agents, built from specs only."""
