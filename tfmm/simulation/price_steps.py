"""Prices that a session's price step allows, where it is coarser than a tick: venues change it between days."""

from tfmm import jit


@jit.kernel
def down(tick: int, step: int) -> int:
    """The last whole step at or below a price; step 0 or 1: every tick is one."""
    return tick - tick % step if step > 1 else tick


@jit.kernel
def up(tick: int, step: int) -> int:
    """The first whole step at or above a price; step 0 or 1: every tick is one."""
    return tick + -tick % step if step > 1 else tick
