"""What each example environment contributes to its evaluation."""

from collections.abc import Sequence
from typing import Any, NamedTuple

from matplotlib import figure


class Assessment(NamedTuple):
    """Metrics of a policy and its baselines on an example environment.

    data: facts, as in metrics.json. results: {policy or baseline: {metric: number}}.
    comparison: entries of comparison.compare. best_baseline: its name. figures: {file stem: Figure}.
    tables: {file stem: (columns, rows)}, written as CSV. more: further keys of metrics.json.
    """

    data: dict[str, Any]
    results: dict[str, dict[str, Any]]
    comparison: list[dict[str, Any]]
    best_baseline: str
    figures: dict[str, figure.Figure]
    tables: dict[str, tuple[Sequence[str], Any]]
    more: dict[str, Any]
