"""Containers: what a file is by its first bytes, and its text or tables a block at a time."""

import contextlib
import gzip
import io
import lzma
import pathlib
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import pyarrow as pa
from pyarrow import feather, parquet

from tfmm import errors

BLOCK_BYTES = 4 << 20
BATCH_ROWS = 1 << 18
HEAD_BYTES = 1 << 18
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
TABLES = ("parquet", "feather")


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


def kind(path: pathlib.Path) -> str:
    """ "parquet" or "feather"; compressed or not: "dbn", "npz" or else "text"."""
    with reading(path), open(path, "rb") as file:
        start = file.read(6)
    if start[:4] == b"PAR1":
        return "parquet"
    if start == b"ARROW1":
        return "feather"
    with reading(path), open_text(path) as stream:
        start = stream.read(6)
    if start[:3] == b"DBN" and start[3:4] < b" ":
        return "dbn"
    return "npz" if start == b"\x93NUMPY" else "text"


@contextlib.contextmanager
def open_text(path: pathlib.Path) -> Iterator[Any]:
    """A binary stream of the text in a file: plain, gzip, a zip of one file, xz or zstd, by its first bytes."""
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(open(path, "rb"))
        start = file.read(6)
        file.seek(0)
        if start[:2] == b"\x1f\x8b":
            yield stack.enter_context(gzip.GzipFile(fileobj=file))
        elif start[:4] == b"PK\x03\x04":
            archive = stack.enter_context(zipfile.ZipFile(file))
            names = [name for name in archive.namelist() if not name.endswith("/")]
            if len(names) != 1:
                raise errors.DataError(f"{path}: the zip holds {len(names)} files, wanted one")
            yield stack.enter_context(archive.open(names[0]))
        elif start == b"\xfd7zXZ\x00":
            yield stack.enter_context(lzma.LZMAFile(file))
        elif start[:4] == b"\x28\xb5\x2f\xfd":
            yield stack.enter_context(pa.CompressedInputStream(file, "zstd"))
        else:
            yield file


def head(path: pathlib.Path) -> list[str]:
    """First lines of a text file, at most HEAD_BYTES: a list of str.

    Raises:
        DataError: the file is empty or not UTF-8.
    """
    with reading(path), open_text(path) as stream:
        data = stream.read(HEAD_BYTES)
    if not data.strip():
        raise errors.DataError(f"{path}: the file is empty, wanted rows")
    if data[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise errors.DataError(f"{path}: the text is UTF-16, wanted UTF-8")
    if len(data) == HEAD_BYTES:
        data = data[: data.rfind(b"\n") + 1] or data
    text = data.decode("utf-8-sig", errors="replace")
    return [line.rstrip("\r") for line in text.split("\n") if line.strip()]


def blocks(path: pathlib.Path, skip_lines: int = 0) -> Iterator[bytes]:
    """Yields the text of a file in blocks of about BLOCK_BYTES that end with a line (the last one may not)."""
    with reading(path), open_text(path) as stream:
        for _ in range(skip_lines):
            stream.readline()
        rest = b""
        while True:
            block = stream.read(BLOCK_BYTES)
            if not block:
                break
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


def table_columns(path: pathlib.Path) -> list[str]:
    """Column names of a parquet or feather file."""
    with reading(path):
        if kind(path) == "parquet":
            return list(parquet.ParquetFile(path).schema_arrow.names)
        with pa.memory_map(str(path)) as source:
            return list(pa.ipc.open_file(source).schema.names)


def tables(path: pathlib.Path, columns: Sequence[str]) -> Iterator[pa.RecordBatch]:
    """Yields a parquet or feather file as record batches with the columns that are wanted."""
    with reading(path):
        if kind(path) == "parquet":
            yield from parquet.ParquetFile(path).iter_batches(batch_size=BATCH_ROWS, columns=columns)
        else:
            whole = feather.read_table(path, columns=columns, memory_map=True)
            yield from whole.to_batches(max_chunksize=BATCH_ROWS)
