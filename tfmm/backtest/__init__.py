"""Policies in closed loop with the simulator, and exact expectations of what they earn."""
