"""The store: all sessions of a set of instruments, merged, on disk, memory-mapped.

`events.bin` holds the schema.EVENT records of one session after another; `manifest.json`, written
last, says which rows belong to which session and carries a hash of each. Opening reads the manifest
only, so it takes the same time for any amount of data; processes share the pages.
"""

import hashlib
import itertools
import mmap
import pathlib
from typing import Self

import msgspec
import numpy as np

from tfmm import arrays, errors
from tfmm.market import schema, tape

FORMAT = 2
READABLE = (1, 2)  # 1: without events of kinds ONE_SIDED and NO_MARKET
EVENTS, MANIFEST = "events.bin", "manifest.json"
EVENT_LAYOUT = str(schema.EVENT.descr)
_BLOCK_ROWS = 1 << 20


def release(events: arrays.Records) -> None:
    """Gives the pages of mapped events back; the next touch maps them again. Other arrays are left alone."""
    mapped = getattr(events, "_mmap", None)
    if mapped is not None:
        mapped.madvise(mmap.MADV_DONTNEED)


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One trading period, in which the market is open: rows [start_row, stop_row), first_ns and last_ns their times."""

    start_row: int
    stop_row: int
    first_ns: int
    last_ns: int


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One session: rows [start_row, stop_row) of the events, and where they came from.

    first_ns, last_ns: time of the first and last event. n_quotes: of two sides. sources: file name -> sha256.
    dropped: rows left out by reason. sha256: of the session's bytes.
    periods: trading periods, in order of time; empty: one, the whole session.
    price_steps: of each instrument, ticks; empty: one tick each.
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
    periods: tuple[Period, ...] = ()
    price_steps: tuple[int, ...] = ()

    @property
    def trading(self) -> tuple[Period, ...]:
        """The trading periods, at least one."""
        whole = Period(start_row=self.start_row, stop_row=self.stop_row, first_ns=self.first_ns, last_ns=self.last_ns)
        return self.periods or (whole,)

    @property
    def breaks(self) -> tuple[tuple[int, int], ...]:
        """(begin, end) in ns of the closed hours between trading periods."""
        return tuple((before.last_ns, after.first_ns) for before, after in itertools.pairwise(self.periods))

    @property
    def trading_s(self) -> float:
        """Seconds in which the market is open."""
        return sum(period.last_ns - period.first_ns for period in self.trading) * 1e-9


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What `manifest.json` holds. event: the record layout of `events.bin`."""

    format: int
    event: str
    instruments: tuple[schema.Instrument, ...]
    sessions: tuple[Session, ...]


class Store:
    """An opened store. `events`: (E,) schema.EVENT, read-only memory map of all sessions."""

    def __init__(self, path: pathlib.Path, manifest: Manifest, events: arrays.Records):
        self.path = path
        self.instruments = manifest.instruments
        self.sessions = manifest.sessions
        self.events = events

    @classmethod
    def open(cls, path: pathlib.Path | str) -> Self:
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
        if manifest.format not in READABLE or manifest.event != EVENT_LAYOUT:
            raise errors.DataError(f"store {path}: format {manifest.format}, wanted {FORMAT}: prepare the data again")
        if not manifest.sessions:
            raise errors.DataError(f"store {path}: holds no session, wanted at least one")
        rows = manifest.sessions[-1].stop_row
        binary = path / EVENTS
        size = binary.stat().st_size if binary.exists() else 0
        # a longer file is what an interrupted addition left: the manifest says what counts
        if size < rows * schema.EVENT.itemsize:
            raise errors.DataError(f"store {path}: {EVENTS} has {size} bytes, wanted {rows * schema.EVENT.itemsize}")
        return cls(path, manifest, np.memmap(binary, schema.EVENT, mode="r", shape=(rows,)))

    @property
    def data_hash(self) -> str:
        """Hash of everything the store holds; the same data gives the same hash anywhere."""
        digest = hashlib.sha256()
        cut = [session.periods for session in self.sessions if session.periods]
        steps = [session.price_steps for session in self.sessions if session.price_steps]
        for one in (*self.instruments, *(session.sha256 for session in self.sessions), *cut, *steps):
            digest.update(msgspec.json.encode(one))
        return digest.hexdigest()

    def session(self, name: str) -> Session:
        """The Session of a name; DataError for an unknown one."""
        for one in self.sessions:
            if one.name == name:
                return one
        known = ", ".join(session.name for session in self.sessions)
        raise errors.DataError(f"store {self.path}: no session {name}, got {known}")

    def tape(self, name: str) -> tape.Tape:
        """The Tape of one session, on the mapped memory."""
        one = self.session(name)
        events = self.events[one.start_row : one.stop_row]
        return tape.Tape(events, self.instruments, dict(one.dropped), price_steps=one.price_steps)

    def verify(self) -> None:
        """Reads every event and compares the hashes; DataError names the session that differs."""
        for one in self.sessions:
            found = self._hash(one)
            if found != one.sha256:
                raise errors.DataError(
                    f"store {self.path}: session {one.name} in {EVENTS} has hash {found[:9]}, wanted {one.sha256[:9]}: "
                    "the file was changed or damaged, prepare the data again"
                )

    def _hash(self, session):
        digest = hashlib.sha256()
        for start in range(session.start_row, session.stop_row, _BLOCK_ROWS):
            block = np.asarray(self.events[start : min(start + _BLOCK_ROWS, session.stop_row)])
            digest.update(memoryview(block).cast("B"))
        return digest.hexdigest()
