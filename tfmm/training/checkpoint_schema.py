"""What a checkpoint holds, written beside it, so that one of other networks or another version is refused in words."""

import re

import tree

from tfmm import errors, files

NAME = "layout.json"
_FORMAT = 1  # of state.pickle and of what stands beside it


def of(agent, settings):
    """The layout of a run's checkpoints: a tree for JSON.

    Args:
        agent: before its optimisers have made variables. settings: Config.
    """
    frames = tree.flatten_with_path(agent.collect_data_spec)
    return {
        "format": _FORMAT,
        "settings": {
            "agent.name": settings.agent.name,
            "agent.n_step": settings.agent.n_step,
            "collect.mode": settings.collect.mode,
            "environment.name": settings.environment.name,
            "environment.rows": settings.environment.rows,
            "train.sampler": settings.train.sampler,
        },
        "transition": {".".join(map(str, path)): [spec.dtype.name, *spec.shape] for path, spec in frames},
        # Keras numbers the layers of a process in the order of their making
        "variables": [[re.sub(r"_\d+(?=/)", "", one.name), *one.shape] for one in agent.variables],
    }


def check(folder, wanted):
    """Raises DataError where the checkpoint in a folder has another layout than `wanted`; nothing without a folder."""
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
