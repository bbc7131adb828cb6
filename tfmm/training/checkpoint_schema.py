"""Schema of a checkpoint, written beside it, so that one of other networks or another version is refused in words."""

import pathlib
import re
from typing import Any

import tree
from tf_agents.agents import tf_agent

from tfmm import errors, files
from tfmm.config import experiment as experiment_lib

NAME = "schema.json"
_FORMAT = 3  # of state.msgpack and of the files beside it


def of(agent: tf_agent.TFAgent, config: experiment_lib.Config) -> dict[str, Any]:
    """The schema of the checkpoints of a run: a tree for JSON.

    Args:
        agent: before its optimisers have made variables. config: of the run.
    """
    frames = tree.flatten_with_path(agent.collect_data_spec)
    return {
        "format": _FORMAT,
        "settings": {
            "agent.name": config.agent.name,
            "agent.n_step": config.agent.n_step,
            "collect.mode": config.collect.mode,
            "environment.name": config.environment.name,
            "environment.rows": config.environment.rows,
        },
        "transition": {".".join(map(str, path)): [spec.dtype.name, *spec.shape] for path, spec in frames},
        # Keras numbers the layers of a process in the order of their making
        "variables": [[re.sub(r"_\d+(?=/)", "", one.name), *one.shape] for one in agent.variables],
    }


def check(folder: pathlib.Path | None, wanted: dict[str, Any]) -> None:
    """Raises DataError where the checkpoint in a folder has another schema than `wanted`; nothing without a folder."""
    if folder is None:
        return
    try:
        found = files.read_json(folder / NAME)
    except (OSError, ValueError) as error:
        raise errors.DataError(
            f"checkpoint {folder}: no readable {NAME}, wanted one of this version (format {_FORMAT})"
        ) from error
    for what, ours in wanted.items():
        theirs = found.get(what)
        if theirs != ours:
            got, want = _difference(theirs, ours)
            raise errors.DataError(
                f"checkpoint {folder}: {what} {got}, wanted {want}; --resume needs the settings and the version that "
                "it was written with"
            )


def _difference(theirs, ours):
    """The first part in which two trees differ, as two texts."""
    if isinstance(ours, dict) and isinstance(theirs, dict) and theirs.keys() == ours.keys():
        key = next(key for key in ours if theirs[key] != ours[key])
        return f"{key} {theirs[key]}", ours[key]
    if isinstance(ours, list) and isinstance(theirs, list):
        pairs = [pair for pair in zip(theirs, ours, strict=False) if pair[0] != pair[1]]
        return pairs[0] if pairs else (f"{len(theirs)} of them", len(ours))
    return theirs, ours
