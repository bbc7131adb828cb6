"""Keys and values of the configuration that had another name, each with the name it has now, or that are gone.

A file that still has an old name is refused, not translated: whoever reads it later finds one name for one thing.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from tfmm import errors

ANY = None
GONE = ""


class Renamed(NamedTuple):
    """One row of the table.

    Attributes:
        old: key, `section.name`. value: the old value that the row is for; ANY: every one.
        new: key that took its place; GONE: none did. new_value: what the old value is called now; ANY: it is as it was.
    """

    old: str
    value: str | None
    new: str
    new_value: str | None


def _values(old: str, new: str, values: Mapping[str, str]) -> list[Renamed]:
    return [Renamed(old, value, new, new_value) for value, new_value in values.items()]


TABLE = (
    Renamed("environment.residual", ANY, "environment.residual_range", ANY),
    *_values("environment.base", "environment.reference", {"inventory": "inventory_dp", "moment": "state_dp"}),
    Renamed("environment.base", ANY, "environment.reference", ANY),
    *_values(
        "environment.reference",
        "environment.reference_price",
        {"mid": "mid", "touch": "touch", "synthetic": "synthetic"},
    ),
    *_values(
        "environment.reward",
        "environment.reward",
        {
            "drawn": "realised_pnl",
            "expected": "expected_pnl",
            "bellman": "shaped_expected_pnl",
            "markout_value": "shaped_markout",
        },
    ),
    Renamed("environment.value_spreads", ANY, "environment.n_spread_states", ANY),
    *_values("model.reward", "model.reward", {"sampled": "realised_pnl", "expected": "expected_pnl"}),
    *_values("model.mid_reward", "model.mid_reward", {"sampled": "realised_pnl", "expected": "expected_pnl"}),
    Renamed("data.rotation", ANY, "data.fold", ANY),
    Renamed("train.mirror", ANY, "train.reflect", ANY),
    Renamed("train.abstain", ANY, "train.no_quote_gate", ANY),
    Renamed("train.sampler", ANY, GONE, ANY),
    Renamed("train.priority_exponent", ANY, GONE, ANY),
    Renamed("train.importance_exponent", ANY, GONE, ANY),
    Renamed("agent.noise_decay", ANY, GONE, ANY),
    Renamed("agent.noise_stddev_final", ANY, GONE, ANY),
)
"""Where a key has several rows the first that fits counts."""


def refuse(settings: Iterable[tuple[str, Any]], where: str) -> None:
    """Raises ConfigError, beginning with `where`, that gives the new name of every old one among (key, value) pairs."""
    lines = dict.fromkeys(line for key, value in settings if (line := _line(key, value)) is not None)
    if lines:
        raise errors.ConfigError(f"{where}: {'; '.join(lines)}")


def refuse_tree(tree: Mapping[str, Any], where: str) -> None:
    """The same of the nested dicts of a whole configuration."""
    sections = ((name, section) for name, section in tree.items() if isinstance(section, Mapping))
    refuse(((f"{name}.{key}", value) for name, section in sections for key, value in section.items()), where)


def _line(key: str, value: Any) -> str | None:
    """What is said of one setting, None where it has its name of today."""
    row = next((row for row in TABLE if row.old == key and (row.value is ANY or row.value == value)), None)
    if row is None:
        return None
    if row.new == GONE:
        return f"{row.old} is no setting any more, wanted no such line (docs/CHANGELOG.md)"
    if row.new_value is ANY:
        return f"{row.old} is now {row.new}"
    new = f"{row.new} = " if row.new != row.old else ""
    return f"{row.old} = {json.dumps(value)} is now {new}{json.dumps(row.new_value)}"
