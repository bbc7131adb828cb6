"""PyEnvironments over the simulator."""
