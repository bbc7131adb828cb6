"""The state of a live session in a file: whole or not there, without pickle, for one policy and one version alone.

A ZIP archive of NumPy arrays (npz): `header`, JSON as bytes, and the arrays of the session.
"""

import hashlib
import io
import pathlib
import zipfile
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.arrays import Array
from tfmm.live import guard
from tfmm.policies import saved

VERSION = 1
_HEADER = "header"
_LARGEST = 1 << 28  # bytes of a file, and of what it unpacks to


class Header(msgspec.Struct):
    """What a state belongs to, and what is not in arrays.

    settings: options that change what a session does. lines: taken so far; answers: decisions printed so far.
    """

    version: int
    policy: str
    settings: dict[str, Any]
    lines: int
    answers: int
    bad_lines: int
    guard: guard.State


def policy_of(policy: saved.Policy) -> str:
    """A hash of a policy's description and of its files, which a state must agree with."""
    digest = hashlib.sha256(msgspec.json.encode(policy.description, order="sorted"))
    if policy.folder.is_dir():
        for path in sorted(policy.folder.rglob("*")):
            if path.is_file():
                digest.update(path.relative_to(policy.folder).as_posix().encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def write(path: pathlib.Path, header: Header, arrays: Mapping[str, Array]) -> None:
    """Writes a state atomically. Raises OSError, and leaves the file of before, where it cannot."""
    out = io.BytesIO()
    plain = {f"array_{name}": value for name, value in arrays.items()}
    np.savez(out, **{_HEADER: np.frombuffer(msgspec.json.encode(header), np.uint8)}, **plain)
    files.write_bytes(path, out.getvalue())


def read(path: pathlib.Path, policy: str, settings: dict[str, Any]) -> tuple[Header, dict[str, Array]]:
    """The header and arrays of a state.

    Args:
        policy: what policy_of gives. settings: that the state must have.

    Raises:
        DataError: no such file, one that is no state, or the state of another version, policy or settings.
    """
    try:
        size = path.stat().st_size
        if size > _LARGEST:
            raise errors.DataError(f"state {path}: {size} bytes, wanted at most {_LARGEST}")
        data = path.read_bytes()
    except OSError as error:
        raise errors.DataError(f"state {path}: {error.strerror or error}, wanted a file that --state wrote") from error
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            if sum(one.file_size for one in archive.infolist()) > _LARGEST:
                raise ValueError("it unpacks to too much")
        with np.load(io.BytesIO(data), allow_pickle=False) as archive:
            found = {name: archive[name] for name in archive.files}
        text = found.pop(_HEADER).tobytes()
        version = msgspec.json.decode(text, type=dict)["version"]
    except (ValueError, KeyError, EOFError, OSError, RecursionError, MemoryError, NotImplementedError, RuntimeError,
            TypeError, SyntaxError, zipfile.BadZipFile, zlib.error, msgspec.DecodeError) as error:  # fmt: skip
        raise _damaged(path, error) from error
    if version != VERSION:
        raise errors.DataError(f"state {path}: version {version}, wanted {VERSION}: begin without --resume")
    try:
        header = msgspec.json.decode(text, type=Header)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _damaged(path, error) from error
    if header.policy != policy:
        raise errors.DataError(f"state {path}: of another policy, wanted one that was written with this policy")
    for name, value in settings.items():
        if header.settings.get(name) != value:
            raise errors.DataError(f"state {path}: {name} {header.settings.get(name)!r}, wanted {value!r}")
    return header, {name.removeprefix("array_"): value for name, value in found.items()}


def _damaged(path, error):
    return errors.DataError(f"state {path}: it is damaged or no state: {' '.join(str(error).split())[:200]}")
