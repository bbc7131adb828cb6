"""Containers: the files of a zip, and the text or tables of a file a block at a time, compressed or not.

A file inside a zip has the path of the zip with the file's name behind it, `day.zip/tob_X.csv`: every function here
takes such a path like any other.
"""

import bz2
import contextlib
import functools
import gzip
import hashlib
import io
import lzma
import pathlib
import re
import zipfile
import zlib
from collections.abc import Callable, Iterator, Sequence
from typing import Any, BinaryIO

import pyarrow as pa
from pyarrow import feather, parquet

from tfmm import errors
from tfmm.market.readers import kinds

BLOCK_BYTES = 4 << 20
BATCH_ROWS = 1 << 18
HEAD_BYTES = 1 << 18
SUFFIXES = (".gz", ".gzip", ".bz2", ".xz", ".lzma", ".zst", ".zstd", ".lz4")
_MOST_LAYERS = 3  # of compression, one over the other
_UNREADABLE = (
    OSError,
    EOFError,
    zlib.error,
    gzip.BadGzipFile,
    lzma.LZMAError,
    zipfile.BadZipFile,
    NotImplementedError,
    RuntimeError,
    UnicodeDecodeError,
    ValueError,
    pa.ArrowException,
)
_OPENERS: dict[str, Callable[[Any], Any]] = {
    "gzip": lambda stream: gzip.GzipFile(fileobj=stream, mode="rb"),
    "bz2": bz2.BZ2File,
    "xz": lzma.LZMAFile,
    "lzma": lzma.LZMAFile,
    "zstd": lambda stream: io.BufferedReader(pa.CompressedInputStream(stream, "zstd")),
    "lz4": lambda stream: io.BufferedReader(pa.CompressedInputStream(stream, "lz4")),
}


class Empty(errors.DataError):
    """A file without content."""


@contextlib.contextmanager
def reading(path: pathlib.Path) -> Iterator[None]:
    """Turns whatever a damaged file causes into a DataError that names it."""
    try:
        yield
    except errors.TfmmError:
        raise
    except _UNREADABLE as error:
        reason = (str(error).splitlines() or [type(error).__name__])[0]
        raise errors.DataError(f"{path}: cannot be read: {reason}") from error


def members(path: pathlib.Path) -> list[pathlib.Path]:
    """The paths of the files in a zip.

    Raises:
        DataError: the zip is damaged, empty or encrypted, or holds a name twice with different content.
    """
    with reading(path):
        archive, known = _archive(path, path.stat().st_mtime_ns)
        for one in archive.infolist():
            name = _member_name(one)
            if name not in known:
                continue
            if one.flag_bits & 1:
                raise errors.DataError(f"{path}: the zip is encrypted, wanted one without a password: unpack it first")
            if known[name].CRC != one.CRC:
                raise errors.DataError(f"{path}: the zip holds {name} twice with different content, wanted it once")
    if not known:
        raise errors.DataError(f"{path}: the zip holds no file, wanted at least one")
    return [path / name for name in sorted(known)]


def split(path: pathlib.Path) -> tuple[pathlib.Path, str]:
    """(file on the disk, name in it); the name is empty of a file that is in no zip."""
    if not path.is_file():
        for parent in path.parents:
            if parent.is_file():
                return parent, path.relative_to(parent).as_posix()
    return path, ""


def siblings(path: pathlib.Path) -> list[pathlib.Path]:
    """The paths beside a file, in its folder or zip, itself included."""
    file, name = split(path)
    if name:
        return [one for one in members(file) if one.parent == path.parent]
    return sorted(one for one in path.parent.iterdir() if one.is_file()) if path.parent.is_dir() else []


def kind(path: pathlib.Path) -> str:
    """kinds.TEXT, one of kinds.TABLES or a key of kinds.KINDS, of what a file holds once it is decompressed."""
    with reading(path):
        with open_bytes(path) as stream:
            if stream.read(4) in (b"PK\x03\x04", b"PK\x05\x06") and not split(path)[1]:
                return _kind_of_zip(_archive(path, path.stat().st_mtime_ns)[1])
        with open_text(path) as stream:
            found = kinds.of(stream.read(kinds.BYTES))
            if found == kinds.INNER_ZIP and stream.seekable():
                with zipfile.ZipFile(stream) as inner:
                    # numpy's archives are zips themselves
                    found = "npz" if _kind_of_zip(inner.namelist()) == "npz" else found
            return found


@contextlib.contextmanager
def open_bytes(path: pathlib.Path) -> Iterator[BinaryIO]:
    """A binary stream of a file as it is, or of a member of a zip."""
    file, name = split(path)
    if not name:
        with open(path, "rb") as stream:
            yield stream
        return
    archive, known = _archive(file, file.stat().st_mtime_ns)
    if name not in known:
        raise errors.DataError(f"{path}: no such file in the zip")
    with archive.open(known[name]) as stream:
        yield stream


@contextlib.contextmanager
def open_text(path: pathlib.Path) -> Iterator[Any]:
    """A binary stream of what a file holds: decompressed by its first bytes, also where it was compressed twice."""
    with contextlib.ExitStack() as stack:
        stream: Any = stack.enter_context(open_bytes(path))
        for _ in range(_MOST_LAYERS):
            codec = kinds.codec(stream.peek(kinds.BYTES)[: kinds.BYTES])
            if not codec:
                break
            stream = stack.enter_context(_OPENERS[codec](stream))
        yield stream


def head(path: pathlib.Path) -> list[str]:
    """First lines of a text file, at most HEAD_BYTES: a list of str.

    Raises:
        Empty: nothing is in it. DataError: it is not UTF-8.
    """
    with reading(path), open_text(path) as stream:
        data = stream.read(HEAD_BYTES)
    if not data.strip():
        raise Empty(f"{path}: the file is empty, wanted rows")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise errors.DataError(f"{path}: the text is UTF-16, wanted UTF-8")
    if len(data) == HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    text = data.decode("utf-8-sig", errors="replace")
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def blocks(path: pathlib.Path, seen: Callable[[bytes], Any] | None = None) -> Iterator[bytes]:
    """Yields the text of a file in blocks of about BLOCK_BYTES that end with a line (the last one may not).

    seen: is called with all that is read, in order.
    """
    seen = seen or (lambda _: None)
    with reading(path), open_text(path) as stream:
        rest = b""
        while True:
            block = stream.read(BLOCK_BYTES)
            if not block:
                break
            seen(block)
            cut = block.rfind(b"\n") + 1
            if not cut:
                rest += block
                if len(rest) > 16 * BLOCK_BYTES:
                    raise errors.DataError(f"{path}: a line is longer than {16 * BLOCK_BYTES} bytes, wanted rows")
                continue
            yield b"".join((rest, block[:cut]))
            rest = block[cut:]
        if rest.strip():
            yield rest


def lines(path: pathlib.Path) -> Iterator[bytes]:
    """Yields the lines of a text file as bytes."""
    with reading(path), open_text(path) as stream:
        yield from io.BufferedReader(stream, BLOCK_BYTES) if isinstance(stream, io.RawIOBase) else stream


def sha256(path: pathlib.Path) -> str:
    """Hash of what a file holds once it is decompressed, hexadecimal: the same for a file and its copy in a zip."""
    digest = hashlib.sha256()
    with reading(path), open_text(path) as stream:
        while block := stream.read(BLOCK_BYTES):
            digest.update(block)
    return digest.hexdigest()


def size(path: pathlib.Path) -> int:
    """Bytes that a file or member takes on the disk."""
    file, name = split(path)
    if not name:
        return path.stat().st_size
    with reading(file):
        return _archive(file, file.stat().st_mtime_ns)[1][name].compress_size


def table_columns(path: pathlib.Path) -> list[str]:
    """Column names of a parquet or feather file."""
    with reading(path):
        if kind(path) == "parquet":
            return list(parquet.ParquetFile(_table(path)).schema_arrow.names)
        return list(pa.ipc.open_file(_table(path)).schema.names)


def tables(path: pathlib.Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yields a parquet or feather file as record batches with the columns that are wanted."""
    with reading(path):
        if kind(path) == "parquet":
            yield from parquet.ParquetFile(_table(path)).iter_batches(batch_size=BATCH_ROWS, columns=columns)
        else:
            yield from feather.read_table(_table(path), columns=columns).to_batches(max_chunksize=BATCH_ROWS)


def _table(path):
    """What arrow opens: the mapped file, or all the bytes of one that is compressed or in a zip."""
    with open_bytes(path) as stream:
        packed = split(path)[1] or kinds.codec(stream.read(kinds.BYTES))
    if not packed:
        return pa.memory_map(str(path))
    with open_text(path) as stream:
        return pa.BufferReader(stream.read())


@functools.lru_cache(maxsize=4)  # reading the names of a big zip anew for each of its files would take longest
def _archive(path, _modified_ns):
    """(ZipFile, {name: ZipInfo} of its files)."""
    archive = zipfile.ZipFile(path)
    return archive, {name: one for one in archive.infolist() if not one.is_dir() and (name := _member_name(one))}


def _member_name(one):
    """The name with slashes, without what would lead out of the zip; some programs write backslashes."""
    return "/".join(part for part in re.split(r"[\\/]+", one.filename) if part not in ("", ".", ".."))


def _kind_of_zip(names):
    if "[Content_Types].xml" in names:
        return "xlsx"
    return "npz" if names and all(name.endswith(".npy") for name in names) else kinds.ZIP
