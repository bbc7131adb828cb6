"""Replay: server, writers, datasets and their checkpoints."""
