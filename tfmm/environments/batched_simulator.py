"""What every simulator of an environment is: B episodes that advance together. Without TensorFlow, as evaluation is."""

from typing import Any, Protocol

from tfmm import arrays

FILL_OUTCOMES = ("reward", "ask_fill_probability", "bid_fill_probability", "inventory_change")
"""Columns of a reward that comes with the outcomes of its interval, see tape.fill_outcomes; the change is in orders."""


class BatchedSimulator(Protocol):
    """B episodes that advance together; a row whose episode is over starts a new one at the next step.

    Attributes:
        observation: (B, K) float32. reward: (B,) float32.
        discount: (B,) float32: 0 where an episode has terminated, else 1; gamma belongs to the agent.
        step_type: (B,) int32, tf_agents StepType.
        The next step overwrites all of them.
    """

    observation: arrays.Floats32
    reward: arrays.Floats32
    discount: arrays.Floats32
    step_type: arrays.Ints32

    def seed(self, seed: int) -> None:
        """Restarts the random streams of all rows."""

    def reset(self) -> None:
        """Starts a new episode in every row."""

    def stagger(self) -> None:
        """Shortens the episodes just begun by random shares, so that the rows do not all end at once."""

    def step(self, actions: arrays.Array, /) -> None:
        """Advances every row by one step; actions: (B, ...)."""

    def get_state(self) -> Any:
        """A copy of everything that changes."""

    def set_state(self, state: Any, /) -> None:
        """Continues exactly where `get_state` was called."""
