"""Kinds of files by their first bytes: what is compressed, what is a table, what is binary and how it becomes one."""

import re
from typing import NamedTuple

BYTES = 512  # as many are looked at
TEXT = "text"
TABLES = ("parquet", "feather")
ZIP, INNER_ZIP = "zip", "zip inside another file"
DOCUMENT = "document"
UNKNOWN = "binary"
_CONTROLS = bytes(code for code in range(1, 32) if code not in (7, 8, 9, 10, 11, 12, 13, 27))
_MOST_CONTROLS, _MOST_NULS = 0.02, 0.5


class Kind(NamedTuple):
    """name: what errors call it. advice: what the user can do."""

    name: str
    advice: str


_CONVERT = "convert it to CSV or parquet first"
_UNPACK = "unpack it first"
KINDS = {
    "dbn": Kind("Databento's binary DBN", "leave it out, or do not insist on another --layout"),
    "pcap": Kind("a packet capture (pcap)", "convert TOPS/DEEP or ITCH to CSV first"),
    "pcapng": Kind("a packet capture (pcap-ng)", "convert TOPS/DEEP or ITCH to CSV first"),
    "npz": Kind("a numpy archive (npz)", _CONVERT),
    "npy": Kind("a numpy array (npy)", _CONVERT),
    "hdf5": Kind("HDF5", _CONVERT + " (pandas: read_hdf, to_parquet)"),
    "netcdf": Kind("netCDF", _CONVERT),
    "xlsx": Kind("an Excel workbook or another Office document", "save its sheet as CSV"),
    "ole": Kind("an Excel workbook (xls) or another old Office document", "save its sheet as CSV"),
    "pickle": Kind("a Python pickle", _CONVERT + " (pandas: read_pickle, to_parquet)"),
    "sqlite": Kind("an SQLite database", "export its tables as CSV"),
    "duckdb": Kind("a DuckDB database", "export its tables as parquet"),
    "arrow_stream": Kind("an Arrow stream", "write it as an Arrow file (feather) or parquet"),
    "feather_1": Kind("Feather of the first version", "write it again as parquet"),
    "orc": Kind("ORC", _CONVERT + " (pandas: read_orc, to_parquet)"),
    "avro": Kind("Avro", _CONVERT),
    "rdata": Kind("R data", "write it as CSV or parquet in R"),
    "matlab": Kind("a MATLAB file", _CONVERT),
    "kdb": Kind("a kdb+ table", "save it as CSV in q"),
    "tar": Kind("a tar archive", _UNPACK),
    "7z": Kind("a 7z archive", _UNPACK),
    "rar": Kind("a rar archive", _UNPACK),
    "lzip": Kind("compressed with lzip", _UNPACK),
    "compress": Kind("compressed with compress (.Z)", _UNPACK),
    "snappy": Kind("compressed with snappy", _UNPACK),
    ZIP: Kind("a zip", _UNPACK),
    INNER_ZIP: Kind("a zip inside another file", _UNPACK),
    DOCUMENT: Kind("a document or picture", "leave it out"),
    UNKNOWN: Kind("binary of an unknown kind", _CONVERT),
}
_STARTS = (
    (b"PAR1", "parquet"), (b"ARROW1", "feather"), (b"FEA1", "feather_1"),
    (b"\xa1\xb2\xc3\xd4", "pcap"), (b"\xd4\xc3\xb2\xa1", "pcap"), (b"\xa1\xb2\x3c\x4d", "pcap"),
    (b"\x4d\x3c\xb2\xa1", "pcap"), (b"\n\r\r\n", "pcapng"), (b"\x93NUMPY", "npy"), (b"\x89HDF\r\n\x1a\n", "hdf5"),
    (b"CDF\x01", "netcdf"), (b"CDF\x02", "netcdf"), (b"\xd0\xcf\x11\xe0", "ole"), (b"SQLite format 3\0", "sqlite"),
    (b"\xff\xff\xff\xff", "arrow_stream"), (b"Obj\x01", "avro"), (b"RDX2\n", "rdata"), (b"RDX3\n", "rdata"),
    (b"MATLAB 5.0", "matlab"), (b"\xff\x01", "kdb"), (b"\xfe\x20", "kdb"), (b"7z\xbc\xaf", "7z"), (b"Rar!", "rar"),
    (b"LZIP", "lzip"), (b"\x1f\x9d", "compress"), (b"\xff\x06\0\0sNaPpY", "snappy"), (b"PK\x03\x04", INNER_ZIP),
    (b"PK\x05\x06", INNER_ZIP), (b"%PDF", DOCUMENT), (b"\x89PNG", DOCUMENT), (b"\xff\xd8\xff", DOCUMENT),
    (b"GIF8", DOCUMENT), (b"{\\rtf", DOCUMENT), (b"\0\0\0\x01Bud1", DOCUMENT),
)  # fmt: skip
_PICKLE = re.compile(rb"\x80[\x02-\x05][\x95cK}\](\x8c]", re.DOTALL)
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")


def codec(start: bytes) -> str:
    """ "gzip", "bz2", "xz", "lzma", "zstd" or "lz4" of the first bytes of a compressed file, "" of any other."""
    if start[:2] == b"\x1f\x8b":
        return "gzip"
    if start[:3] == b"BZh" and start[4:10] in (b"1AY&SY", b"\x17rE8P\x90"):
        return "bz2"
    if start[:6] == b"\xfd7zXZ\x00":
        return "xz"
    if start[:3] == b"\x5d\x00\x00" and (start[5:13] == b"\xff" * 8 or start[10:13] == b"\0\0\0"):
        return "lzma"
    if start[:4] == b"\x28\xb5\x2f\xfd" or (start[1:4] == b"\x2a\x4d\x18" and 0x50 <= start[0] <= 0x5F):
        return "zstd"
    return "lz4" if start[:4] == b"\x04\x22\x4d\x18" else ""


def of(start: bytes) -> str:
    """TEXT, one of TABLES, or a key of KINDS, by the first BYTES of what a compressed file or a file in a zip holds."""
    for letters, kind in _STARTS:
        if start.startswith(letters):
            return kind
    if start[:3] == b"DBN" and start[3:4] < b" ":
        return "dbn"
    if start[257:262] == b"ustar":
        return "tar"
    if start[8:12] == b"DUCK":
        return "duckdb"
    if _PICKLE.match(start):
        return "pickle"
    if start[:2] in _UTF_16:
        return TEXT
    if not _is_binary(start):
        return TEXT
    return "orc" if start[:3] == b"ORC" else UNKNOWN


def _is_binary(start):
    """Text may hold some damaged bytes, and NULs that pad its words."""
    controls = len(start) - len(start.translate(None, _CONTROLS))
    return controls > _MOST_CONTROLS * len(start) or start.count(0) > _MOST_NULS * len(start)
