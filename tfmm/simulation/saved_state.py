"""The saved state of a simulator, put back only where kernels may follow it."""

from collections.abc import Mapping

from tfmm.arrays import Array, put


def restore(targets: Mapping[str, Array], saved: Mapping[str, Array], n_events: int) -> None:
    """Copies saved arrays into those of a simulator; all of them, or none.

    Args:
        targets: the simulator's arrays by name; `rows` and `flat_rows` are state.ROW. saved: the same names.
        n_events: of the tape that rows point into.

    Raises:
        KeyError, ValueError: a name is missing, type or shape differ, or a row points outside the events.
    """
    before = {name: target.copy() for name, target in targets.items()}
    try:
        for name, target in targets.items():
            put(target, saved[name], name)
        for rows in (targets["rows"], targets["flat_rows"]):
            inside = (rows["cursor"] >= 0) & (rows["cursor"] <= rows["stop"]) & (rows["stop"] <= n_events)
            if not (inside & (rows["window"] >= 0)).all():
                raise ValueError(f"rows point outside the {n_events} events")
    except (KeyError, ValueError):
        for name, target in targets.items():
            target[...] = before[name]
        raise
