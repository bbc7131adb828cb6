"""Files that are either whole or not there: written to a temporary name, flushed to disk, renamed."""

import json
import math
import os
import pathlib
import shutil
from typing import Any, TypeAlias

Path: TypeAlias = str | os.PathLike[str]


def write_bytes(path: Path, data: bytes) -> None:
    """Writes a file atomically; raises OSError and leaves the old file in place where it cannot."""
    path = pathlib.Path(path)
    temporary = path.with_name(f".{path.name}.tmp")
    try:
        with open(temporary, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(temporary, path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


def write_text(path: Path, text: str) -> None:
    """Writes a file of UTF-8 text; see write_bytes."""
    write_bytes(path, text.encode())


def write_json(path: Path, tree: Any) -> None:
    """Writes JSON; numbers that do not exist (NaN, infinite) become null."""
    write_text(path, json.dumps(_plain(tree), indent=2, allow_nan=False) + "\n")


def read_json(path: Path) -> Any:
    """The tree of a JSON file."""
    return json.loads(pathlib.Path(path).read_text(encoding="utf-8"))


def read_json_lines(path: Path) -> list[Any]:
    """The records of a JSON-lines file up to the first line that is not whole; [] without the file."""
    path = pathlib.Path(path)
    records = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.is_file() else ():
        try:
            records.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return records


def flush_folder(path: Path) -> None:
    """Flushes every file below a folder to disk: what is renamed afterwards survives the machine too."""
    for one in pathlib.Path(path).rglob("*"):
        if one.is_file():
            descriptor = os.open(one, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)


def replace_folder(new: Path, path: Path) -> None:
    """Renames the finished folder `new` to `path`; the old one is deleted afterwards."""
    new, path = pathlib.Path(new), pathlib.Path(path)
    old = path.with_name(f".{path.name}.old")
    shutil.rmtree(old, ignore_errors=True)
    if path.exists():
        os.rename(path, old)
    os.rename(new, path)
    shutil.rmtree(old, ignore_errors=True)


def _plain(tree):
    if isinstance(tree, dict):
        return {str(key): _plain(value) for key, value in tree.items()}
    if isinstance(tree, (list, tuple)):
        return [_plain(value) for value in tree]
    if hasattr(tree, "item"):
        return _plain(tree.item() if tree.ndim == 0 else tree.tolist())
    if isinstance(tree, float) and not math.isfinite(tree):
        return None
    return tree
