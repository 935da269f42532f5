"""What a file is made of: its bytes as they lie, and whatever is packed in them.

What belongs here: telling by their first bytes what is packed, and unpacking it. What does not: what is looked for. What cannot be
unpacked is an error, for what was not looked at was not searched.
"""

import bz2
import gzip
import lzma
import sqlite3
import zipfile
from collections.abc import Callable, Iterator
from contextlib import closing
from io import BytesIO
from pathlib import Path
from typing import Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from tasks.canaries.needles import LONGEST_FORM
from tasks.errors import LeakSearchError

_PIECE = 64 * 1024 * 1024
_DEEPEST = 4
"""Containers within containers; no output of ours has more than one."""
_ROWS = 65_536
_MAGIC_BYTES = 16
_SQLITE = b"SQLite format 3\x00"
_LONG = 900
"""Bytes above which SQLite may cut a value in two; shorter ones stand in one piece among the raw bytes."""

_UNREADABLE = (OSError, EOFError, ValueError, RuntimeError, zipfile.BadZipFile, lzma.LZMAError, pa.ArrowException, sqlite3.Error)

Part = tuple[str, pa.Buffer]
"""What it is, within the file, and its bytes."""


class Readable(Protocol):
    """Anything that gives bytes."""

    def read(self, size: int, /) -> bytes:
        """At most ``size`` bytes; none at the end."""
        ...


Unpacker = Callable[[pa.Buffer, Path | None], Iterator[Part]]


def parts_of_file(path: Path) -> Iterator[Part]:
    """The bytes of ``path`` and of everything packed in it, one piece at a time.

    Raises :class:`~tasks.errors.LeakSearchError` where it cannot be unpacked, and ``OSError`` where it cannot be read.
    """
    with path.open("rb") as stream:
        unpack = _find_unpacker(stream.read(_MAGIC_BYTES))
        stream.seek(0)
        if unpack is None or unpack is _sqlite:
            # Read, not mapped: a log or a database that is cut short meanwhile would end this process.
            for piece in _pieces(stream):
                yield "", piece
    if unpack is _sqlite:
        yield from _packed(pa.py_buffer(_SQLITE), str(path), path, 0)
    elif unpack is not None:
        with pa.memory_map(str(path)) as mapped:
            whole = mapped.read_buffer()
            yield "", whole
            yield from _packed(whole, str(path), path, 0)


def parts_of_buffer(content: pa.Buffer, name: str) -> Iterator[Part]:
    """The same of bytes that are in memory; ``name`` is what an error calls them."""
    yield "", content
    yield from _packed(content, name, None, 0)


def _packed(content: pa.Buffer, name: str, path: Path | None, depth: int) -> Iterator[Part]:
    unpack = _find_unpacker(content.slice(0, min(content.size, _MAGIC_BYTES)).to_pybytes())
    if unpack is None:
        return
    if depth > _DEEPEST:
        raise _unsearchable(name, f"more than {_DEEPEST} containers within each other")
    try:
        for label, piece in unpack(content, path):
            yield label, piece
            # A value that begins like a container is one only as a file's member, not as a cell.
            for inner, part in _packed(piece, name, None, depth + 1) if label.startswith(("member", "unpacked")) else ():
                yield f"{label} {inner}".strip(), part
    except LeakSearchError:
        raise
    except (
        OSError,
        EOFError,
        ValueError,
        RuntimeError,
        zipfile.BadZipFile,
        lzma.LZMAError,
        pa.ArrowException,
        sqlite3.Error,
    ) as error:
        raise _unsearchable(name, f"it looks packed and cannot be unpacked ({type(error).__name__})") from None


def _find_unpacker(start: bytes) -> "Unpacker | None":
    return next((how for magic, how in _UNPACKERS.items() if start.startswith(magic)), None)


def _unsearchable(name: str, found: str) -> LeakSearchError:
    return LeakSearchError(
        name,
        found=found,
        expected="a file of which every byte can be searched",
        next_step="delete it or make it again",
    )


def _parquet(content: pa.Buffer, _: Path | None) -> Iterator[Part]:
    """Pages as values, dictionaries with what no row uses; footers, statistics and page headers lie open in the file."""
    reader = pa.BufferReader(content)
    texts = [field.name for field in pq.read_schema(reader) if pa.types.is_string(field.type)]
    reader.seek(0)
    file = pq.ParquetFile(reader, read_dictionary=texts)
    for batch in file.iter_batches(_ROWS):
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            for buffer in _buffers(column):
                yield f"column {name}", buffer


def _buffers(column: pa.Array) -> Iterator[pa.Buffer]:
    if isinstance(column, pa.DictionaryArray):
        yield from _buffers(column.dictionary)
        return
    yield from (buffer for buffer in column.buffers()[1:] if buffer is not None and buffer.size)


def _zip(content: pa.Buffer, _: Path | None) -> Iterator[Part]:
    with zipfile.ZipFile(pa.BufferReader(content)) as archive:
        for member in archive.infolist():
            with archive.open(member) as stream:
                for piece in _pieces(stream):
                    yield f"member {member.filename}", piece


def _stream(opener: Callable[[BytesIO], gzip.GzipFile | bz2.BZ2File | lzma.LZMAFile]) -> Unpacker:
    def unpack(content: pa.Buffer, _: Path | None) -> Iterator[Part]:
        with opener(BytesIO(content)) as stream:
            for piece in _pieces(stream):
                yield "unpacked", piece

    return unpack


def _zstd(content: pa.Buffer, _: Path | None) -> Iterator[Part]:
    with pa.CompressedInputStream(pa.BufferReader(content), "zstd") as stream:
        for piece in _pieces(stream):
            yield "unpacked", piece


def _pieces(stream: "Readable") -> Iterator[pa.Buffer]:
    """The whole of ``stream`` in pieces of which each begins with the end of the one before."""
    kept = b""
    while piece := stream.read(_PIECE):
        yield pa.py_buffer(kept + piece)
        kept = piece[-LONGEST_FORM:]


def _sqlite(content: pa.Buffer, path: Path | None) -> Iterator[Part]:
    """Values that lie in several pages, by SQLite itself; shorter ones are among the raw bytes, those of its log included."""
    if path is None:  # within another container: a copy in memory
        connection = sqlite3.connect(":memory:")
        connection.deserialize(content.to_pybytes())
    else:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
    connection.text_factory = bytes
    with closing(connection):
        names = connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND rootpage > 0").fetchall()
        for (table,) in names:
            name = table.decode()
            quoted = _quote(name)
            columns = [row[1].decode() for row in connection.execute(f"PRAGMA table_info({quoted})")]
            for column in columns:
                cell = _quote(column)
                long = connection.execute(f"SELECT {cell} FROM {quoted} WHERE length(CAST({cell} AS BLOB)) > {_LONG}")  # noqa: S608 - quoted names
                while cells := long.fetchmany(1000):
                    yield f"table {name}, column {column}", pa.py_buffer(b"\n".join(bytes(value) for (value,) in cells))


def _quote(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


_UNPACKERS: dict[bytes, Unpacker] = {
    b"PAR1": _parquet,
    b"PK\x03\x04": _zip,
    b"\x1f\x8b": _stream(lambda raw: gzip.GzipFile(fileobj=raw)),
    b"BZh": _stream(bz2.BZ2File),
    b"\xfd7zXZ\x00": _stream(lzma.LZMAFile),
    b"\x28\xb5\x2f\xfd": _zstd,
    _SQLITE: _sqlite,
}
"""By the first bytes, since DVC's objects have no endings."""
