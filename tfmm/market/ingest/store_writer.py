"""Writes stores: whole or not at all, a block of events at a time."""

import hashlib
import os
import pathlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from typing import BinaryIO, TypeAlias

import msgspec
import numpy as np

from tfmm import arrays, errors, files
from tfmm.market import schema, store, tape
from tfmm.market.ingest import periods


class Writer:
    """Events of one session after another into a binary file.

    Args:
        file: binary file, open for writing at the end of what it holds.
        sessions: store.Session of what it holds already.
        break_s: shortest break between two trading periods of a session, see periods; 0: sessions are never cut.
    """

    def __init__(self, file: BinaryIO, sessions: Iterable[store.Session] = (), break_s: float = periods.BREAK_S):
        self._file, self._break_s = file, break_s
        self.sessions = list(sessions)
        self._row = self.sessions[-1].stop_row if self.sessions else 0

    def add(self, name: str, blocks: Iterable[arrays.Records]) -> bool:
        """Writes a session; `blocks` yields (K,) schema.EVENT in order of time.

        Returns:
            Whether there was an event; without any, no session is added.

        Raises:
            DataError: it begins before the last one ends.
        """
        start, digest, quotes, trades, first, last = self._row, hashlib.sha256(), 0, 0, 0, 0
        finder = periods.Finder(start, self._break_s)
        for events in blocks:
            if not len(events):
                continue
            if self._row == start:
                first = int(events["ts"][0])
                self._check_order(name, first)
            data = np.ascontiguousarray(events).view(np.uint8).data
            digest.update(data)
            self._file.write(data)
            finder.add(events)
            quotes += int((events["kind"] == schema.QUOTE).sum())
            trades += int((events["kind"] == schema.TRADE).sum())
            last = int(events["ts"][-1])
            self._row += len(events)
        if self._row == start:
            return False
        self.sessions.append(
            store.Session(
                name=name, start_row=start, stop_row=self._row, first_ns=first, last_ns=last,
                n_quotes=quotes, n_trades=trades, sha256=digest.hexdigest(),
                periods=finder.periods(),
            )
        )  # fmt: skip
        return True

    def note(self, sources: dict[str, str], dropped: dict[str, int], price_steps: Sequence[int] = ()) -> None:
        """Says where the last session came from: file name -> sha256, and rows left out by reason; and the price steps
        of its instruments, ticks."""
        steps = tuple(price_steps) if any(step > 1 for step in price_steps) else ()
        self.sessions[-1] = msgspec.structs.replace(
            self.sessions[-1], sources=sources, dropped=dropped, price_steps=steps
        )

    def drop_last(self) -> None:
        """Takes back the last session."""
        self._row = self.sessions.pop().start_row
        self._file.flush()
        self._file.seek(self._row * schema.EVENT.itemsize)
        self._file.truncate()

    def _check_order(self, name, first):
        if self.sessions and first <= self.sessions[-1].last_ns:
            raise errors.DataError(
                f"session {name} begins before session {self.sessions[-1].name} ends, wanted sessions one after another"
            )


Fill: TypeAlias = Callable[[Writer, pathlib.Path], None]
"""Adds sessions to a writer, and writes further files into the folder."""


def create(
    path: pathlib.Path,
    instruments: Sequence[schema.Instrument],
    sessions: Iterable[tuple[str, tape.Tape, dict[str, str]]],
    overwrite: bool = False,
) -> store.Store:
    """Writes a store of whole tapes; see `write`. sessions: iterable of (name, Tape, sources)."""

    def fill(writer, _):
        for name, one, sources in sessions:
            if not writer.add(name, [one.events]):
                raise errors.DataError(f"session {name} has no events, wanted at least one")
            writer.note(sources, one.dropped, one.price_steps)

    return write(path, instruments, fill, overwrite)


def write(
    path: pathlib.Path,
    instruments: Sequence[schema.Instrument],
    fill: Fill,
    overwrite: bool = False,
    break_s: float = periods.BREAK_S,
) -> store.Store:
    """Writes a store; a killed job leaves the old one, or nothing that could be taken for a store.

    Args:
        path: folder, new or empty; one that holds a store only with `overwrite`.
        instruments: sequence of schema.Instrument, one for each instrument of the events.
        fill: function of (Writer, folder) that adds the sessions in order of time; further files that it
            writes into the folder become part of the store.
        break_s: see Writer.

    Returns:
        The opened Store.

    Raises:
        DataError: the folder holds something else, sessions overlap, or the disk is full.
    """
    path = pathlib.Path(path)
    check_target(path, overwrite)
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    try:
        temporary.mkdir(parents=True)
        with open(temporary / store.EVENTS, "wb") as file:
            writer = Writer(file, break_s=break_s)
            fill(writer, temporary)
            _sync(file)
        _write_manifest(temporary, instruments, writer.sessions)
        files.replace_folder(temporary, path)
    except OSError as error:
        raise errors.DataError(
            f"store {path}: cannot be written: {error.strerror or error}; nothing was changed"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return store.Store.open(path)


def append(path: pathlib.Path, fill: Fill, break_s: float = periods.BREAK_S) -> store.Store:
    """Adds sessions after those of an existing store; others may read it meanwhile.

    The new events are written behind the old ones and count only once the manifest names them: a killed
    job leaves the old store.

    Args:
        path: folder of a store. fill, break_s: as in `write`; files that it writes replace those of the store.

    Returns:
        The opened Store.
    """
    old = store.Store.open(path)
    staging = pathlib.Path(path).with_name(f".{pathlib.Path(path).name}.tmp")
    shutil.rmtree(staging, ignore_errors=True)
    try:
        staging.mkdir()
        with open(old.path / store.EVENTS, "r+b") as file:
            file.truncate(len(old.events) * schema.EVENT.itemsize)
            file.seek(0, os.SEEK_END)
            writer = Writer(file, old.sessions, break_s)
            fill(writer, staging)
            _sync(file)
        for one in staging.iterdir():
            os.replace(one, old.path / one.name)
        _write_manifest(old.path, old.instruments, writer.sessions)
    except OSError as error:
        raise errors.DataError(
            f"store {path}: cannot be extended: {error.strerror or error}; it is unchanged"
        ) from error
    finally:
        shutil.rmtree(staging, ignore_errors=True)
    return store.Store.open(path)


def check_target(path: pathlib.Path, overwrite: bool) -> None:
    """DataError where a store may not be written: a file, a folder with other things, or a store in use."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise errors.DataError(f"store {path}: is a file, wanted a folder")
    holds_store = (path / store.MANIFEST).exists()
    if path.is_dir() and any(path.iterdir()) and not holds_store:
        raise errors.DataError(f"store {path}: the folder has other files, wanted a new or empty one")
    if holds_store and not overwrite:
        raise errors.DataError(f"store {path}: holds a store already, wanted a new folder, --add or --overwrite")


def _write_manifest(folder, instruments, sessions):
    manifest = store.Manifest(
        format=store.FORMAT, event=store.EVENT_LAYOUT, instruments=tuple(instruments), sessions=tuple(sessions)
    )
    files.write_json(folder / store.MANIFEST, msgspec.to_builtins(manifest))


def _sync(file):
    file.flush()
    os.fsync(file.fileno())
