"""Replay, collection, learner loop, run directory."""
