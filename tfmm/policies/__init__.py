"""Baseline policies, saved policies, and sessions in which a saved policy quotes a live market."""
