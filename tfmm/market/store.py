"""The store: all sessions of a set of instruments, merged, on disk, memory-mapped.

`events.bin` holds the schema.EVENT records of one session after another; `manifest.json`, written
last, says which rows belong to which session and carries a hash of each. Opening reads the manifest
only, so it takes the same time for any amount of data; processes share the pages.
"""

import hashlib
import os
import pathlib
import shutil
from typing import Any

import msgspec
import numpy as np

from tfmm import errors, files
from tfmm.market import schema, tape

FORMAT = 1
EVENTS, MANIFEST = "events.bin", "manifest.json"
EVENT_LAYOUT = str(schema.EVENT.descr)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session: rows [start_row, stop_row) of the events, and where they came from.

    first_ns, last_ns: time of the first and last event. sources: file name -> sha256.
    dropped: rows left out by reason. sha256: of the session's bytes.
    """

    name: str
    start_row: int
    stop_row: int
    first_ns: int
    last_ns: int
    n_quotes: int
    n_trades: int
    sha256: str
    sources: dict[str, str] = {}
    dropped: dict[str, int] = {}


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `manifest.json` holds. event: the record layout of `events.bin`."""

    format: int
    event: str
    instruments: tuple[schema.Instrument, ...]
    sessions: tuple[Session, ...]


class Store:
    """An opened store. `events`: (E,) schema.EVENT, read-only memory map of all sessions."""

    def __init__(self, path, manifest, events):
        self.path = path
        self.instruments = manifest.instruments
        self.sessions = manifest.sessions
        self.events = events

    @classmethod
    def open(cls, path):
        """Opens a store in constant time.

        Raises:
            DataError: no store there, another format, or `events.bin` has the wrong size.
        """
        path = pathlib.Path(path)
        file = path / MANIFEST
        try:
            manifest = msgspec.json.decode(file.read_bytes(), type=Manifest)
        except OSError as error:
            raise errors.DataError(
                f"store {path}: {MANIFEST}: {error.strerror}, wanted a folder written by prepare.py"
            ) from error
        except (msgspec.DecodeError, ValueError) as error:
            raise errors.DataError(f"store {path}: {MANIFEST} is damaged: {error}") from error
        if (manifest.format, manifest.event) != (FORMAT, EVENT_LAYOUT):
            raise errors.DataError(f"store {path}: format {manifest.format}, wanted {FORMAT}: prepare the data again")
        if not manifest.sessions:
            raise errors.DataError(f"store {path}: holds no session, wanted at least one")
        rows = manifest.sessions[-1].stop_row
        binary = path / EVENTS
        size = binary.stat().st_size if binary.exists() else 0
        if size != rows * schema.EVENT.itemsize:
            raise errors.DataError(f"store {path}: {EVENTS} has {size} bytes, wanted {rows * schema.EVENT.itemsize}")
        return cls(path, manifest, np.memmap(binary, schema.EVENT, mode="r", shape=(rows,)))

    @property
    def data_hash(self):
        """Hash of everything the store holds; the same data gives the same hash anywhere."""
        digest = hashlib.sha256()
        for one in (*self.instruments, *(session.sha256 for session in self.sessions)):
            digest.update(msgspec.json.encode(one))
        return digest.hexdigest()

    def session(self, name):
        """The Session of a name; DataError for an unknown one."""
        for one in self.sessions:
            if one.name == name:
                return one
        known = ", ".join(session.name for session in self.sessions)
        raise errors.DataError(f"store {self.path}: no session {name}, got {known}")

    def tape(self, name):
        """The Tape of one session, on the mapped memory."""
        one = self.session(name)
        return tape.Tape(self.events[one.start_row : one.stop_row], self.instruments, dict(one.dropped))

    def verify(self):
        """Reads every event and compares the hashes; DataError names the session that differs."""
        for one in self.sessions:
            found = _hash(np.asarray(self.events[one.start_row : one.stop_row]))
            if found != one.sha256:
                raise errors.DataError(
                    f"store {self.path}: session {one.name} in {EVENTS} has hash {found[:9]}, wanted {one.sha256[:9]}: "
                    "the file was changed or damaged, prepare the data again"
                )


def create(path, instruments, sessions, overwrite=False):
    """Writes a store; a killed job leaves the old one, or nothing that could be taken for a store.

    Args:
        path: folder, new or empty; one that holds a store only with `overwrite`.
        instruments: sequence of schema.Instrument, one for each instrument of the tapes.
        sessions: iterable of (name, Tape, sources), in order of time; one is in memory at a time.

    Returns:
        The opened Store.

    Raises:
        DataError: the folder holds something else, sessions overlap, or the disk is full.
    """
    path = pathlib.Path(path)
    check_target(path, overwrite)
    temporary = path.with_name(f".{path.name}.tmp")
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        entries = _write_events(temporary / EVENTS, sessions)
        manifest = Manifest(
            format=FORMAT,
            event=EVENT_LAYOUT,
            instruments=tuple(instruments),
            sessions=tuple(entries),
        )
        files.write_json(temporary / MANIFEST, msgspec.to_builtins(manifest))
        files.replace_folder(temporary, path)
    except OSError as error:
        raise errors.DataError(
            f"store {path}: cannot be written: {error.strerror or error}; nothing was changed"
        ) from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    return Store.open(path)


def check_target(path, overwrite):
    """DataError where a store may not be written: a file, a folder with other things, or a store in use."""
    path = pathlib.Path(path)
    if path.exists() and not path.is_dir():
        raise errors.DataError(f"store {path}: is a file, wanted a folder")
    holds_store = (path / MANIFEST).exists()
    if path.is_dir() and any(path.iterdir()) and not holds_store:
        raise errors.DataError(f"store {path}: the folder has other files, wanted a new or empty one")
    if holds_store and not overwrite:
        raise errors.DataError(f"store {path}: holds a store already, wanted a new folder or --overwrite")


def _write_events(path, sessions) -> list[Any]:
    entries, row = [], 0
    with open(path, "wb") as file:
        for name, one, sources in sessions:
            events = np.ascontiguousarray(one.events)
            if entries and events["ts"][0] <= entries[-1].last_ns:
                raise errors.DataError(
                    f"session {name} begins before session {entries[-1].name} ends, wanted sessions one after another"
                )
            file.write(memoryview(events).cast("B"))
            n_trades = int((events["kind"] == schema.TRADE).sum())
            entries.append(
                Session(
                    name=name,
                    start_row=row,
                    stop_row=row + len(events),
                    first_ns=int(events["ts"][0]),
                    last_ns=int(events["ts"][-1]),
                    n_quotes=len(events) - n_trades,
                    n_trades=n_trades,
                    sha256=_hash(events),
                    sources=sources,
                    dropped=one.dropped,
                )
            )
            row += len(events)
        file.flush()
        os.fsync(file.fileno())
    return entries


def _hash(events):
    return hashlib.sha256(memoryview(np.ascontiguousarray(events)).cast("B")).hexdigest()
