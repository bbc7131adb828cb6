"""Format numbers of what a training writes: a run directory and a saved policy are read by the version that knows them.

Format 2 has the names of settings of `tfmm.config.renamed`; what was written before it has format 1, or none.
"""

import pathlib
from typing import Any

from tfmm import errors, files

FORMAT = 2
PROVENANCE = "provenance.json"


def check_policy(description: Any, where: str) -> None:
    """Raises DataError where the description of a saved policy, its tfmm.json, has another format."""
    if _found(description) != FORMAT:
        raise errors.DataError(f"{where}: {_complaint(description)}")


def check_run(folder: pathlib.Path) -> None:
    """Raises ConfigError where a run directory has another format, or no provenance.json that says which."""
    where = f"run directory {folder}: {PROVENANCE}"
    try:
        provenance = files.read_json(folder / PROVENANCE)
    except (OSError, ValueError) as error:
        raise errors.ConfigError(f"{where} cannot be read ({error}), wanted that of a run") from error
    if _found(provenance) != FORMAT:
        raise errors.ConfigError(f"{where}: {_complaint(provenance)}")


def _found(tree: Any) -> Any:
    return tree.get("format") if isinstance(tree, dict) else None


def _complaint(tree: Any) -> str:
    found, commit = _found(tree), tree.get("git_commit") if isinstance(tree, dict) else None
    got = "has no format number" if found is None else f"has format {found}"
    writer = f"commit {commit}" if commit else "the version of tfmm that wrote it"
    return f"{got}, wanted {FORMAT}: train again, or read it with {writer}"
