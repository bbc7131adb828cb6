"""Which files a path stands for: all below a folder, links followed, zips opened."""

import os
import pathlib
from typing import NamedTuple

from tfmm import errors
from tfmm.market.readers import containers, kinds, sidecars

_SHOWN = 4
_STORE = {"manifest.json", "events.bin"}


class File(NamedTuple):
    """path: see containers. parts: names of the folders, zips and the file itself below the folder that was given."""

    path: pathlib.Path
    parts: tuple[str, ...]


class Passed(NamedTuple):
    """A file that is not read. name: its path below the folder that was given. what: one of sidecars'."""

    name: str
    what: str


def files(where: pathlib.Path) -> tuple[list[File], list[Passed]]:
    """(files in order of name, what is passed over unopened) of a folder, a file, or a pattern like `data/*.zip`.

    A file with several names through links is there once, under its own name.

    Raises:
        DataError: nothing there, a link to nothing, a folder or zip that cannot be read.
    """
    file, name = containers.split(where)
    if name:
        return [File(where, where.relative_to(file.parent).parts)], []
    if where.is_file():
        root, found = where.parent, [where]
    elif where.is_dir():
        root, found = where, [where]
    elif any(letter in str(where) for letter in "*?["):
        root = next(parent for parent in where.parents if not any(letter in str(parent) for letter in "*?["))
        found = sorted(root.glob(str(where.relative_to(root)))) if root.is_dir() else []
    else:
        raise errors.DataError(f"{where}: no such folder or file, wanted that of the raw files")
    passed: list[Passed] = []
    seen: dict[pathlib.Path, None] = {}
    out = []
    walked = [file for one in found for file in ([one] if one.is_file() else _walk(one, root, passed))]
    for path in sorted(walked, key=lambda path: (_is_linked(path, root), path)):
        real = path.resolve()
        if real in seen:
            continue
        seen[real] = None
        parts = path.relative_to(root).parts
        if any("\ud800" <= letter <= "\udfff" for letter in str(path)):
            raise errors.DataError(f"{str(path)!a}: the name is not UTF-8, wanted another one")
        if not path.is_file():
            passed.append(Passed("/".join(parts), sidecars.SPECIAL))
        elif path == where or not _hidden(parts, passed):
            out += _opened(path, parts, passed)
    return sorted(out), list(dict.fromkeys(passed))


def line(passed: list[Passed]) -> str:
    """One line that counts what was passed over, with the first names of each kind."""
    kinds_of: dict[str, list[str]] = {}
    for one in passed:
        kinds_of.setdefault(one.what, []).append(one.name)
    said = [f"{_counted(len(names), what)} ({listed(sorted(names))})" for what, names in sorted(kinds_of.items())]
    return f"passed over {_counted(len(passed), 'file')}: " + "; ".join(said)


def listed(names: list[str]) -> str:
    """The first names, and how many more there are."""
    more = f", and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return ", ".join(names[:_SHOWN]) + more


def _counted(count, what):
    noun, *rest = what.split(" with ")
    return " with ".join((f"{count} {noun}{'s' * (count > 1)}", *rest))


def _walk(folder, root, passed):
    """All files below a folder; a folder that is reached twice, as through a link to its parent, is walked once."""

    def fail(error):
        raise errors.DataError(f"{error.filename}: cannot be read: {error.strerror}") from error

    walked = set()
    ahead = [(False, folder)]
    while ahead:
        # folders before links to folders: what is reached both ways keeps its own name
        ahead.sort(reverse=True)
        _, top = ahead.pop()
        real = top.resolve()
        if real in walked:
            continue
        walked.add(real)
        _, folders, names = next(os.walk(top, onerror=fail), (top, [], []))
        if set(names) >= _STORE:
            passed.append(Passed(top.relative_to(root).as_posix(), sidecars.STORE))
            continue
        for name in folders:
            if not _hidden((*top.relative_to(root).parts, name, "*"), passed):
                ahead.append((_is_linked(top / name, root), top / name))
        for name in names:
            if (top / name).is_symlink() and not (top / name).exists():
                target = os.readlink(top / name)
                raise errors.DataError(f"{top / name}: is a link to {target}, which is not there, wanted files")
            yield top / name


def _is_linked(path, root):
    return any(one.is_symlink() for one in (path, *path.parents) if one.is_relative_to(root) and one != root)


def _hidden(parts, passed, known=0):
    """Whether a name is hidden; the first `known` parts are known not to be."""
    hidden = any(map(sidecars.is_hidden, parts[known:]))
    if hidden:
        passed.append(Passed("/".join(parts), sidecars.HIDDEN))
    return hidden


def _opened(path, parts, passed):
    """The file, or the files of a zip."""
    if sidecars.by_name(parts) or containers.kind(path) != kinds.ZIP:
        return [File(path, parts)]
    found = (File(member, parts + member.relative_to(path).parts) for member in containers.members(path))
    return [one for one in found if not _hidden(one.parts, passed, len(parts))]
